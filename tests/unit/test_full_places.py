"""A disk without space, wherever a file is written: a loud refusal that names the file, nothing
half-written, and all of it made once there is space."""

import ast
import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from deploy.ledger.witness.memory import open_witness
from deploy.local import folder, postgres
from deploy.local.errors import StackError
from deploy.local.inbox import inbox
from deploy.local.keys import Keys, write_secret
from shared.audit import export
from shared.audit.heads import Seen
from shared.audit.seen import SeenFile
from shared.audit.writing import write_whole
from shared.runtime.process.persistence import PASSING, is_full
from shared.seal.folder import Folder
from shared.tlog.keys import Verifier, generate_key
from tests.unit.deploy.test_inbox import BODY, SECRET, signed
from tests.unit.disks import full

ROOT: Final = Path(__file__).parents[2]
LOG: Final = Verifier.parse(generate_key("incident-ledger/log")[1])


def store(place: Path) -> None:
    """As the sealer does: tiles, then the checkpoint that names them."""

    log = Folder(place)

    async def write() -> None:
        await log.write([("tile/0/000", b"t" * 100), ("tile/entries/000", b"e" * 5000)])
        await log.replace("checkpoint", None, b"c" * 100)

    try:
        asyncio.run(write())
    finally:
        log._threads.shutdown()


WRITERS: Final[dict[str, Callable[[Path], Any]]] = {
    "a secret": lambda place: write_secret(place / "secret", "s" * 5000),
    "an output": lambda place: write_whole(place / "report.md", b"r" * 5000, 0o600),
    "an export": lambda place: export._write(place / "tile" / "0" / "000", b"t" * 5000),
    "what a verifier has seen": lambda place: SeenFile(place / "seen.json").save(
        "key", Seen(1, bytes(32))
    ),
    "a stack's keys": lambda place: Keys.of(place).make(),
    "a witness": lambda place: open_witness(place, "witness.example/one", [LOG], lambda: 0),
    "the sealed log": store,
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("after", [0, 1, 50])
def test_what_does_not_fit_is_refused_whole_and_fits_later(
    tmp_path: Path, write: Callable[[Path], Any], after: int
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with full(after), pytest.raises(OSError) as refused:  # noqa: PT011  what it says is asked below
        write(place)
    assert is_full(refused.value)
    assert isinstance(refused.value, PASSING)
    kept = sizes(place)
    write(place)
    assert kept.items() <= sizes(place).items(), "no half of a file"


def sizes(place: Path) -> dict[str, int]:
    """Of all files but locks, which are empty."""
    return {
        path.relative_to(place).as_posix(): path.stat().st_size
        for path in place.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_what_is_there_already_stays_as_it_is(tmp_path: Path) -> None:
    log = Folder(tmp_path)
    asyncio.run(log.replace("checkpoint", None, b"old"))
    with full(2), pytest.raises(OSError, match="large"):
        asyncio.run(log.replace("checkpoint", b"old", b"new, and longer"))
    assert (tmp_path / "checkpoint").read_bytes() == b"old"
    write_secret(tmp_path / "state.json", "old")
    with full(3), pytest.raises(OSError, match=r"state\.json"):
        write_secret(tmp_path / "state.json", "new, and longer")
    assert (tmp_path / "state.json").read_text() == "old"
    asyncio.run(log.replace("checkpoint", b"old", b"new, and longer"))


def test_the_folder_of_a_stack_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StackError) as refused, folder.opened(tmp_path), full():
        Keys.of(tmp_path).make()
    assert str(tmp_path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_copy_of_postgres_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, shared = tmp_path / "package", tmp_path / "shared"
    (package / "bin").mkdir(parents=True)
    (package / "bin" / "postgres").write_bytes(b"p" * 5000)
    shared.mkdir()
    monkeypatch.setattr(postgres, "_shared", lambda: shared)
    with full(10), pytest.raises(StackError, match="bin/postgres cannot be written"):
        postgres._copied(package, lambda _: None)
    assert list(shared.iterdir()) == []
    copy = postgres._copied(package, lambda _: None)
    assert (copy / "package" / "bin" / "postgres").stat().st_size == 5000


def test_a_copy_that_fails_leaves_its_source(tmp_path: Path) -> None:
    source, to = tmp_path / "cluster", tmp_path / "to"
    source.mkdir()
    (source / "PG_VERSION").write_bytes(b"17" * 1000)
    with full(10), pytest.raises(StackError), postgres._whole(to):
        shutil.copytree(source, to)
    assert not to.exists()
    assert (source / "PG_VERSION").stat().st_size == 2000


def test_the_inbox_answers_that_it_is_full_and_takes_the_message_later(tmp_path: Path) -> None:
    with inbox(0, tmp_path / "inbox", SECRET) as port, httpx.Client(trust_env=False) as client:
        url = f"http://127.0.0.1:{port}/inbox"
        with full():
            refused = client.post(url, content=BODY.encode(), headers=signed())
        assert refused.status_code == 507
        assert list((tmp_path / "inbox").iterdir()) == []
        assert client.post(url, content=BODY.encode(), headers=signed()).status_code == 200
        assert len(list((tmp_path / "inbox").iterdir())) == 1


def test_a_log_that_is_full_stops_nobody(tmp_path: Path) -> None:
    """A service goes on when its log cannot be written, and logs again once it can."""
    script = """
import structlog
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import logging as logs
from shared.runtime.process.settings import LogFormat
from tests.unit.disks import full
logs.configure(ServiceName.TRIAGE, LogFormat.JSON)
log = structlog.get_logger("test")
with full():
    log.info("lost")
log.info("kept")
print("goes on")
"""
    with (tmp_path / "log").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=file,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, b"goes on\n")
    (line,) = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["event"] == "kept"


WRITE_BY_THEMSELVES: Final = {
    "shared/audit/writing.py": "every output",
    "deploy/local/keys.py": "every secret",
    "shared/seal/folder.py": "the sealed log, and an empty lock",
    "deploy/ledger/witness/memory.py": "an empty lock",
    "deploy/local/folder.py": "an empty lock",
    "deploy/local/jars.py": "an empty lock; the list of jars, by the maintainer",
    "deploy/local/child.py": "opens a log, to which its child writes",
    "deploy/local/__main__.py": "opens a log",
    "deploy/ledger/terminal.py": "nowhere",
    "services/notify/channels/apprise_process.py": "nowhere",
    "deploy/settings_page.py": "a page of the project, by the maintainer",
    "deploy/roles_page.py": "a page of the project, by the maintainer",
    "deploy/local/postgres.py": "copies of folders, whole",
}
"""All else writes by `write_whole`, `write_secret` or the log's store, tried above."""


def test_nobody_else_writes_files() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ("shared", "services", "deploy")
        for path in (ROOT / room).rglob("*.py")
        if any(map(_writes, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == set(WRITE_BY_THEMSELVES)


def _writes(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id == "os" and node.attr in {"O_WRONLY", "O_RDWR", "O_CREAT"}:
            return True
        return node.value.id == "shutil" and node.attr.startswith(("copy", "move"))
    if not isinstance(node, ast.Call):
        return False
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    modes = [one.value for one in given if isinstance(one, ast.Constant)]
    return called in {"write_bytes", "write_text"} or (
        called in {"open", "fdopen"} and any(_is_mode(mode) for mode in modes)
    )


def _is_mode(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[wax]b?[+]?b?|r[+]b?|rb[+]", value) is not None
