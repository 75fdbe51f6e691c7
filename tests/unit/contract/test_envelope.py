"""The envelope: its exact bytes, what a reader refuses, and that one flipped byte never passes for
the event that was signed."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.catalogue.base import WITHHELD
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.review import ActionItem, FindingRecorded
from shared.contract.catalogue.triage import BreakGlassUsed, FactRecorded
from shared.contract.disclosure import by_digest, conceal, reveal
from shared.contract.envelope import (
    MAX_ENVELOPE,
    Link,
    MalformedEnvelope,
    Said,
    Unknown,
    read,
    traceparent_of,
    write,
)
from shared.contract.hashing import ZERO_HASH, event_hash, signed_bytes
from shared.contract.topics import PARTITIONS, murmur2, partition_of
from shared.contract.vocabulary import Answer, ControlLayer, GateName, ServiceName
from tests.unit.concealing import bare, salts

INCIDENT = UUID("01960000-0000-7000-8000-000000000001")
LINK = Link(ServiceName.INTAKE, 3, 7, bytes(range(32)), ZERO_HASH)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def said(description: str = "a whiteboard", traceparent: str | None = TRACE) -> Said:
    return Said(
        id=UUID("01960000-0000-7000-8000-000000000002"),
        subject_id=INCIDENT,
        time=datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC),
        actor="maria",
        data=bare(Reported(opens=True, channel=ReportChannel.API, description=description)),
        correlation_id="01960000-0000-7000-8000-000000000003",
        traceparent=traceparent,
    )


ENVELOPE = write(said(), LINK, "530d903a")


def test_the_bytes_are_cloudevents_1_0_in_structured_json() -> None:
    value = json.loads(ENVELOPE)
    assert value["specversion"] == "1.0"
    assert value["source"] == "/incident-ledger/intake/3"
    assert value["type"] == "incident.reported.v1"
    assert value["subject"] == str(INCIDENT)
    assert value["time"] == "2026-03-02T09:00:00.123456Z"
    assert value["sequence"] == "00000000000000000007"
    assert value["prevhash"] == bytes(range(32)).hex()
    assert "description" not in value["data"]
    assert len(value["data"]["_sd"]) == 1
    assert all(name.isalnum() and name.islower() for name in value)


def test_what_was_written_is_read() -> None:
    event = read(ENVELOPE)
    assert (event.link, event.data, event.time, event.actor) == (
        LINK,
        said().data,
        said().time,
        "maria",
    )
    assert event.hash == event_hash(ENVELOPE)
    assert traceparent_of(ENVELOPE) == TRACE.encode()
    assert traceparent_of(write(said(traceparent=None), LINK, "530d903a")) is None


@given(st.text(min_size=1, max_size=500).filter(lambda text: "\x00" not in text))
def test_any_text_survives_beside_the_envelope(text: str) -> None:
    whole = Reported(opens=True, channel=ReportChannel.API, description=text)
    data, told = conceal(whole, salts())
    read_again = read(
        write(said(text)._replace(data=data, disclosures=told), LINK, "530d903a")
    ).data
    assert isinstance(read_again, Reported)
    assert reveal(read_again, by_digest(told)).description == text


def test_texts_that_do_not_fit_one_message_are_refused_before_they_are_said() -> None:
    item = ActionItem(description="x" * 500, owner="pabc", due=said().time.date())
    finding = FindingRecorded(
        finding_id=INCIDENT,
        contributing_factor="x",
        control_layer=ControlLayer.TRAINING_MISSING,
        training_adequate=Answer.NO,
        policy_understood=Answer.NO,
        action_items=(item,) * 400,
    )
    data, told = conceal(finding, salts())
    with pytest.raises(MalformedEnvelope, match=r"texts take \d+ bytes, at most 262144 fit"):
        write(said()._replace(data=data, disclosures=told), LINK, "530d903a")


def test_the_largest_envelope_passes_and_one_byte_more_does_not() -> None:
    free = MAX_ENVELOPE - len(ENVELOPE)
    value = json.loads(ENVELOPE)
    value["data"]["later_field"] = "x" * (free - len(',"later_field":""'))
    largest = json.dumps(value, separators=(",", ":")).encode()
    assert len(largest) == MAX_ENVELOPE
    assert isinstance(read(largest).data, Reported)
    with pytest.raises(MalformedEnvelope, match="at most 65535"):
        read(largest + b" ")


def test_a_writer_never_makes_an_envelope_that_nobody_may_read() -> None:
    data = BreakGlassUsed(
        break_glass_id=INCIDENT,
        gate=GateName.FACTS,
        action_id=INCIDENT,
        reason=WITHHELD,
        missing=("a_missing_fact",) * 4000,
    )
    with pytest.raises(MalformedEnvelope, match="at most 65535"):
        write(Said(INCIDENT, INCIDENT, said().time, "maria", data, "c"), LINK, "530d903a")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"source": "/elsewhere/intake/3"}, "source"),
        ({"source": "/incident-ledger/payroll/3"}, "source"),
        ({"source": "/incident-ledger/intake/8"}, "partition 8"),
        ({"sequence": "7"}, "sequence"),
        ({"sequence": "0" * 20}, "sequence"),
        ({"sequence": "9" * 20}, "sequence"),
        ({"prevhash": "00"}, "prevhash"),
        ({"subjectprev": "G" * 64}, "subjectprev"),
        ({"id": "not-a-uuid"}, "id"),
        ({"id": "{01960000-0000-7000-8000-000000000002}"}, "usual form"),
        ({"subject": 7}, "subject"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-03-02T09:00:00"}, "offset"),
        ({"actor": ""}, "actor"),
        ({"actor": "mar\x00ia"}, "forbids"),
        ({"type": "incident.\ud800"}, "forbids"),
        ({"traceparent": 1}, "traceparent"),
    ],
)
def test_a_reader_names_what_is_wrong(change: dict[str, object], why: str) -> None:
    with pytest.raises(MalformedEnvelope, match=why):
        read(json.dumps({**json.loads(ENVELOPE), **change}).encode())


@pytest.mark.parametrize(
    "bytes_",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b"[" * 60000,
        b'{"specversion":"1.0"}',
    ],
)
def test_what_is_no_envelope_is_refused_and_nothing_else_happens(bytes_: bytes) -> None:
    with pytest.raises(MalformedEnvelope):
        read(bytes_)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_and_nothing_else_happens(bytes_: bytes) -> None:
    with pytest.raises(MalformedEnvelope):
        read(bytes_)


@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_one_flipped_byte_changes_the_hash_and_what_is_signed(place: int, flip: int) -> None:
    forged = ENVELOPE[:place] + bytes([ENVELOPE[place] ^ flip]) + ENVELOPE[place + 1 :]
    assert event_hash(forged) != event_hash(ENVELOPE)
    assert signed_bytes(forged) != signed_bytes(ENVELOPE)


def test_a_type_or_a_shape_that_is_new_to_the_reader_is_unknown_and_keeps_its_place() -> None:
    value = json.loads(ENVELOPE)
    newer = read(json.dumps({**value, "type": "incident.reported.v2"}).encode())
    assert isinstance(newer.data, Unknown)
    assert newer.link == LINK
    other_shape = read(json.dumps({**value, "data": {"opens": "perhaps"}}).encode())
    assert isinstance(other_shape.data, Unknown)


def test_a_new_field_breaks_no_reader() -> None:
    value = json.loads(ENVELOPE)
    value["data"]["mood"] = "calm"
    value["data"]["exposure"]["weather"] = "rain"
    assert read(json.dumps(value).encode()).data == said().data


def test_the_dsse_encoding_has_the_form_of_the_specification() -> None:
    payload_type = "application/vnd.incident-ledger.envelope.v1+json"
    assert (
        signed_bytes(b"hello world")
        == f"DSSEv1 {len(payload_type)} {payload_type} 11 hello world".encode()
    )


@pytest.mark.parametrize(
    ("key", "expected"),
    [  # org.apache.kafka.common.utils.UtilsTest.testMurmur2, as unsigned numbers
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_kafkas(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected & 0xFFFFFFFF


@given(st.uuids())
def test_every_incident_has_a_partition(incident: UUID) -> None:
    assert 0 <= partition_of(incident) < PARTITIONS


def test_confidential_fields_are_marked_in_the_published_schema() -> None:
    schema = FactRecorded.model_json_schema()
    assert schema["properties"]["value"]["x-confidential"] is True
    assert "x-confidential" not in schema["properties"]["key"]
