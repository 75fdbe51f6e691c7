"""How the auditing commands fail: one clear line on standard error, and exit code 2."""

import errno
import io
import os
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from deploy.ledger import terminal
from deploy.ledger.options import OF_A_DISK, or_stop
from deploy.ledger.progress import counting, steps
from deploy.local.errors import StackError
from deploy.local.state import NoStack
from shared.audit.files import NotALog, Unreachable
from shared.audit.writing import CannotWrite


def disk(number: int, filename: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), filename)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (StackError("no stack runs here"), "no stack runs here"),
        (NoStack("no stack runs on x"), "no stack runs on x"),
        (NotALog("the folder holds no log"), "the folder holds no log"),
        (Unreachable("https://log.example does not answer"), "https://log.example does not answer"),
        (CannotWrite(errno.EACCES, "x cannot be written: no"), "x cannot be written: no"),
        (KeyError("LEDGER_TRUST_FILE"), "LEDGER_TRUST_FILE is not set"),
        (ValueError("'x' is neither a size nor a time"), "'x' is neither a size nor a time"),
        (disk(errno.ENOENT, "/keys/trust"), "/keys/trust: No such file or directory"),
        (disk(errno.EISDIR, "/keys"), "/keys: Is a directory"),
        *((disk(number), f"the disk: {os.strerror(number)}") for number in sorted(OF_A_DISK)),
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
            "a database does not answer: [Errno 111] refused. "
            "Is the stack up? `ledger status` tells.",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_keeps_a_command_from_its_work_is_one_line_and_could_not(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, or_stop():
        raise error
    assert ended.value.exit_code == terminal.COULD_NOT == 2
    assert capsys.readouterr() == ("", f"{line}\n")


@pytest.mark.parametrize("error", [TypeError("a bug"), AssertionError(), ZeroDivisionError()])
def test_a_bug_is_not_dressed_up(error: Exception) -> None:
    with pytest.raises(type(error)), or_stop():
        raise error


def test_what_works_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with or_stop():
        pass
    with pytest.raises(typer.Exit) as ended, or_stop():
        raise typer.Exit(1)
    assert ended.value.exit_code == 1
    assert capsys.readouterr() == ("", "")


# The streams


@given(st.text(max_size=60), st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252"]))
def test_no_text_is_too_odd_for_any_encoding(text: str, encoding: str) -> None:
    to = io.TextIOWrapper(io.BytesIO(), encoding, newline="")
    terminal.write(to, text)
    assert isinstance(to.buffer, io.BytesIO)
    assert to.buffer.getvalue() == text.encode(encoding, "backslashreplace")


def test_a_stream_that_is_closed_or_missing_is_no_terminal() -> None:
    closed = io.StringIO()
    closed.close()
    assert not terminal.is_terminal(closed)
    assert not terminal.is_terminal(None)
    assert not terminal.is_terminal(io.StringIO())
    terminal.write(None, "nothing")


def test_a_reader_that_stops_changes_nothing_and_what_follows_goes_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "out").open("w") as stream:
        with terminal.unread_is_no_error(stream):
            raise disk(errno.EPIPE)
        stream.write("more")
    assert (tmp_path / "out").read_text() == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_an_output_that_does_not_fit_is_a_line_and_could_not(
    number: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "out").open("w") as stream:
        with pytest.raises(SystemExit) as ended, terminal.unread_is_no_error(stream):
            raise disk(number)
        stream.write("more")
    assert ended.value.code == terminal.COULD_NOT
    assert (tmp_path / "out").read_text() == ""
    assert capfd.readouterr() == ("", f"the output cannot be written: {os.strerror(number)}\n")


def test_steps_are_told_once_each_without_their_parts(capsys: pytest.CaptureFixture[str]) -> None:
    with steps("starting") as tell:
        for text in ("Kafka: 1", "Kafka: 2", "Postgres", "Postgres", "Kafka: 3"):
            tell(text)
    assert capsys.readouterr() == ("", "Kafka\nPostgres\nKafka\n")


def test_figures_are_for_a_terminal_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        with counting(quiet=quiet) as tell:
            tell("leaves\x1b[31m", 1, None)
            tell("leaves\x1b[31m", 2, 5)
    assert capsys.readouterr() == ("", "")
