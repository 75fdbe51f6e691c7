"""A parked message as `ledger parked` shows it, and the settings a service is run on."""

from pathlib import Path

import pytest

from deploy.ledger.mend.parked import _as_json, _cells, environment_of
from deploy.local.state import NoStack
from shared.contract.vocabulary import ServiceName
from tests.unit.given import START

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
