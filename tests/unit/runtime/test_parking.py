"""What a person reads of each message that was parked: the message itself, the reason, the words
and the event, where there is one."""

from dataclasses import replace
from typing import Final

import pytest

from shared.chain.link import EMPTY, Head
from shared.contract.catalogue import not_theirs_to_say
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import CommunicationWaived
from shared.contract.catalogue.triage import InactionDecided
from shared.contract.envelope import MalformedEnvelope, read
from shared.contract.topics import partition_of
from shared.contract.vocabulary import Audience, ServiceName
from shared.runtime.hear.judge import (
    Heard,
    Parked,
    ParkReason,
    Received,
    Record,
    examine,
    placed,
    receive,
)
from shared.runtime.say.plan import SubjectHead
from tests.unit.runtime.test_receiving import INCIDENT, chain, trust
from tests.unit.seal.test_decide import rotating

INTAKE, TRIAGE, NOTIFY = ServiceName.INTAKE, ServiceName.TRIAGE, ServiceName.NOTIFY
SAID: Final = chain(INTAKE, 4)
RIVALS: Final = chain(INTAKE, 4, data=Reported(opens=False, channel=ReportChannel.API))
OWN: Final = chain(
    NOTIFY, 2, data=CommunicationWaived(audience=Audience.PRESS, reason="They wrote it.")
)


def heard(record: Record) -> Heard:
    item = examine(record, trust())
    assert isinstance(item, Heard)
    return item


def hear(
    *records: Record,
    head: Head = EMPTY,
    waiting: tuple[Record, ...] = (),
    own: ServiceName | None = NOTIFY,
    known: dict[tuple[ServiceName, int], bytes] | None = None,
) -> Received:
    heads = dict.fromkeys(ServiceName, EMPTY) | {INTAKE: head}
    examined = [examine(record, trust()) for record in records]
    return receive(own, heads, known or {}, [heard(record) for record in waiting], examined)


def test_what_cannot_be_read_is_parked_with_the_readers_words() -> None:
    record = replace(SAID[0], value=b"{")
    with pytest.raises(MalformedEnvelope) as error:
        read(b"{")
    assert examine(record, trust()) == Parked(record, ParkReason.MALFORMED, str(error.value))


def test_on_a_foreign_partition_both_partitions_are_named() -> None:
    assert partition_of(INCIDENT) == 3
    for record, names in (
        (replace(SAID[0], partition=4), 3),
        (chain(INTAKE, 1, partition=5)[0], 5),
        (replace(chain(INTAKE, 1, partition=5)[0], partition=3), 5),
    ):
        words = f"source names partition {names}, its subject belongs on 3"
        assert examine(record, trust()) == Parked(
            record, ParkReason.WRONG_PARTITION, words, read(record.value)
        )


def test_an_event_of_another_partition_is_told_where_it_belongs() -> None:
    (record,) = rotating(1, partition=5)
    parked = examine(replace(record, partition=3), trust())
    assert isinstance(parked, Parked)
    assert parked.detail == "source names partition 5, its subject belongs on 5"


def test_an_untrusted_one_is_parked_with_the_words_of_trust() -> None:
    record = replace(SAID[0], signature=bytes(64))
    event = read(record.value)
    words = trust().refusal(event, record.signature)
    assert words
    assert examine(record, trust()) == Parked(record, ParkReason.UNTRUSTED, words, event)


def test_what_is_anothers_to_say_is_parked_with_the_words_of_the_catalogue() -> None:
    (record,) = chain(INTAKE, 1, data=InactionDecided(reason="quiet"))
    event = read(record.value)
    words = not_theirs_to_say(event.type, event.service, event.subject_id)
    assert words
    assert examine(record, trust()) == Parked(record, ParkReason.NOT_THEIRS_TO_SAY, words, event)


def test_a_gap_names_the_number_and_the_head() -> None:
    received = hear(SAID[0], SAID[2])
    assert received.parked == (
        Parked(SAID[2], ParkReason.GAP, "number 3 of intake/3; the head is 1", read(SAID[2].value)),
    )
    assert [item.record for item in received.accepted] == [SAID[0]]


def test_a_broken_link_names_the_number_and_the_head() -> None:
    assert hear(SAID[1], head=Head(1, bytes(32))).parked == (
        Parked(
            SAID[1],
            ParkReason.BROKEN_LINK,
            "number 2 of intake/3; the head is 1",
            read(SAID[1].value),
        ),
    )


def test_an_equivocation_names_the_number_and_the_head() -> None:
    assert hear(*SAID[:2], RIVALS[0]).parked == (
        Parked(
            RIVALS[0],
            ParkReason.EQUIVOCATION,
            "number 1 of intake/3; the head is 2",
            read(RIVALS[0].value),
        ),
    )


def test_of_two_that_waited_the_overtaken_one_names_the_number() -> None:
    received = hear(SAID[0], waiting=(RIVALS[1], SAID[1]))
    assert [item.record for item in received.accepted] == SAID[:2]
    assert received.parked == (
        Parked(
            RIVALS[1],
            ParkReason.EQUIVOCATION,
            "another event is number 2 of intake/3",
            read(RIVALS[1].value),
        ),
    )


def test_what_waits_still_is_not_overtaken() -> None:
    assert hear(SAID[0], waiting=(SAID[2], SAID[3])).parked == ()


def test_what_waited_only_for_its_key_is_taken_up_without_any_arrival() -> None:
    received = hear(waiting=(SAID[0], SAID[1]))
    assert [item.record for item in received.accepted] == SAID[:2]
    assert received.heads[INTAKE] == Head(2, read(SAID[1].value).hash)
    assert (received.parked, received.duplicates, received.rest) == ((), (), ())


def test_in_its_own_name_only_what_it_said_comes_back() -> None:
    first, second = (read(record.value) for record in OWN)
    received = hear(*OWN, known={(NOTIFY, 1): first.hash, (NOTIFY, 2): first.hash})
    assert received.duplicates == (Heard(first, OWN[0]),)
    assert received.parked == (
        Parked(OWN[1], ParkReason.NOT_OURS, "this service never said it", second),
    )
    assert received.accepted == ()


def test_one_that_has_lost_what_it_said_hears_itself() -> None:
    assert [item.record for item in hear(*OWN, own=None).accepted] == OWN


def test_what_was_heard_before_is_a_duplicate_by_its_known_hash() -> None:
    first, second = (read(record.value) for record in SAID[:2])
    received = hear(*SAID[:2], head=Head(2, second.hash), known={(INTAKE, 1): first.hash})
    assert received.duplicates == (Heard(first, SAID[0]),)
    assert [(item.record, item.reason) for item in received.parked] == [
        (SAID[1], ParkReason.EQUIVOCATION)
    ]


def test_a_first_copy_that_waits_is_the_one_taken_up() -> None:
    copies = [replace(record, offset=10) for record in SAID[1:2]]
    received = hear(SAID[1], *copies, SAID[0])
    assert [item.record for item in received.accepted] == [SAID[0], SAID[1]]
    assert [item.reason for item in received.parked] == [ParkReason.GAP, ParkReason.GAP]


def test_rows_count_on_from_the_version_and_keep_the_hash_of_what_the_service_said() -> None:
    own, others = heard(OWN[0]), [heard(record) for record in SAID[:2]]
    before = SubjectHead(4, b"s" * 32)
    rows, heads = placed(NOTIFY, [others[0], own, others[1]], {INCIDENT: before})
    assert [row.recorded.version for row in rows] == [5, 6, 7]
    assert [row.recorded.event for row in rows] == [others[0].event, own.event, others[1].event]
    assert [row.signature for row in rows] == [
        SAID[0].signature,
        OWN[0].signature,
        SAID[1].signature,
    ]
    assert heads == {INCIDENT: SubjectHead(7, own.event.hash)}


def test_what_others_said_leaves_the_hash_of_what_the_service_said() -> None:
    rows, heads = placed(NOTIFY, [heard(SAID[0])], {INCIDENT: SubjectHead(4, b"s" * 32)})
    assert heads == {INCIDENT: SubjectHead(5, b"s" * 32)}
    assert placed(NOTIFY, [heard(SAID[0])], {})[1] == {INCIDENT: SubjectHead(1, bytes(32))}
    assert placed(NOTIFY, [], {INCIDENT: SubjectHead(4, b"s" * 32)}) == (
        [],
        {INCIDENT: SubjectHead(4, b"s" * 32)},
    )
    assert len(rows) == 1


def test_what_waited_behind_a_change_of_key_is_left_for_the_new_key() -> None:
    """The services are taken up in their order: intake's key changes before triage is heard."""
    (changes,) = rotating(1, rotates_at=1)
    (behind,) = chain(TRIAGE, 1, data=InactionDecided(reason="quiet"))
    received = hear(SAID[0], waiting=(changes, behind))
    assert [item.record for item in received.accepted] == [changes]
    assert (received.rotated, received.rest) == (True, (SAID[0],))
