"""What is published of the events is true of them: the recorded envelopes fit it, and what a reader
refuses does not. The words are closed, and of one kind."""

import json
import re
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared.contract import vocabulary
from shared.contract.catalogue import BY_TYPE, EVENTS
from shared.contract.catalogue.base import EventData
from shared.contract.hashing import PAYLOAD_TYPE, event_hash, signed_bytes
from shared.contract.publication import asyncapi, data_schema, envelope_schema
from shared.contract.topics import (
    PARTITIONS,
    TOPIC,
    TOPIC_CONFIG,
    key_of,
    murmur2,
    partition_of,
    system_subject,
)
from shared.contract.vocabulary import (
    BASIC_FACTS,
    CONTAINING,
    ActionKind,
    FactKey,
    Fidelity,
    ServiceName,
)
from tests.unit.contract.record import recorded

ENUMS = [
    one
    for one in vars(vocabulary).values()
    if isinstance(one, type) and issubclass(one, StrEnum) and one is not StrEnum
]
RECORDED = {kind: json.loads(envelope) for kind, envelope in recorded().items()}
KINDS = sorted(RECORDED)
COMPONENTS = asyncapi("1")["components"]


@cache
def validator(kind: str) -> Draft202012Validator:
    event = BY_TYPE[kind]
    return Draft202012Validator({**envelope_schema(event), "components": COMPONENTS})


@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_envelope_fits_what_is_published_of_its_type(kind: str) -> None:
    errors = [error.message for error in validator(kind).iter_errors(RECORDED[kind])]
    assert errors == []
    own = Draft202012Validator(data_schema(BY_TYPE[kind]))
    assert [error.message for error in own.iter_errors(RECORDED[kind]["data"])] == []


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"type": "incident.other.v1"},
        {"source": "/incident-ledger/payroll/3"},
        {"sequence": "7"},
        {"prevhash": "00"},
        {"subjectprev": "G" * 64},
        {"keyid": "530D903A"},
        {"actor": 7},
        {"data": "text"},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("kind", [KINDS[0], KINDS[-1]])
def test_an_envelope_that_is_none_does_not_fit(kind: str, change: dict[str, Any]) -> None:
    assert list(validator(kind).iter_errors({**RECORDED[kind], **change}))


@pytest.mark.parametrize("kind", KINDS)
def test_every_attribute_is_needed_but_cause_and_trace(kind: str) -> None:
    schema = envelope_schema(BY_TYPE[kind])
    assert set(schema["properties"]) - set(schema["required"]) == {"causationid", "traceparent"}
    for name in schema["required"]:
        less = {key: value for key, value in RECORDED[kind].items() if key != name}
        assert list(validator(kind).iter_errors(less)), name


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_source_is_published_only_for_who_says_it(event: type[EventData]) -> None:
    pattern = envelope_schema(event)["properties"]["source"]["pattern"]
    sayers = {one for one in ServiceName if re.search(pattern, f"/incident-ledger/{one}/7")}
    assert sayers == ({event.SAID_BY} if event.SAID_BY else set(ServiceName))


@pytest.mark.parametrize("words", ENUMS, ids=lambda words: words.__name__)
def test_the_words_are_apart_and_spelt_in_one_way(words: type[StrEnum]) -> None:
    values = [word.value for word in words]
    assert len(set(values)) == len(values) > 1
    for value in values:
        assert re.fullmatch(r"[A-F]|[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*", value)
    assert not ({"-", "_"} <= set("".join(values)))


def test_unknown_is_always_the_same_word_and_the_last_of_its_answers() -> None:
    unknown = {words: list(words) for words in ENUMS if "UNKNOWN" in words.__members__}
    assert len(unknown) > 5
    for words, answers in unknown.items():
        assert answers[-1].value == "unknown", words


def test_what_contains_something_is_done_to_a_thing_and_never_to_a_person() -> None:
    assert ActionKind.PRESERVE_EVIDENCE not in CONTAINING
    assert set(ActionKind) - CONTAINING == {
        ActionKind.PRESERVE_EVIDENCE,
        ActionKind.DISCIPLINE,
        ActionKind.SUSPENSION,
        ActionKind.LEGAL_CLAIM,
    }


def test_the_basic_facts_come_first_and_say_nothing_of_who_posted() -> None:
    assert list(FactKey)[: len(BASIC_FACTS)] == list(BASIC_FACTS)
    assert {FactKey.WHO_POSTED, FactKey.HOW_POSTER_IS_KNOWN}.isdisjoint(BASIC_FACTS)


def test_fidelity_goes_from_coarse_to_fine() -> None:
    assert [one.value for one in Fidelity] == ["year", "month", "day", "hour", "minute", "second"]


@given(st.uuids())
def test_an_incident_travels_by_its_usual_spelling_to_kafkas_partition(incident: UUID) -> None:
    key = key_of(incident)
    assert key.decode() == str(incident)
    assert partition_of(incident) == (murmur2(key) & 0x7FFFFFFF) % PARTITIONS


def test_each_partition_has_one_system_incident_and_there_are_no_more() -> None:
    assert len({system_subject(partition) for partition in range(PARTITIONS)}) == PARTITIONS
    with pytest.raises(IndexError):
        system_subject(PARTITIONS)


def test_the_topic_keeps_everything_for_ever() -> None:
    assert TOPIC_CONFIG == {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
    }
    assert asyncapi("1")["channels"]["events"]["address"] == TOPIC


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_what_is_hashed_and_what_is_signed_tell_any_two_envelopes_apart(
    one: bytes, other: bytes
) -> None:
    assert (signed_bytes(one) == signed_bytes(other)) == (one == other)
    assert (event_hash(one) == event_hash(other)) == (one == other)
    assert signed_bytes(one).startswith(f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} ".encode())
