"""Which messages become leaves, in whatever order they arrive."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, ParkReason, Record, examine, receive
from shared.seal.decide import Chains, Hole, Taken, overdue, take
from tests.unit.runtime.test_receiving import chain, trust

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
INTAKE, PARTITION = ServiceName.INTAKE, 3
SAID = chain(INTAKE, 12)


def at(offset: int, record: Record) -> Record:
    return replace(record, offset=offset)


def taken(
    chains: Chains, records: Sequence[Record], known: Sequence[Heard] = (), now: datetime = NOW
) -> Taken:
    hashes = {(heard.event.service, heard.event.link.sequence): heard.event.hash for heard in known}
    return take(
        chains, PARTITION, hashes, [examine(record, trust()) for record in records], trust(), now
    )


def numbers(leaves: Sequence[Heard]) -> list[int]:
    return [heard.event.link.sequence for heard in leaves]


arrivals = st.lists(st.integers(0, len(SAID) - 1), max_size=40)


@given(arrivals, st.lists(st.integers(1, 5)))
def test_leaves_are_what_a_receiver_accepts_in_its_order_however_it_comes_in_batches(
    order: list[int], sizes: list[int]
) -> None:
    records = [at(offset, SAID[number]) for offset, number in enumerate(order)]
    chains, leaves = Chains(), list[Heard]()
    left = list(records)
    for size in [*sizes, len(records) + 1]:
        batch, left = left[:size], left[size:]
        step = taken(chains, batch, leaves)
        chains = step.chains
        leaves += step.leaves
        assert not step.parked
    heads = {service: Chains().heads[service, PARTITION] for service in ServiceName}
    heard = receive(None, heads, {}, [], [examine(record, trust()) for record in records])
    assert numbers(leaves) == numbers(heard.accepted) == list(range(1, len(leaves) + 1))
    waiting = {item.event.link.sequence for item in chains.waiting.get(PARTITION, ())}
    assert waiting == {number + 1 for number in order} - set(numbers(leaves))
    assert [hole.sequence for hole in chains.holes.values()] == (
        [len(leaves) + 1] if waiting else []
    )


def test_what_no_receiver_would_hear_is_no_leaf_though_a_later_event_names_its_hash() -> None:
    spoilt = replace(SAID[1], signature=bytes(64))
    first = taken(Chains(), [at(0, SAID[0]), at(1, spoilt), at(2, SAID[2])])
    assert numbers(first.leaves) == [1]
    assert [(item.record.offset, item.reason) for item in first.parked] == [
        (1, ParkReason.UNTRUSTED)
    ]
    healed = taken(first.chains, [at(3, SAID[0]), at(4, SAID[1]), at(5, SAID[2])], first.leaves)
    assert numbers(healed.leaves) == [2, 3]
    assert [heard.record.signature for heard in healed.leaves] == [
        SAID[1].signature,
        SAID[2].signature,
    ]


def test_a_hole_is_as_old_as_the_first_event_behind_it() -> None:
    first = taken(Chains(), [at(0, SAID[0]), at(1, SAID[2])])
    assert first.opened == (Hole(INTAKE, PARTITION, 2, NOW),)
    later = NOW + timedelta(seconds=30)
    second = taken(first.chains, [at(2, SAID[3])], now=later)
    assert (second.opened, second.filled) == ((), ())
    third = taken(second.chains, [at(3, SAID[1]), at(4, SAID[6])], now=later)
    assert numbers(third.leaves) == [2, 3, 4]
    assert third.filled == first.opened
    assert third.opened == (Hole(INTAKE, PARTITION, 5, later),)
    assert {item.record.offset for item in third.released} == {1, 2}


def test_only_a_hole_that_is_old_and_not_yet_said_is_due() -> None:
    old, young = (
        Hole(INTAKE, 3, 2, NOW - timedelta(seconds=60)),
        Hole(INTAKE, 4, 2, NOW - timedelta(seconds=59)),
    )
    said = replace(old, recorded=True)
    assert overdue([old, young, said], NOW, timedelta(seconds=60)) == [old]


def test_two_events_of_one_number_are_loud_whichever_comes_first() -> None:
    rival = _rival(3)
    waits = taken(Chains(), [at(0, SAID[2]), at(1, rival)])
    assert [item.reason for item in waits.parked] == [ParkReason.EQUIVOCATION]
    overtaken = taken(waits.chains, [at(2, SAID[0]), at(3, SAID[1])])
    assert numbers(overtaken.leaves) == [1, 2, 3]
    again = taken(overtaken.chains, [at(4, rival)], overtaken.leaves)
    assert [item.reason for item in again.parked] == [ParkReason.EQUIVOCATION]


def _rival(number: int) -> Record:
    """Another event at this number, rightly signed."""
    return chain(INTAKE, number, data=Reported(opens=False, channel=ReportChannel.API))[number - 1]


def test_what_cannot_be_a_leaf_is_parked_and_holds_up_nobody() -> None:
    nonsense = replace(SAID[0], value=b"nonsense")
    step = taken(Chains(), [at(0, nonsense), at(1, SAID[0])])
    assert numbers(step.leaves) == [1]
    assert [(item.record.offset, item.reason) for item in step.parked] == [
        (0, ParkReason.MALFORMED)
    ]
