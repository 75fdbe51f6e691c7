"""Every command, every option and argument, every odd value: an answer of one kind or another, and
never a traceback."""

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import pytest
from typer.testing import CliRunner

from deploy.ledger.main import COMMANDS, app
from deploy.ledger.printing import visible
from tests.examples import share

INCIDENT: Final = "0196f000-0000-7000-9000-000000000001"

GOOD: Final[dict[str, str]] = {
    "incident": INCIDENT,
    "service": "intake",
    "what": "intake",
    "parked_id": "1",
    "parked_ids": "1",
    "role": "legal",
    "name": "maria",
    "state": "state",
    "output": "out",
    "folder": "copy",
    "source": "log",
    "reason": "forged",
    "by": "ida",
    "confirmed_by": "omar",
}
"""What stands in the other places that a command cannot do without."""

LEFT_OUT: Final = {("up",), ("demo",)}
"""They start a stack; tests of the stack try their values."""

ODD: Final = (
    "",
    " ",
    "\t",
    "\x1b[31m",
    "\u202e",
    "-",
    "--",
    "a" * 300,
    "a" * 5000,
    "a/" * 3000,
    os.fsdecode(b"\xff\xfe"),
    "inf",
    "nan",
    "-1",
    "0",
    "1e400",
    "99999999999999999999999999",
    "nowhere",
    "nowhere/below",
    "file",
    "file/below",
    "folder",
    "pipe",
    "socket",
    "loop",
    "unreadable",
    "dossier.zip",
    "[/red]",
    "http://",
    "http://[",
    "http://127.0.0.1:1/",
    "http://a b/",
    "https://user:word@127.0.0.1:1",
    "ftp://127.0.0.1",
    "{service}",
    "%s%n",
    "é",
)


def commands() -> dict[tuple[str, ...], click.Command]:
    """Each that does something, by the words that call it."""
    found: dict[tuple[str, ...], click.Command] = {}
    group: Any = __import__("typer").main.get_command(app)
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        if hasattr(command, "commands"):
            found |= {(name, below): one for below, one in command.commands.items()}
        else:
            found[name,] = command
    return found


ALL: Final = commands()


def places() -> Iterator[tuple[tuple[str, ...], str]]:
    for words, command in ALL.items():
        if words in LEFT_OUT:
            continue
        for about in command.params:
            if about.name != "help" and not getattr(about, "is_flag", False):
                yield words, about.name


TURNS: Final = list(places())


def arguments(words: tuple[str, ...], name: str, value: str) -> list[str]:
    """The command with this value in its place, and a good one wherever it needs one."""
    options, rest = list(words), list[str]()
    for about in ALL[words].params:
        chosen = value if about.name == name else GOOD.get(about.name or "")
        if about.name != name and not (about.required or about.name in {"output", "source"}):
            continue
        if chosen is None:
            continue
        if isinstance(about, click.Argument):
            rest.append(chosen)
        else:
            options.append(f"{about.opts[0]}={chosen}")
    return [*options, "--", *rest]


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one thing of each kind, and no stack anywhere."""
    for name in tuple(os.environ):
        if name.startswith("LEDGER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"\xff\x00 text\n")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "unreadable").write_text("secret")
    (tmp_path / "unreadable").chmod(0)
    (tmp_path / "dossier.zip").write_bytes(b"PK\5\6" + bytes(18))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "name"), TURNS, ids=[f"{' '.join(words)}:{name}" for words, name in TURNS]
)
@pytest.mark.usefixtures("ground")
def test_an_odd_value_is_answered(
    words: tuple[str, ...], name: str, monkeypatch: pytest.MonkeyPatch, ground: Path
) -> None:
    import uvicorn

    served: list[object] = []
    monkeypatch.setattr(uvicorn, "run", lambda *_, **__: served.append(1))
    before = {path.name for path in ground.iterdir()}
    for value in share(ODD, TURNS.index((words, name))):
        said = CliRunner().invoke(app, arguments(words, name, value))
        what = (words, name, value, said.output, said.exception)
        assert said.exit_code in {0, 1, 2}, what
        assert isinstance(said.exception, SystemExit | None), what
        assert "Traceback" not in said.output, what
        if said.exit_code:
            assert said.stderr.strip(), what
        assert "\x1b" not in said.stdout + said.stderr, what
        for path in ground.rglob("*.new"):
            raise AssertionError(f"half a file is left: {path} {what}")
    assert before <= {path.name for path in ground.iterdir()}, "nothing was removed"


def test_the_walk_reaches_every_command() -> None:
    names = {words[0] for words in ALL}
    assert names == set(COMMANDS)
    assert {words for words in ALL if words in LEFT_OUT} == LEFT_OUT
    assert all(visible(value) for value in ODD if value), "each can be told"
    assert len(set(itertools.chain(ODD))) == len(ODD)


def test_a_quick_run_too_tries_every_value_somewhere() -> None:
    tried = {value for turn in range(len(TURNS)) for value in share(ODD, turn)}
    assert tried == set(ODD)
