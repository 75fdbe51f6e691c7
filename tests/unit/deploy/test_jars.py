"""Kafka's jars: each is what the lock says, or is fetched again."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from jgo.maven import MavenContext

from deploy.local import jars

LINES = jars.LOCK.read_text(encoding="utf-8").splitlines()
CONTENT = b"classes"
LINE = f"{hashlib.sha256(CONTENT).hexdigest()}  org.example:thing:1.2"


@pytest.fixture
def jar(tmp_path: Path) -> jars.Jar:
    made = jars._jar(LINE, MavenContext(repo_cache=tmp_path))
    made.path().parent.mkdir(parents=True)
    return made


def never(text: str) -> None:
    raise AssertionError(f"nothing is to be downloaded: {text}")


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_lock_names_a_digest_and_one_jar(line: str, tmp_path: Path) -> None:
    jar = jars._jar(line, MavenContext(repo_cache=tmp_path))
    assert len(bytes.fromhex(jar.digest)) == 32
    assert jar.path().suffix == ".jar"
    assert jar.path().is_relative_to(tmp_path)


def test_the_lock_holds_kafka_itself_once_and_nothing_twice() -> None:
    coordinates = [line.partition("  ")[2] for line in LINES]
    assert len(coordinates) == len(set(coordinates))
    assert f"org.apache.kafka:kafka_2.13:{jars.KAFKA_VERSION}" in coordinates
    assert any(one.startswith("org.slf4j:slf4j-simple:") for one in coordinates)


@pytest.mark.parametrize(
    ("there", "whole"), [(CONTENT, True), (CONTENT[:-1], False), (b"", False), (None, False)]
)
def test_a_jar_is_whole_by_its_digest_alone(
    there: bytes | None, whole: bool, jar: jars.Jar
) -> None:
    if there is not None:
        jar.path().write_bytes(there)
    assert jar.is_whole() is whole


def test_what_is_there_is_not_fetched_again(
    jar: jars.Jar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar.path().write_bytes(CONTENT)
    lock = tmp_path / "kafka.lock"
    lock.write_text(f"{LINE}\n\n", encoding="utf-8")
    monkeypatch.setattr(jars, "LOCK", lock)
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    say: Callable[[str], None] = never
    assert jars.class_path(say) == [jar.path()]
