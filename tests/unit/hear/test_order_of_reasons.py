"""Why a message is parked: each reason alone, and which of several is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.envelope import read
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import (
    Heard,
    Parked,
    ParkReason,
    Received,
    Record,
    examine,
    examine_together,
    receive,
)
from tests.unit.runtime.test_receiving import chain, trust

INTAKE, TRIAGE, NOTIFY = ServiceName.INTAKE, ServiceName.TRIAGE, ServiceName.NOTIFY
GOOD = chain(INTAKE, 6)
RIVAL = chain(INTAKE, 6, data=Reported(opens=False, channel=ReportChannel.API))
FOREIGN = chain(TRIAGE, 1)[0]
"""Triage says what only intake may."""
HEADS = dict.fromkeys(ServiceName, EMPTY)


def garbage(record: Record) -> Record:
    return replace(record, value=record.value[:-1])


def misplaced(record: Record) -> Record:
    return replace(record, partition=4)


def forged(record: Record) -> Record:
    return replace(record, signature=b"x" * 64)


EXAMINED = (ParkReason.MALFORMED, ParkReason.WRONG_PARTITION, ParkReason.UNTRUSTED)
SPOIL: dict[ParkReason, Callable[[Record], Record]] = dict(
    zip(EXAMINED, (garbage, misplaced, forged), strict=True)
)


@given(st.sets(st.sampled_from(EXAMINED)), st.booleans())
def test_of_several_reasons_the_first_is_named(spoilt: set[ParkReason], foreign: bool) -> None:
    record = FOREIGN if foreign else GOOD[0]
    for reason in spoilt:
        record = SPOIL[reason](record)
    found = examine(record, trust())
    wrong = [reason for reason in EXAMINED if reason in spoilt]
    if foreign:
        wrong.append(ParkReason.NOT_THEIRS_TO_SAY)
    if wrong:
        assert isinstance(found, Parked)
        assert found.reason is wrong[0]
        assert (found.event is None) is (wrong[0] is ParkReason.MALFORMED)
    else:
        assert isinstance(found, Heard)
    assert found.record == record


@pytest.mark.parametrize(
    ("signature", "words"),
    [
        (b"", "the signature does not verify"),
        (b"x" * 63, "the signature does not verify"),
        (b"x" * 64, "the signature does not verify"),
        (b"x" * 65, "the signature does not verify"),
        (GOOD[1].signature, "the signature does not verify"),
        (GOOD[0].signature + b"\0", "the signature does not verify"),
    ],
)
def test_only_the_events_own_signature_counts(signature: bytes, words: str) -> None:
    found = examine(replace(GOOD[0], signature=signature), trust())
    assert isinstance(found, Parked)
    assert (found.reason, found.detail) == (ParkReason.UNTRUSTED, words)


@pytest.mark.parametrize(
    ("source", "arrives_on", "words"),
    [
        (3, 4, "source names partition 3, its subject belongs on 3"),
        (4, 4, "source names partition 4, its subject belongs on 3"),
        (4, 3, "source names partition 4, its subject belongs on 3"),
        (4, 5, "source names partition 4, its subject belongs on 3"),
    ],
)
def test_the_source_the_incident_and_the_topic_name_one_partition(
    source: int, arrives_on: int, words: str
) -> None:
    (record,) = chain(INTAKE, 1, partition=source)
    found = examine(replace(record, partition=arrives_on), trust())
    assert isinstance(found, Parked)
    assert (found.reason, found.detail) == (ParkReason.WRONG_PARTITION, words)


def test_nobody_is_trusted_by_an_empty_file() -> None:
    found = examine(GOOD[0], Trust(()))
    assert isinstance(found, Parked)
    assert found.detail == "no key of intake is trusted for partition 3 at 1"


@given(st.lists(st.sampled_from([*GOOD, *map(garbage, GOOD), forged(GOOD[0]), FOREIGN])))
def test_many_are_examined_as_each_alone(records: list[Record]) -> None:
    assert examine_together(records, trust()) == [examine(one, trust()) for one in records]


def hear(
    records: list[Record],
    *,
    own: ServiceName | None = NOTIFY,
    head: int = 0,
    known: int = 0,
    waiting: list[Record] | None = None,
) -> Received:
    """With intake's head at `head`, the hashes up to `known` looked up, and `waiting` parked."""
    heads = HEADS | {INTAKE: Head(head, read(GOOD[head - 1].value).hash) if head else EMPTY}
    hashes = {(INTAKE, number): read(GOOD[number - 1].value).hash for number in range(1, known + 1)}
    early = [item for one in waiting or () if isinstance(item := examine(one, trust()), Heard)]
    return receive(own, heads, hashes, early, examine_together(records, trust()))


GAP, RIVALS, BROKEN = ParkReason.GAP, ParkReason.EQUIVOCATION, ParkReason.BROKEN_LINK


@pytest.mark.parametrize(
    ("record", "head", "known", "reason", "detail"),
    [
        (GOOD[1], 0, 0, GAP, "number 2 of intake/3; the head is 0"),
        (GOOD[5], 0, 0, GAP, "number 6 of intake/3; the head is 0"),
        (GOOD[5], 4, 0, GAP, "number 6 of intake/3; the head is 4"),
        (RIVAL[0], 1, 1, RIVALS, "number 1 of intake/3; the head is 1"),
        (RIVAL[2], 5, 5, RIVALS, "number 3 of intake/3; the head is 5"),
        (RIVAL[1], 1, 1, BROKEN, "number 2 of intake/3; the head is 1"),
        (RIVAL[5], 5, 5, BROKEN, "number 6 of intake/3; the head is 5"),
    ],
)
def test_a_place_that_does_not_fit_is_named_with_the_head(
    record: Record, head: int, known: int, reason: ParkReason, detail: str
) -> None:
    received = hear([record], head=head, known=known)
    (parked,) = received.parked
    assert (parked.reason, parked.detail, parked.record) == (reason, detail, record)
    assert (received.accepted, received.duplicates) == ((), ())
    assert received.heads[INTAKE].sequence == head


@pytest.mark.parametrize(
    ("known", "reason", "duplicates"), [(0, ParkReason.NOT_OURS, 0), (1, None, 1)]
)
def test_in_its_own_name_a_service_hears_only_what_it_holds(
    known: int, reason: ParkReason | None, duplicates: int
) -> None:
    received = hear([GOOD[0]], own=INTAKE, head=known, known=known)
    assert [item.reason for item in received.parked] == ([reason] if reason else [])
    assert [item.detail for item in received.parked] == (
        ["this service never said it"] if reason else []
    )
    assert len(received.duplicates) == duplicates
    assert received.accepted == ()


def test_one_without_a_name_hears_all_services() -> None:
    assert len(hear(GOOD, own=None).accepted) == len(GOOD)


def test_what_cannot_be_heard_holds_up_nothing_beside_it() -> None:
    spoilt = [garbage(GOOD[0]), GOOD[0], forged(GOOD[1]), GOOD[1], misplaced(GOOD[2]), GOOD[2]]
    received = hear(spoilt)
    assert [item.event.link.sequence for item in received.accepted] == [1, 2, 3]
    assert [item.reason for item in received.parked] == [
        ParkReason.MALFORMED,
        ParkReason.UNTRUSTED,
        ParkReason.WRONG_PARTITION,
    ]


def test_what_waited_is_taken_up_with_what_it_waited_for() -> None:
    received = hear([GOOD[0]], waiting=[GOOD[1], GOOD[2], GOOD[4]])
    assert [item.event.link.sequence for item in received.accepted] == [1, 2, 3]
    assert received.parked == (), "the fifth waits on, and is parked already"


def test_a_rival_that_waited_holds_up_nothing_and_is_named() -> None:
    received = hear([GOOD[0], GOOD[1]], waiting=[RIVAL[1]])
    assert [item.record for item in received.accepted] == GOOD[:2]
    assert (BROKEN, RIVAL[1]) in [(item.reason, item.record) for item in received.parked]


@given(st.lists(st.sampled_from([*GOOD, *RIVAL, garbage(GOOD[0]), FOREIGN]), max_size=25))
def test_every_message_comes_to_something_and_heads_follow_what_was_accepted(
    records: list[Record],
) -> None:
    received = hear(records)
    accepted = [item.event for item in received.accepted]
    assert [event.link.sequence for event in accepted] == list(range(1, len(accepted) + 1))
    assert received.heads[INTAKE].sequence == len(accepted)
    handled = [item.record for item in (*received.accepted, *received.parked)]
    handled += [item.record for item in received.duplicates]
    assert all(record in handled for record in records)
    assert received.rest == ()
    assert not received.rotated
