"""Each attribute of an envelope has one spelling; for any other, the reader says which attribute it
is and what is wrong with it. What is written comes back, of every type."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contract.catalogue import EVENTS
from shared.contract.catalogue.base import EventData
from shared.contract.envelope import (
    MAX_ENVELOPE,
    Link,
    MalformedEnvelope,
    Said,
    Unknown,
    read,
    schema_uri,
    write,
)
from shared.contract.hashing import ZERO_HASH, event_hash
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from tests.examples import examples
from tests.unit.concealing import bare
from tests.unit.contract.record import examples as one_of_each

DATA = {kind: bare(spoken[2]) for kind, spoken in one_of_each().items()}
ID = "01960000-0000-7000-8000-000000000002"
LINK = Link(ServiceName.TRIAGE, 3, 7, bytes(range(32)), ZERO_HASH)
REPORTED = next(kind for kind in EVENTS if kind.TYPE == "incident.reported.v1")
ENVELOPE = write(
    Said(
        UUID(ID),
        UUID(int=5),
        datetime(2026, 3, 2, 9, tzinfo=UTC),
        "maria",
        DATA[REPORTED],
        "c",
        UUID(int=9),
        "00-a-b-01",
    ),
    LINK,
    "530d903a",
)
VALUE: dict[str, Any] = json.loads(ENVELOPE)
NEEDED = ("type", "id", "subject", "time", "actor", "source", "sequence", "keyid", "correlationid")
HASHES = ("prevhash", "subjectprev")
UUIDS = ("id", "subject", "causationid")

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40).filter(
    lambda text: (
        not any(ord(sign) & 0xFFFE == 0xFFFE for sign in text)
        and not any(0xFDD0 <= ord(sign) <= 0xFDEF for sign in text)
    )
)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(
    datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("9997-01-01"), timezones=zones
)
hashes = st.binary(min_size=32, max_size=32)
links = st.builds(
    Link,
    st.sampled_from(ServiceName),
    st.integers(0, PARTITIONS - 1),
    st.integers(1, 2**63 - 1),
    hashes,
    hashes,
)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@settings(max_examples=examples(30))
@given(
    link=links,
    ids=st.tuples(st.uuids(), st.uuids()),
    time=moments,
    words=st.tuples(texts, texts, texts),
    cause=st.none() | st.uuids(),
    trace=st.none() | texts,
)
def test_what_is_written_comes_back_of_every_type(
    kind: type[EventData],
    link: Link,
    ids: tuple[UUID, UUID],
    time: datetime,
    words: tuple[str, str, str],
    cause: UUID | None,
    trace: str | None,
) -> None:
    actor, keyid, correlation = words
    said = Said(*ids, time, actor, DATA[kind], correlation, cause, trace)
    envelope = write(said, link, keyid)
    event = read(envelope)
    again = Said(
        event.id,
        event.subject_id,
        event.time,
        event.actor,
        event.data,  # type: ignore[arg-type]
        event.correlation_id,
        event.causation_id,
        event.traceparent,
    )
    assert again == said
    assert (event.link, event.keyid, event.type) == (link, keyid, kind.TYPE)
    assert (event.hash, event.envelope) == (event_hash(envelope), envelope)
    assert write(again, event.link, event.keyid) == envelope
    assert json.loads(envelope)["dataschema"] == schema_uri(kind.TYPE)


def refusal(value: object) -> str:
    envelope = value if isinstance(value, bytes) else json.dumps(value).encode()
    with pytest.raises(MalformedEnvelope) as refused:
        read(envelope)
    return str(refused.value)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in VALUE.items() if key != name}


@pytest.mark.parametrize("name", [*NEEDED, *HASHES])
@pytest.mark.parametrize("value", [None, "", 7, True, [], {}, ["text"]])
def test_an_attribute_that_is_no_text_is_named(name: str, value: object) -> None:
    assert refusal({**VALUE, name: value}) == f"{name} is missing or not a text"


@pytest.mark.parametrize("name", [*NEEDED, *HASHES])
def test_an_attribute_that_is_left_out_is_named(name: str) -> None:
    assert refusal(without(name)) == f"{name} is missing or not a text"


@pytest.mark.parametrize("name", [*NEEDED, *HASHES, "causationid", "traceparent"])
@pytest.mark.parametrize("sign", ["\x00", "\n", "\x1f", "\x7f", "\x85", "\ud800", "\ufffe"])
def test_a_character_that_cloudevents_forbids_is_refused_anywhere(name: str, sign: str) -> None:
    assert refusal({**VALUE, name: VALUE[name] + sign}) == (
        f"{name} has characters that CloudEvents forbids"
    )


@pytest.mark.parametrize("name", UUIDS)
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("incident 7", "is not a UUID"),
        (ID[:-1], "is not a UUID"),
        (f"{ID}0", "is not a UUID"),
        (ID.replace("96", "9A"), "is not a UUID in its usual form"),
        (ID.replace("-", ""), "is not a UUID in its usual form"),
        (f"{{{ID}}}", "is not a UUID in its usual form"),
        (f"urn:uuid:{ID}", "is not a UUID in its usual form"),
    ],
)
def test_a_uuid_has_one_spelling(name: str, text: str, why: str) -> None:
    assert refusal({**VALUE, name: text}) == f"{name} {why}"


@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize(
    "text", ["0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 62 + "0x", "٣" * 64]
)
def test_a_hash_is_64_small_hex_digits(name: str, text: str) -> None:
    assert refusal({**VALUE, name: text}) == f"{name} is not 64 hex digits"


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "0" * 20,
        "0" * 19,
        "0" * 21 + "7",
        f"{2**63:020d}",
        "-" + "0" * 18 + "7",
        "0" * 19 + "٣",
    ],
)
def test_a_sequence_is_20_digits_within_63_bits(text: str) -> None:
    assert refusal({**VALUE, "sequence": text}) == "sequence is not a number of 20 digits from 1 up"


@pytest.mark.parametrize(
    ("text", "number"), [("0" * 19 + "1", 1), (f"{2**63 - 1:020d}", 2**63 - 1)]
)
def test_the_first_and_the_last_sequence_are_read(text: str, number: int) -> None:
    event = read(json.dumps({**VALUE, "sequence": text}).encode())
    assert event.link.sequence == number


@pytest.mark.parametrize(
    "text",
    [
        "/incident-ledger/triage",
        "/incident-ledger/triage/",
        "/incident-ledger/Triage/3",
        "/incident-ledger/payroll/3",
        "/incident-ledger/triage/3/",
        "incident-ledger/triage/3",
        "https://incident-ledger/triage/3",
        "/incident-ledger/triage/-3",
        "/incident-ledger/triage/٣",
    ],
)
def test_a_source_names_a_service_and_a_partition(text: str) -> None:
    assert refusal({**VALUE, "source": text}) == (
        "source is not /incident-ledger/<service>/<partition>"
    )


def test_a_partition_that_is_none_is_named() -> None:
    assert refusal({**VALUE, "source": f"/incident-ledger/triage/{PARTITIONS}"}) == (
        f"partition {PARTITIONS} does not exist; there are {PARTITIONS}"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("yesterday", "time is not RFC 3339"),
        ("2026-02-30T09:00:00Z", "time is not RFC 3339"),
        ("2026-03-02T25:00:00Z", "time is not RFC 3339"),
        ("2026-03-02T09:00:00", "time has no offset"),
    ],
)
def test_a_time_is_a_moment(text: str, why: str) -> None:
    assert refusal({**VALUE, "time": text}) == why


@pytest.mark.parametrize("version", [None, "", "1", "1.0.0", "0.3", 1.0, 1])
def test_the_version_of_cloudevents_is_a_text(version: object) -> None:
    assert refusal({**VALUE, "specversion": version}) == "specversion is not 1.0"


def test_data_is_needed_and_may_be_anything() -> None:
    assert refusal(without("data")) == "data is missing"
    for data in (None, 7, [], "text"):
        event = read(json.dumps({**VALUE, "data": data}).encode())
        assert isinstance(event.data, Unknown)
        assert event.data.reason.startswith("does not fit incident.reported.v1: ")


@pytest.mark.parametrize(
    ("envelope", "why"),
    [
        (b"", "not JSON: "),
        (b"{", "not JSON: "),
        (ENVELOPE[:-1], "not JSON: "),
        (ENVELOPE + b"}", "not JSON: "),
        (b"\xef\xbb\xbf" + ENVELOPE, "not JSON: "),
        (ENVELOPE.replace(b"maria", b"mari\xff"), "not JSON: "),
        (ENVELOPE.replace(b'"actor":"maria"', b'"actor":"a","actor":"b"'), "a key stands twice"),
        (ENVELOPE[:-2] + b',"x":{"y":1,"y":2}}}', "a key stands twice in one object"),
        (ENVELOPE[:-2] + b',"x":NaN}}', "NaN is not JSON"),
        (ENVELOPE[:-2] + b',"x":-Infinity}}', "-Infinity is not JSON"),
        (b"[" * 60_000, "not JSON: "),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b" " * (MAX_ENVELOPE + 1), f"{MAX_ENVELOPE + 1} bytes, at most {MAX_ENVELOPE}"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_bytes_that_are_no_json_object_are_refused_in_words(envelope: bytes, why: str) -> None:
    assert why in refusal(envelope)


def test_what_may_be_left_out_is_none() -> None:
    event = read(json.dumps(without("causationid") | {"traceparent": "t"}).encode())
    assert (event.causation_id, event.traceparent) == (None, "t")
    event = read(json.dumps(without("traceparent")).encode())
    assert (event.causation_id, event.traceparent) == (UUID(int=9), None)
