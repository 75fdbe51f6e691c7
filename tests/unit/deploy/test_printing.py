"""What the `ledger` command prints: safe to look at, whole where a program reads it, and never a
crash because of the reader."""

import ast
import io
import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.ledger import printing
from deploy.ledger.printing import bold, say, show_exactly, show_json, show_table, visible
from deploy.ledger.progress import counting, steps

ROOT = Path(printing.__file__).parents[2]
HOSTILE = "[red]a[/red] [/] \x1b[31m \x9b31m \u202e \u061c \u200b \u115f \n \r \t \udc80 :bomb: é"
MARKS = {"\x1b", "\x9b", "\u202e", "\u061c", "\u200b", "\u115f", "\r", "\t", "\udc80"}


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def stream(encoding: str = "utf-8", *, terminal: bool = False) -> io.TextIOWrapper:
    return (Terminal if terminal else io.TextIOWrapper)(io.BytesIO(), encoding)


def written(to: io.TextIOWrapper) -> bytes:
    assert isinstance(to.buffer, io.BytesIO)
    return to.buffer.getvalue()


@given(st.text())
def test_visible_text_is_one_line_of_characters_that_are_drawn(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    shown.encode()
    assert not any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for sign in shown)
    assert visible(shown) == shown


@pytest.mark.parametrize("text", ["Zoë's naïve 图 – “quoted” [bold] \\ 🙂", "a b", ""])
def test_what_is_drawn_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_each_character_that_is_not_drawn_shows_its_own_code() -> None:
    codes = {visible(sign) for sign in MARKS | {"\n", "\ue000", "\U000e0001", "\U000e0100"}}
    assert len(codes) == len(MARKS) + 4
    assert all(code.startswith("\\") and code.isascii() for code in codes)


@pytest.mark.parametrize("terminal", [False, True], ids=["piped", "terminal"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
@pytest.mark.parametrize("err", [False, True], ids=["out", "err"])
def test_nothing_that_is_shown_is_obeyed(
    monkeypatch: pytest.MonkeyPatch, encoding: str, terminal: bool, err: bool
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    to = stream(encoding, terminal=terminal)
    monkeypatch.setattr(sys, "stderr" if err else "stdout", to)
    if err:
        printing.note(HOSTILE)
        printing.complain(HOSTILE)
        with steps(HOSTILE) as tell:
            tell(HOSTILE)
        with counting() as count:
            count(HOSTILE, 1, 2)
    else:
        say("Hello ", bold(HOSTILE))
        show_table(["name", HOSTILE], [[HOSTILE, None], [bold(HOSTILE), 7]], title=HOSTILE)
        show_json({HOSTILE: HOSTILE})
        show_exactly(HOSTILE.encode("utf-8", "replace")) if terminal else None
        printing.show_markdown(HOSTILE.encode("utf-8", "replace")) if terminal else None
    text = written(to).decode(encoding)
    assert not MARKS & set(text)
    assert "[red]a[/red]" in text
    assert ":bomb:" in text


@pytest.mark.parametrize("width", [1, 79, 80, 81, 300, 5000])
def test_a_piped_table_has_each_row_whole_on_one_line(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(sys, "stdout", to := stream())
    cells = ["x" * width, "y" * width, "图" * width]
    show_table(["one", "two", "three"], [cells, ["1", "2", "3"]])
    head, row, last = written(to).decode().splitlines()
    assert row.split() == cells
    assert (head.split(), last.split()) == (["one", "two", "three"], ["1", "2", "3"])


def test_a_terminal_folds_a_table_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stdout", to := stream(terminal=True))
    address = "http://127.0.0.1:7301/incidents/0196-7000-9000"
    show_table(["name", "address"], [["intake", address]])
    lines = re.sub(r"\x1b\[\d*m", "", written(to).decode()).splitlines()
    assert max(map(len, lines)) <= 40
    assert address in "".join(line[6:].strip() for line in lines[1:])


def test_a_document_is_the_exact_bytes_for_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", to := stream())
    document = "é \u202e \x9b\n".encode() + b"\xff\x00"
    show_exactly(document)
    printing.show_markdown(document)
    assert written(to) == document * 2


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("terminal", [False, True])
def test_json_keeps_its_values_however_it_is_shown(
    encoding: str, terminal: bool, value: dict[str, str | int | None]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", to := stream(encoding, terminal=terminal))
        show_json(value)
    text = written(to).decode(encoding)
    assert json.loads(text) == value
    assert all(sign == "\n" or visible(sign) == sign for sign in text)


SCRIPT = """
from deploy.ledger.printing import say, show_exactly, show_table
for number in range(20000):
    say("line ", number)
show_table(["n"], [[n] for n in range(1000)])
show_exactly(b"done")
raise SystemExit(1)
"""


def run(script: str, **how: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        **how,  # type: ignore[call-overload]
    )


def test_a_reader_that_goes_away_changes_neither_exit_code_nor_peace() -> None:
    with subprocess.Popen(["head", "-n1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as head:
        done = run(SCRIPT, stdout=head.stdin)
        assert head.stdin is not None
        head.stdin.close()
        assert head.stdout is not None
        assert head.stdout.read() == b"line 0\n"
    assert (done.returncode, done.stderr) == (1, b"")


def test_an_output_that_does_not_fit_is_one_line_and_not_success() -> None:
    with Path("/dev/full").open("wb") as disk:
        done = run(SCRIPT.replace("SystemExit(1)", "SystemExit(0)"), stdout=disk)
    assert done.returncode == 2
    assert done.stderr == b"the output cannot be written: No space left on device\n"


def test_a_closed_standard_output_is_no_error() -> None:
    done = run(f"import os, sys; sys.stdout = None\n{SCRIPT}")
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_real_terminal_of_another_encoding_shows_codes_for_what_it_lacks() -> None:
    ours, theirs = pty.openpty()
    script = "from deploy.ledger.printing import *; say(bold('naïve 图'))"
    done = run(script, stdout=theirs, env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    shown = os.read(ours, 4096)
    os.close(ours)
    assert b"na\xefve \\u56fe" in shown


ALONE = {"printing.py", "progress.py", "terminal.py"}


def printing_in(path: Path) -> list[str]:
    """Calls and imports that would print, past the printing module."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(id="print" | "pprint" | "breakpoint" as name)):
                found.append(name)
            case ast.Attribute(
                value=ast.Name(id="typer" | "click"), attr="echo" | "secho" | "style" as name
            ):
                found.append(name)
            case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr" as name):
                found.append(name)
            case ast.Import(names=names) if any(one.name.startswith("rich") for one in names):
                found.append("import rich")
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] == "rich":
                found.append(f"from {module}")
    return found


MODULES = [
    path for path in sorted((ROOT / "deploy" / "ledger").rglob("*.py")) if path.name not in ALONE
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_prints(path: Path) -> None:
    assert printing_in(path) == []
