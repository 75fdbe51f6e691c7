"""What a receiver does with what arrives: the next number of a chain is heard, a copy is dropped,
all else is parked by name."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

import nacl.signing
from hypothesis import given
from hypothesis import strategies as st

from shared.chain import signatures
from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust, parse
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.triage import InactionDecided
from shared.contract.envelope import Event, Link, Said, read, write
from shared.contract.hashing import ZERO_HASH, event_hash, signed_bytes
from shared.contract.topics import PARTITIONS, partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Received, Record, examine, receive
from shared.tlog.note import Signer, generate_key

INCIDENT = next(
    UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000 + n)
    for n in range(1000)
    if partition_of(UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000 + n)) == 3
)


@cache
def signer(service: ServiceName) -> Signer:
    return Signer.parse(generate_key(f"incident-ledger/{service}")[0])


@cache
def trust() -> Trust:
    return parse("".join(f"{service} * 1 {signer(service).vkey}\n" for service in ServiceName))


def chain(
    service: ServiceName,
    length: int,
    *,
    data: EventData | None = None,
    partition: int = 3,
    by: ServiceName | None = None,
) -> list[Record]:
    """The first `length` messages of a service's chain, as they should stand on the topic: said at
    once, and signed in one turn."""
    said = data or Reported(opens=True, channel=ReportChannel.API)
    key = signer(by or service)
    events: list[Event] = []
    before = ZERO_HASH
    for number in range(1, length + 1):
        link = Link(service, partition, number, before, before)
        envelope = write(
            Said(UUID(int=number), INCIDENT, datetime(2026, 3, 2, tzinfo=UTC), "maria", said, "c"),
            link,
            key.key_id.hex(),
        )
        events.append(read(envelope))
        before = events[-1].hash
    return [
        Record(partition, event.link.sequence, None, event.envelope, (), signature)
        for event, signature in zip(events, signatures.sign(events, key.sign), strict=True)
    ]


def hear(
    records: Sequence[Record],
    head: Head = EMPTY,
    known: dict[tuple[ServiceName, int], bytes] | None = None,
) -> Received:
    heads = dict.fromkeys(ServiceName, EMPTY) | {ServiceName.INTAKE: head}
    return receive(
        ServiceName.NOTIFY, heads, known or {}, [], [examine(record, trust()) for record in records]
    )


def reasons(received: Received) -> list[ParkReason]:
    return [parked.reason for parked in received.parked]


def test_a_chain_in_order_is_heard() -> None:
    received = hear(chain(ServiceName.INTAKE, 5))
    assert [heard.event.link.sequence for heard in received.accepted] == [1, 2, 3, 4, 5]
    assert received.heads[ServiceName.INTAKE].sequence == 5
    assert received.parked == ()


def test_a_copy_is_dropped() -> None:
    records = chain(ServiceName.INTAKE, 2)
    received = hear([*records, *records])
    assert len(received.accepted) == 2
    assert [copy.record.offset for copy in received.duplicates] == [1, 2]


def test_another_event_at_a_known_number_is_equivocation() -> None:
    (first,) = chain(ServiceName.INTAKE, 1)
    (other,) = chain(
        ServiceName.INTAKE,
        1,
        data=Reported(opens=True, channel=ReportChannel.API, description="another"),
    )
    received = hear([first, other])
    assert len(received.accepted) == 1
    assert reasons(received) == [ParkReason.EQUIVOCATION]


def test_what_came_too_early_waits_and_is_heard_when_its_turn_comes() -> None:
    one, two, three, four = chain(ServiceName.INTAKE, 4)
    received = hear([one, four, three, two])
    assert [heard.record for heard in received.accepted] == [one, two, three, four]
    assert reasons(received) == [ParkReason.GAP, ParkReason.GAP]


def test_what_waited_from_an_earlier_batch_is_taken_up() -> None:
    one, two, three = chain(ServiceName.INTAKE, 3)
    waiting = [item for item in (examine(three, trust()),) if isinstance(item, Heard)]
    heads = dict.fromkeys(ServiceName, EMPTY)
    received = receive(
        ServiceName.NOTIFY, heads, {}, waiting, [examine(record, trust()) for record in (one, two)]
    )
    assert [heard.record for heard in received.accepted] == [one, two, three]


def test_the_next_number_with_another_past_is_a_broken_link() -> None:
    _, two = chain(ServiceName.INTAKE, 2)
    received = hear([two], head=Head(1, bytes(32)))
    assert reasons(received) == [ParkReason.BROKEN_LINK]


def test_a_forged_signature_is_untrusted() -> None:
    (record,) = chain(ServiceName.INTAKE, 1, by=ServiceName.TRIAGE)
    assert reasons(hear([record])) == [ParkReason.UNTRUSTED]


def test_a_stranger_with_a_valid_looking_key_id_is_untrusted() -> None:
    (record,) = chain(ServiceName.INTAKE, 1)
    forged = nacl.signing.SigningKey.generate().sign(signed_bytes(record.value)).signature
    assert reasons(hear([Record(3, 1, None, record.value, (), forged)])) == [ParkReason.UNTRUSTED]


def test_no_signature_at_all_is_untrusted() -> None:
    (record,) = chain(ServiceName.INTAKE, 1)
    assert reasons(hear([Record(3, 1, None, record.value, (), b"")])) == [ParkReason.UNTRUSTED]


def test_a_service_that_speaks_anothers_event_is_parked() -> None:
    records = chain(ServiceName.INTAKE, 1, data=InactionDecided(reason="quiet"))
    assert reasons(hear(records)) == [ParkReason.NOT_THEIRS_TO_SAY]


def test_an_event_on_a_foreign_partition_is_parked() -> None:
    (record,) = chain(ServiceName.INTAKE, 1)
    assert reasons(hear([Record(4, 1, None, record.value, (), record.signature)])) == [
        ParkReason.WRONG_PARTITION
    ]
    assert reasons(hear(chain(ServiceName.INTAKE, 1, partition=5))) == [ParkReason.WRONG_PARTITION]


def test_garbage_is_malformed() -> None:
    assert reasons(hear([Record(3, 9, None, b"\x00\xff", (), b"")])) == [ParkReason.MALFORMED]


def test_a_message_in_this_services_own_name_that_it_never_said_is_parked() -> None:
    (record,) = chain(
        ServiceName.NOTIFY, 1, data=InactionDecided(reason="x"), by=ServiceName.NOTIFY
    )
    assert reasons(hear([record])) == [ParkReason.NOT_THEIRS_TO_SAY]


def test_its_own_event_coming_back_is_a_copy() -> None:
    from shared.contract.catalogue.notify import CommunicationWaived
    from shared.contract.vocabulary import Audience

    (record,) = chain(
        ServiceName.NOTIFY, 1, data=CommunicationWaived(audience=Audience.PRESS, reason="x")
    )
    (copy,) = hear([record], known={(ServiceName.NOTIFY, 1): event_hash(record.value)}).duplicates
    assert copy.record is record
    assert reasons(hear([record])) == [ParkReason.NOT_OURS]


@given(st.lists(st.integers(0, 11), max_size=60))
def test_whatever_arrives_the_chain_is_heard_once_in_order_and_nothing_is_lost(
    arrivals: list[int],
) -> None:
    """Any mix of loss, copies and disorder: what is heard is a prefix of the chain, and the rest of
    what came is kept."""
    records = CHAIN
    received = hear([records[number] for number in arrivals])
    sequences = [heard.event.link.sequence for heard in received.accepted]
    assert sequences == list(range(1, len(sequences) + 1))
    kept = set(sequences) | {
        parked.event.link.sequence for parked in received.parked if parked.event
    }
    assert kept == {number + 1 for number in arrivals}


@given(st.permutations(range(12)))
def test_in_whatever_order_a_whole_chain_comes_it_is_heard_whole(order: list[int]) -> None:
    assert len(hear([CHAIN[number] for number in order]).accepted) == 12


CHAIN = chain(ServiceName.INTAKE, 12)


def test_of_two_events_that_waited_at_one_number_the_one_not_heard_is_loud() -> None:
    rival = chain(ServiceName.INTAKE, 2, data=Reported(opens=False, channel=ReportChannel.API))[1]
    waiting = [
        item
        for item in (examine(record, trust()) for record in (rival, CHAIN[1]))
        if isinstance(item, Heard)
    ]
    received = receive(
        ServiceName.NOTIFY,
        dict.fromkeys(ServiceName, EMPTY),
        {},
        waiting,
        [examine(CHAIN[0], trust())],
    )
    assert [heard.record for heard in received.accepted] == [CHAIN[0], CHAIN[1]]
    assert [(item.record, item.reason) for item in received.parked] == [
        (rival, ParkReason.EQUIVOCATION)
    ]


def test_a_key_holds_from_its_first_sequence_until_the_next() -> None:
    old, new = (Signer.parse(generate_key("incident-ledger/intake")[0]) for _ in range(2))
    both = parse(f"intake * 1 {old.vkey}  # the first\nintake 3 10 {new.vkey}\n")
    assert both.in_force(ServiceName.INTAKE, 3, 9) == both.in_force(ServiceName.INTAKE, 4, 10)
    verifier = both.in_force(ServiceName.INTAKE, 3, 10)
    assert verifier is not None
    assert verifier.key_id == new.key_id
    assert both.in_force(ServiceName.TRIAGE, 3, 1) is None


def test_every_partition_has_a_chain() -> None:
    assert all(
        trust().in_force(service, number, 1)
        for service in ServiceName
        for number in range(PARTITIONS)
    )


def test_parked_keeps_the_whole_message() -> None:
    record = Record(3, 9, b"key", b"{", (("signature", b"xx"),), b"")
    examined = examine(record, trust())
    assert isinstance(examined, Parked)
    assert examined.record is record
