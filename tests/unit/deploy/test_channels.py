"""The channel that a local stack begins with."""

import json
from pathlib import Path

import pytest

from deploy.local.keys import INBOX_CHANNEL, Keys, write_secret


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
        assert channels(keys) == {INBOX_CHANNEL: f"json://127.0.0.1:{port}/inbox"}
    assert keys.channels.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "own",
    [{"mail": "mailto://x"}, {INBOX_CHANNEL: "json://hooks.example/"}, ["no channels"]],
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
