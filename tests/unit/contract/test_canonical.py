"""The fast reader says what the strict one says, of every envelope and of whatever it is changed
into."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.canonical import reader_of
from shared.contract.envelope import Event, MalformedEnvelope, Unknown, read, read_strictly

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))
STRICT_ALONE = {"ledger.parked_settled.v1", "ledger.person_erased.v1"}
"""Their classes compare fields, or have some that no struct says as strictly."""


def said(reading: Any, envelope: bytes) -> Event | str:
    try:
        event: Event = reading(envelope)
    except MalformedEnvelope as error:
        return str(error)
    return event


@pytest.fixture(params=RECORDED, ids=lambda path: path.stem)
def envelope(request: pytest.FixtureRequest) -> bytes:
    data: bytes = request.param.read_bytes()
    return data


def test_both_read_the_same(envelope: bytes) -> None:
    assert read(envelope) == read_strictly(envelope)


def test_what_was_written_is_read_fast(envelope: bytes) -> None:
    reader = reader_of(envelope)
    if json.loads(envelope)["type"] in STRICT_ALONE:
        assert reader is None
    else:
        assert reader is not None
        assert reader.read(envelope) is not None


def spellings(envelope: bytes) -> list[bytes]:
    """The same and other things in other words: each of them must be the strict reader's to say."""
    value = json.loads(envelope)
    first = next(iter(value["data"]), "nothing")
    return [
        envelope + b" ",
        envelope.replace(b'"data":{', b'"data": {'),
        envelope.replace(b'"data":{', b'"data":{"new":1,'),
        envelope.replace(b'"data":{', b'"data":{"_sd":[],'),
        envelope.replace(b'"data":{', b'"data":{"_sd":["a","a"],'),
        envelope.replace(b'"data":{', b'"data":{"' + first.encode() + b'":null,'),
        envelope.replace(b'"actor":"', b'"actor":"\\u0001'),
        envelope.replace(b'"actor":"', b'"actor":"\\u0000'),
        envelope.replace(b'"actor":"', b'"actor":"\xc2\x85'),
        envelope.replace(b'"rules":1', b'"rules":0'),
        envelope.replace(b'"rules":1', b'"rules":true'),
        envelope.replace(b'"rules":1', b'"rules":2147483648'),
        envelope.replace(b'"sequence":"0', b'"sequence":"x'),
        envelope.replace(b'"time":"2', b'"time":"x'),
        envelope.replace(b'Z","data', b'","data'),
        envelope.replace(b'"prevhash":"', b'"prevhash":"Z'),
        envelope.replace(b'"source":"/incident-ledger/', b'"source":"/incident-ledger/x'),
        envelope.replace(b'"specversion":"1.0"', b'"specversion":"1.1"'),
        json.dumps(value).encode(),
        json.dumps(value, sort_keys=True, separators=(",", ":")).encode(),
    ]


def test_other_spellings_are_the_strict_readers(envelope: bytes) -> None:
    for one in spellings(envelope):
        assert said(read, one) == said(read_strictly, one), one


@given(data=st.data())
def test_any_byte_may_change(data: st.DataObject) -> None:
    envelope = bytearray(data.draw(st.sampled_from(RECORDED)).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(envelope) - 1))
        match data.draw(st.sampled_from(["change", "cut", "add"])):
            case "change":
                envelope[at] = data.draw(st.integers(0, 255))
            case "cut":
                del envelope[at]
            case "add":
                envelope.insert(at, data.draw(st.integers(0, 255)))
    changed = bytes(envelope)
    assert said(read, changed) == said(read_strictly, changed)


def test_a_digest_in_two_parts_is_the_strict_readers() -> None:
    path = next(path for path in RECORDED if path.stem == "incident.finding_recorded.v1")
    value = json.loads(path.read_bytes())
    (item,) = value["data"]["action_items"][:1]
    item["_sd"] = value["data"]["_sd"][:1]
    envelope = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    reader = reader_of(envelope)
    assert reader is not None
    assert reader.read(envelope) is None
    assert said(read, envelope) == said(read_strictly, envelope)
    assert isinstance(read(envelope).data, Unknown)
