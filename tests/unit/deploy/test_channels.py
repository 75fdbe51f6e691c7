"""The channel that a local stack begins with."""

import json
from pathlib import Path

import pytest

from deploy.local.keys import INBOX_CHANNEL, Keys, write_secret
from services.notify.channels.file import read


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keys = Keys.of(tmp_path)
    keys.make()
    return keys


def channels(keys: Keys) -> object:
    return json.loads(keys.channels.read_text(encoding="utf-8"))


def test_it_leads_to_the_inbox_also_when_the_stack_moves(keys: Keys) -> None:
    for port in (18003, 19003):
        keys.lead_to_inbox(port)
        assert channels(keys) == {
            INBOX_CHANNEL: {
                "url": f"http://127.0.0.1:{port}/inbox",
                "secret": keys.inbox_secret.read_text(encoding="ascii").strip(),
                "allow_private": True,
            }
        }
        assert read(keys.channels).keys() == {INBOX_CHANNEL}, "notify can use it"
    assert keys.channels.stat().st_mode & 0o777 == 0o600


def test_what_an_older_stack_wrote_is_replaced(keys: Keys) -> None:
    write_secret(keys.channels, json.dumps({INBOX_CHANNEL: "json://127.0.0.1:18003/inbox"}))
    keys.lead_to_inbox(18003)
    assert read(keys.channels).keys() == {INBOX_CHANNEL}
    assert "whsec_" in keys.channels.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "own",
    [
        {"mail": "smtps://x"},
        {INBOX_CHANNEL: "json://hooks.example/"},
        {INBOX_CHANNEL: {"url": "https://hooks.example/", "secret": "whsec_x"}},
        {INBOX_CHANNEL: 7},
        ["no channels"],
    ],
    ids=str,
)
def test_what_somebody_wrote_there_stays(keys: Keys, own: object) -> None:
    write_secret(keys.channels, json.dumps(own))
    keys.lead_to_inbox(18003)
    assert channels(keys) == own


def test_a_file_that_is_no_json_is_notifys_to_refuse(keys: Keys) -> None:
    write_secret(keys.channels, "{")
    keys.lead_to_inbox(18003)
    assert keys.channels.read_text(encoding="utf-8") == "{"
