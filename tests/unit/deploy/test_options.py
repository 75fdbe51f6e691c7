"""How the auditing commands fail: one clear line on standard error, and exit code 2."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from deploy.ledger import terminal
from deploy.ledger.check import telling
from deploy.ledger.check.believing import OWN, BadPin, Pinned, believe, read_pins
from deploy.ledger.mend.parked import _as_json, _cells, environment_of
from deploy.ledger.options import OF_A_DISK, or_stop
from deploy.ledger.progress import counting, steps
from deploy.local.errors import StackError
from deploy.local.state import NoStack
from shared.audit.files import MAX_TEXT, Folder, NotALog, Unreachable
from shared.audit.writing import CannotWrite
from shared.contract.vocabulary import ServiceName
from tests.unit.audit.world import LOG, POLICY_TEXT, TRUST_TEXT, put
from tests.unit.given import START


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


# Whom a command believes


def test_what_was_not_brought_along_is_believed_as_found_and_said_so(tmp_path: Path) -> None:
    put(tmp_path, "log.vkey", f"{LOG.vkey}\n".encode())
    put(tmp_path, "trust", TRUST_TEXT.encode())
    put(tmp_path, "policy", POLICY_TEXT.encode())
    pin = tmp_path / "mine"
    pin.write_text(f"{LOG.vkey}\n")
    for pinned, unpinned in (
        (Pinned(), ["vkey", "trust", "policy"]),
        (Pinned(vkey=pin), ["trust", "policy"]),
        (Pinned(pin, tmp_path / "trust", tmp_path / "policy"), []),
    ):
        believed = believe(Folder(tmp_path), pinned)
        assert believed.unpinned == unpinned
        assert believed.foreign == ()
        assert {believed.source[name] for name in unpinned} <= {OWN}
        assert believed.anchors.log == LOG.verifier


@pytest.mark.parametrize("name", ["vkey", "trust", "policy"])
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b"\xff\x00 no key"), ": "),
        (lambda path: path.write_bytes(b"#" * (MAX_TEXT + 1)), "longer than any key file"),
    ],
    ids=["missing", "folder", "no key", "too long"],
)
def test_a_pin_that_is_none_is_named(
    name: str, make: Callable[[Path], object], why: str, tmp_path: Path
) -> None:
    path = tmp_path / "pin"
    make(path)
    with pytest.raises(BadPin) as refused:
        read_pins(Pinned(**{name: path}))
    assert str(refused.value).startswith(str(path))
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        (1_772_442_000, "2026-03-02T09:00:00+00:00"),
        (253_402_300_799, "9999-12-31T23:59:59+00:00"),
        (2**63, "9999-12-31T23:59:59+00:00"),
    ],
)
def test_any_second_that_a_witness_may_claim_is_shown(seconds: int, text: str) -> None:
    assert telling.moment(seconds) == text


# Parked messages


PARKED = {
    "by": "triage",
    "parked_id": 7,
    "reason": "untrusted",
    "detail": "signed with key 01020304",
    "partition": 3,
    "kafka_offset": 47,
    "service": "intake",
    "sequence": 9,
    "message_key": b"key",
    "value": b"\xff{}",
    "headers": '[["signature", "AAECAw=="], ["content-type", "YS9i"]]',
    "parked_at": START,
    "resolved_at": None,
    "resolution": None,
}
UNREAD = {
    **PARKED,
    "service": None,
    "sequence": None,
    "message_key": None,
    "value": None,
    "headers": "[]",
    "resolved_at": START,
    "resolution": "settled",
}


def test_a_parked_message_is_one_row_with_its_coordinates() -> None:
    assert _cells(PARKED) == (
        "triage",
        7,
        "untrusted",
        "3@47",
        "intake:9",
        "2026-03-02 09:00:00",
        None,
        "signed with key 01020304",
    )
    assert (_cells(UNREAD)[4], _cells(UNREAD)[6]) == (None, "settled")


def test_a_parked_message_is_shown_whole_also_where_its_bytes_are_no_text() -> None:
    shown = _as_json(PARKED)
    assert (shown["key"], shown["value"], shown["text"]) == ("a2V5", "/3t9", "\ufffd{}")
    assert shown["headers"] == {"signature": "\x00\x01\x02\x03", "content-type": "a/b"}
    assert (shown["parked_at"], shown["resolved_at"]) == ("2026-03-02T09:00:00+00:00", None)
    bare = _as_json(UNREAD)
    assert (bare["key"], bare["value"], bare["text"], bare["headers"]) == ("", "", "", {})
    assert bare["resolved_at"] == "2026-03-02T09:00:00+00:00"


def test_a_service_is_run_on_our_own_settings_or_on_those_of_a_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_DSN", "postgresql://x")
    own = environment_of(None, ServiceName.TRIAGE)
    assert own["LEDGER_DATABASE_DSN"] == "postgresql://x"
    with pytest.raises(NoStack):
        environment_of(tmp_path, ServiceName.TRIAGE)
    monkeypatch.delenv("LEDGER_DATABASE_DSN")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoStack, match=r"no stack runs on \.ledger"):
        environment_of(None, ServiceName.TRIAGE)
