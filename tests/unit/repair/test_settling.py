"""What two persons have settled is named and counted, and is no finding; nothing else is hidden by
it."""

import hashlib
from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import ValidationError

from shared.chain.link import Head, next_link
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.system import ParkedSettled
from shared.contract.envelope import Said, read, write
from shared.contract.hashing import signed_bytes
from shared.contract.topics import system_subject
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import ParkReason, Record
from shared.runtime.repair.settlement import FINAL, CannotSettle, Settlement
from shared.runtime.repair.topic_check import TopicCheck
from tests.unit.concealing import bare
from tests.unit.given import START
from tests.unit.runtime.callers import PEOPLE
from tests.unit.runtime.test_receiving import chain, signer, trust

RECORDS = chain(ServiceName.INTAKE, 3)
FORGED = Record(3, 900, b"k", b"not an event", (), b"")
SETTLED = ParkedSettled(
    offset=FORGED.offset,
    value_sha256=hashlib.sha256(FORGED.value).hexdigest(),
    parked_as="malformed",
    reason="a stranger's line",
    proposed_by="ida",
    confirmed_by="omar",
)


def said(data: EventData) -> Record:
    """The next word of intake on partition 3."""
    last = read(RECORDS[-1].value)
    link = next_link(ServiceName.INTAKE, 3, Head(3, last.hash), bytes(32))
    subject = system_subject(3)
    key = signer(ServiceName.INTAKE)
    about = Said(UUID(int=9), subject, START, "service:intake", bare(data), "settled")
    value = write(about, link, key.key_id.hex())
    signature = key.sign(signed_bytes(value))
    return Record(3, 901, str(subject).encode(), value, (), signature)


def checked(*records: Record) -> TopicCheck:
    topic = TopicCheck(trust())
    for record in records:
        topic.take(record)
    topic.finish()
    return topic


@pytest.mark.parametrize("first", [True, False], ids=["settled later", "settled before"])
def test_a_settled_message_is_named_and_no_finding(first: bool) -> None:
    settled = said(SETTLED)
    both = [FORGED, settled] if first else [settled, FORGED]
    topic = checked(*RECORDS, *both)
    assert topic.findings == []
    (one,) = topic.settled
    assert (one.code, one.where) == ("malformed", "topic partition 3, offset 900")
    assert one.detail == f"settled by ida and omar; event {UUID(int=9)} has the reason"


@pytest.mark.parametrize(
    "other",
    [
        {"offset": 899},
        {"value_sha256": "0" * 64},
        {"parked_as": "untrusted"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_settlement_covers_one_message_and_one_reason(other: dict[str, object]) -> None:
    topic = checked(*RECORDS, FORGED, said(SETTLED.model_copy(update=other)))
    assert [finding.code for finding in topic.findings] == ["malformed"]
    assert topic.settled == []


def test_nobody_but_a_service_of_the_ledger_settles() -> None:
    settled = said(SETTLED)
    topic = checked(*RECORDS, FORGED, replace(settled, signature=bytes(64)))
    assert {finding.code for finding in topic.findings} == {"malformed", "untrusted"}


@pytest.mark.parametrize(
    "second", ["ida", "Ida", " ida ", "IDA", "ｉｄａ", PEOPLE.pseudonym_of("ida")]
)
def test_one_person_is_not_two(second: str) -> None:
    with pytest.raises(CannotSettle, match="second person"):
        Settlement.by(PEOPLE.pseudonym_of, "forged", "ida", second)
    with pytest.raises(ValidationError, match="same person"):
        ParkedSettled(**{**SETTLED.model_dump(), "confirmed_by": "ida"})


@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\u3164", "\n\t"])
@pytest.mark.parametrize("place", range(3))
def test_a_settlement_says_why_and_by_whom(blank: str, place: int) -> None:
    texts = ["forged", "ida", "omar"]
    texts[place] = blank
    with pytest.raises(CannotSettle, match="is needed"):
        Settlement.by(PEOPLE.pseudonym_of, *texts)


def test_what_is_an_event_of_the_ledger_is_replayed_and_not_settled() -> None:
    """A reason that is new is settled only once somebody has thought of it."""
    waiting = {ParkReason.GAP, ParkReason.PROJECTION, ParkReason.REACTION}
    assert set(ParkReason) - FINAL == waiting
