"""Channels: which files are usable, and what a failed sending proves."""

import json
import logging
import logging.handlers
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.notify.channels import Channels, NobodyKnows, NotDelivered, why_not
from services.notify.settings import NotifySettings
from shared.runtime.process.settings import load

JSON_FAILED = "Failed to send JSON POST notification: error={}."
JSON_BROKE = "A Connection error occurred sending JSON notification to chat.example."
MAIL_FAILED = 'Sending email to "lead@example.org" failed.'


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ([JSON_FAILED.format(403)], NotDelivered("The channel answered HTTP 403.")),
        ([JSON_FAILED.format(500)], NotDelivered("The channel answered HTTP 500.")),
        (
            [MAIL_FAILED, "Socket Exception: (550, b'no such user')"],
            NotDelivered("The mail server answered 550."),
        ),
        (
            ['Connection error while submitting email to "mail.example"'],
            NotDelivered("There was no connection to the channel."),
        ),
        (
            [JSON_BROKE, "Socket Exception: NewConnectionError('refused')"],
            NotDelivered("There was no connection to the channel."),
        ),
    ],
)
def test_a_refusal_is_certain(said: list[str], result: NotDelivered) -> None:
    assert why_not(said) == result


@pytest.mark.parametrize(
    "said",
    [
        [],
        [JSON_BROKE, "Socket Exception: Read timed out."],
        [JSON_BROKE, "Socket Exception: ('Connection aborted.', RemoteDisconnected())"],
        [MAIL_FAILED, "Socket Exception: Connection unexpectedly closed"],
        [
            "SMTP recipient lead@example.org was refused: 550 b'no'",
            "Socket Exception: (550, b'no')",
        ],
        # The answer's own words prove nothing.
        [JSON_FAILED.format(504), "Response Details: error=403"],
    ],
)
def test_what_is_not_known_to_be_refused_is_unknown(said: list[str]) -> None:
    assert isinstance(why_not(said), NobodyKnows)


def write(file: Path, urls: object, mode: int = 0o600) -> Path:
    file.write_text(urls if isinstance(urls, str) else json.dumps(urls), encoding="utf-8")
    file.chmod(mode)
    return file


SECRET = "hunter2"
MANY = f"mailtos://u:{SECRET}@example.org?to=a@example.org,b@example.org"


@pytest.mark.parametrize(
    ("urls", "mode", "said"),
    [
        ({"chat": "json://127.0.0.1/"}, 0o604, "everybody on this machine can read {file}, which holds passwords: chmod 600 {file}"),
        (f"chat = {SECRET}", 0o600, '{file} is not JSON, must be {{"channel name": "apprise URL"}}'),
        ([SECRET], 0o600, '{file} must be one JSON object, {{"channel name": "apprise URL"}}'),
        ({"chat": f"nonsense://{SECRET}"}, 0o600, "{file}: channel 'chat': apprise cannot use its URL; see https://appriseit.com/services/"),
        ({"mail": MANY}, 0o600, "{file}: channel 'mail' would send more than once for one message"),
        ({"": "json://127.0.0.1/"}, 0o600, "{file}: a channel's name has 1 to 200 characters"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_named_with_the_remedy(
    tmp_path: Path, urls: object, mode: int, said: str
) -> None:
    file = write(tmp_path / "channels.json", urls, mode)
    with pytest.raises(ValueError, match="channel") as error:
        Channels(file)
    assert str(error.value).startswith(said.format(file=file))
    assert SECRET not in str(error.value)


def test_a_service_with_a_broken_file_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "channels.json", f"not json: {SECRET}")
    monkeypatch.setenv("LEDGER_CHANNELS_FILE", str(file))
    with pytest.raises(SystemExit):
        load(NotifySettings)
    said = capsys.readouterr().err
    assert f"LEDGER_CHANNELS_FILE: {file} is not JSON" in said
    assert SECRET not in said


def test_the_file_is_taken_up_again_when_it_changes(tmp_path: Path) -> None:
    file = write(tmp_path / "channels.json", {"chat": "json://127.0.0.1/"})
    channels = Channels(file)
    write(file, {"chat": "json://127.0.0.1/", "pager": "json://127.0.0.1/"})
    os.utime(file, ns=(1, 1))
    assert channels.names == {"chat", "pager"}


def test_a_change_that_breaks_it_leaves_the_channels_as_they_were(tmp_path: Path) -> None:
    file = write(tmp_path / "channels.json", {"chat": "json://127.0.0.1/"})
    channels = Channels(file)
    write(file, SECRET)
    os.utime(file, ns=(1, 1))
    with capture_logs() as logged:
        assert channels.names == {"chat"}
    assert SECRET not in str(logged)
    assert str(file) in logged[0]["error"]


def test_what_nobody_set_up_was_not_sent(tmp_path: Path) -> None:
    channels = Channels(write(tmp_path / "channels.json", {}))
    assert isinstance(channels.send("chat", "title", "text"), NotDelivered)


def test_apprise_says_nothing_in_our_log(tmp_path: Path) -> None:
    channels = Channels(
        write(tmp_path / "channels.json", {"chat": f"json://u:{SECRET}@127.0.0.1:9/{SECRET}"})
    )
    ours = logging.handlers.BufferingHandler(1000)
    logging.getLogger().addHandler(ours)
    try:
        result = channels.send("chat", "title", "text")
        logging.getLogger("services").warning("heard")
    finally:
        logging.getLogger().removeHandler(ours)
    assert result == NotDelivered("There was no connection to the channel.")
    assert [record.getMessage() for record in ours.buffer] == ["heard"]
