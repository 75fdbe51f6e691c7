"""Kafka's jars: fetched once from Maven by `jgo` into the user's own Maven cache, each checked
against `kafka.lock`.

`python -m deploy.local.jars` resolves the coordinates afresh and writes the lock.
"""

import contextlib
import fcntl
import hashlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jgo
from jgo.config import GlobalSettings
from jgo.maven import Artifact, MavenContext

from deploy.local.errors import StackError

KAFKA_VERSION: Final = "4.3.1"
COORDINATES: Final = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
"""Kafka without an slf4j binding fails in silence."""
LOCK: Final = Path(__file__).with_name("kafka.lock")
AT_ONCE: Final = 8
"""Downloads under way at the same time."""


@dataclass(frozen=True, slots=True)
class Jar:
    digest: str
    artifact: Artifact

    def path(self) -> Path:
        path = self.artifact.cached_path
        assert path is not None  # a context without a cache has none; ours has one
        return path

    def is_whole(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return hashlib.sha256(self.path().read_bytes()).hexdigest() == self.digest
        return False


def class_path(say: Callable[[str], None]) -> list[Path]:
    """The jars, downloaded where missing. Blocks; needs the network only then. Raises
    StackError."""
    context = _context()
    jars = [_jar(line, context) for line in LOCK.read_text(encoding="utf-8").splitlines() if line]
    if any(not jar.is_whole() for jar in jars):
        with _alone(context.repo_cache):
            missing = [jar for jar in jars if not jar.is_whole()]
            _download(missing, len(jars), say)
    return [jar.path() for jar in jars]


def _download(missing: list[Jar], of: int, say: Callable[[str], None]) -> None:
    have = of - len(missing)
    say(f"downloading Kafka {KAFKA_VERSION}: {have} of {of} jars")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for done, _ in enumerate(pool.map(_fetch, missing), have + 1):
                say(f"downloading Kafka {KAFKA_VERSION}: {done} of {of} jars")
        except (OSError, RuntimeError) as error:
            pool.shutdown(cancel_futures=True)
            raise StackError(
                f"Kafka's jars cannot be downloaded ({type(error).__name__}); the first run needs "
                "the network: connect, or copy "
                f"{_context().repo_cache} from a machine that has run ledger up, and try again"
            ) from error


def _fetch(jar: Jar) -> None:
    jar.path().unlink(missing_ok=True)
    jar.artifact.resolve()
    if not jar.is_whole():
        jar.path().unlink()
        raise StackError(
            f"{jar.path().name} does not have the digest of {LOCK.name}; try again, or find out "
            "which server answers as Maven"
        )


@contextlib.contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """One download at a time on this machine: two would write the same files."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".incident-ledger.lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except PermissionError as error:
        raise StackError(
            f"no permission for {error.filename}; set M2_REPO to a folder of yours"
        ) from error


def _context() -> MavenContext:
    return MavenContext(repo_cache=GlobalSettings.load().repo_cache)


def _jar(line: str, context: MavenContext) -> Jar:
    digest, _, coordinate = line.partition("  ")
    group, name, version = coordinate.split(":")
    return Jar(digest, context.project(group, name).at_version(version).artifact())


def _refresh() -> None:
    artifacts = sorted(jgo.resolve(COORDINATES), key=str)
    lines = [
        f"{hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()}  "
        f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
        for artifact in artifacts
    ]
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stderr.write(f"{len(lines)} jars in {LOCK}\n")


if __name__ == "__main__":
    _refresh()
