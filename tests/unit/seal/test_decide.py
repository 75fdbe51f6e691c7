"""Which messages become leaves, in whatever order they arrive."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain.link import Head
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.system import KeyRotated
from shared.contract.catalogue.triage import InactionDecided
from shared.contract.envelope import Link, Said, read, write
from shared.contract.hashing import ZERO_HASH, event_hash, signed_bytes
from shared.contract.topics import partition_of, system_subject
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Record, examine, receive
from shared.seal import decide
from shared.seal.decide import Chains, Hole, Taken, overdue, recorded, take, take_again
from shared.seal.growth import LogRefused
from shared.tlog.keys import Signer, generate_key
from tests.unit.runtime.test_receiving import chain, signer, trust

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


def test_holes_that_were_said_are_not_due_again() -> None:
    first = taken(Chains(), [at(0, SAID[2])])
    (hole,) = overdue(first.chains.holes.values(), NOW, timedelta(0))
    said = recorded(first.chains, [hole])
    assert overdue(said.holes.values(), NOW + timedelta(days=1), timedelta(0)) == []
    assert said.waiting == first.chains.waiting
    # The same hole stays said while more arrives behind it; a new one is a new matter.
    more = taken(said, [at(1, SAID[3])])
    assert more.opened == ()
    assert [one.recorded for one in more.chains.holes.values()] == [True]
    filled = taken(more.chains, [at(2, SAID[0]), at(3, SAID[1]), at(4, SAID[5])])
    assert [(one.sequence, one.recorded) for one in filled.chains.holes.values()] == [(5, False)]


def test_what_waits_is_held_once_and_released_when_it_becomes_a_leaf() -> None:
    first = taken(Chains(), [at(0, SAID[1]), at(1, SAID[1])])
    assert [item.record.offset for item in first.held] == [0]
    second = taken(first.chains, [at(2, SAID[1])])
    assert (second.held, second.released) == ((), ())
    third = taken(second.chains, [at(3, SAID[0])])
    assert numbers(third.leaves) == [1, 2]
    assert [item.record.offset for item in third.released] == [0]
    assert third.chains.waiting == {PARTITION: ()}
    assert third.chains.holes == {}


def test_partitions_and_chains_do_not_wait_for_each_other() -> None:
    triage = chain(ServiceName.TRIAGE, 3, data=InactionDecided(reason="a drill"))
    step = taken(Chains(), [at(0, SAID[1]), at(1, triage[0]), at(2, triage[1])])
    assert [(one.event.service, one.event.link.sequence) for one in step.leaves] == [
        (ServiceName.TRIAGE, 1),
        (ServiceName.TRIAGE, 2),
    ]
    assert set(step.chains.holes) == {(INTAKE, PARTITION)}
    elsewhere = {chain: head for chain, head in step.chains.heads.items() if chain[1] != PARTITION}
    assert elsewhere == {
        chain: head for chain, head in Chains().heads.items() if chain[1] != PARTITION
    }


def test_more_than_memory_should_hold_is_refused_and_names_the_missing_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decide, "MOST_WAITING", 3)
    behind = [at(offset, record) for offset, record in enumerate(SAID[1:])]
    assert len(taken(Chains(), behind[:3]).held) == 3
    with pytest.raises(LogRefused, match=r"intake/3 number 1\b"):
        taken(Chains(), behind[:4])


NEW = Signer.parse(generate_key(f"incident-ledger/{INTAKE}")[0])


def rotating(length: int, *, rotates_at: int = 0, partition: int = PARTITION) -> list[Record]:
    """A chain that changes to the key NEW at this number."""
    records, before, key = list[Record](), ZERO_HASH, signer(INTAKE)
    subject = next(
        one
        for one in (UUID(int=number) for number in range(1000))
        if partition_of(one) == partition
    )
    for number in range(1, length + 1):
        data: EventData = Reported(opens=True, channel=ReportChannel.API)
        incident = subject
        if number == rotates_at:
            data, incident = KeyRotated(vkey=NEW.vkey), system_subject(partition)
        said = Said(UUID(int=number), incident, NOW, "maria", data, "c")
        link = Link(INTAKE, partition, number, before, ZERO_HASH)
        envelope = write(said, link, key.key_id.hex())
        before = event_hash(envelope)
        signature = key.sign(signed_bytes(envelope))
        records.append(Record(partition, number, None, envelope, (), signature))
        if number == rotates_at:
            key = NEW
    return records


@given(st.permutations(range(5)), st.integers(1, 5))
def test_a_change_of_key_counts_from_its_own_number_on_in_whatever_order_it_arrives(
    order: list[int], batch: int
) -> None:
    said, chains, trusted = rotating(5, rotates_at=3), Chains(), trust()
    leaves, parked = list[Heard](), list[Record]()
    arriving = [said[number] for number in order]
    for start in range(0, 5, batch):
        examined = [examine(record, trusted) for record in arriving[start : start + batch]]
        step = take(chains, PARTITION, {}, examined, trusted, NOW)
        chains, trusted = step.chains, step.trust
        leaves += step.leaves
        parked += [item.record for item in step.parked]
    # What came before its key was known is parked; given again, all of it becomes leaves.
    again = take(
        chains, PARTITION, {}, [examine(record, trusted) for record in parked], trusted, NOW
    )
    assert numbers([*leaves, *again.leaves]) == [1, 2, 3, 4, 5]
    assert not again.parked
    assert {record.offset for record in parked} <= {4, 5}


def again(records: Sequence[Record]) -> list[Taken]:
    return take_again(
        [record.value for record in records],
        [record.signature or b"" for record in records],
        Chains(),
        trust(),
        NOW,
    )


def test_the_leaves_of_a_log_are_taken_up_in_their_order_whatever_the_partition() -> None:
    other = rotating(2, partition=5)
    leaves = [SAID[0], other[0], SAID[1], SAID[2], other[1]]
    steps = again(leaves)
    assert [heard.event.envelope for step in steps for heard in step.leaves] == [
        record.value for record in leaves
    ]
    heads = steps[-1].chains.heads
    assert heads[INTAKE, PARTITION].hash == event_hash(SAID[2].value)
    assert heads[INTAKE, 5].sequence == 2


def test_a_log_whose_keys_change_is_taken_up_with_them() -> None:
    steps = again(rotating(5, rotates_at=2))
    assert sum(len(step.leaves) for step in steps) == 5


NOT_A_LOG = {
    "a number left out": [SAID[0], SAID[2]],
    "a leaf twice": [SAID[0], SAID[0]],
    "exchanged, and one left out": [SAID[1], SAID[0], SAID[3], SAID[2], SAID[5]],
    "exchanged": [SAID[1], SAID[0]],
    "exchanged around another partition's": [SAID[1], rotating(1, partition=5)[0], SAID[0]],
    "a false signature": [SAID[0], replace(SAID[1], signature=bytes(64))],
    "another's signature": [SAID[0], replace(SAID[1], signature=SAID[0].signature)],
    "said by a service that may not": chain(
        INTAKE, 1, data=InactionDecided(reason="none"), by=INTAKE
    ),
}


@pytest.mark.parametrize("records", NOT_A_LOG.values(), ids=NOT_A_LOG.keys())
def test_a_store_whose_leaves_no_service_can_have_said_is_refused(records: list[Record]) -> None:
    with pytest.raises(LogRefused, match="no service can have said there"):
        again(records)


@pytest.mark.parametrize(
    ("entries", "signatures"),
    [([b"nonsense"], [bytes(64)]), ([SAID[0].value], []), ([], [bytes(64)])],
    ids=["no event", "signature missing", "signature of nothing"],
)
def test_a_store_whose_leaves_are_no_events_is_refused(
    entries: list[bytes], signatures: list[bytes]
) -> None:
    with pytest.raises(LogRefused, match="no event, or has no signature"):
        take_again(entries, signatures, Chains(), trust(), NOW)


def test_each_refusal_says_what_the_store_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        LogRefused,
        match=r"^the log store holds a leaf that no service can have said there: it was changed$",
    ):
        again([SAID[0], SAID[0]])
    with pytest.raises(
        LogRefused,
        match=r"^the log store holds a leaf that is no event, or has no signature: .+",
    ):
        take_again([b"nonsense"], [bytes(64)], Chains(), trust(), NOW)
    monkeypatch.setattr(decide, "MOST_WAITING", 2)
    triage = chain(ServiceName.TRIAGE, 3, data=InactionDecided(reason="a drill"))
    with pytest.raises(LogRefused) as refused:
        taken(Chains(), [SAID[1], triage[1], triage[2]])
    words, _, holes = str(refused.value).partition(": ")
    assert words == "more than 2 events wait for numbers that are missing in their chains"
    assert sorted(holes.split(", ")) == ["intake/3 number 1", "triage/3 number 1"]


def test_a_rival_of_what_waits_is_parked_with_its_event_and_says_why() -> None:
    rival = at(1, _rival(3))
    (parked,) = taken(Chains(), [at(0, SAID[2]), rival]).parked
    assert parked == Parked(
        rival,
        ParkReason.EQUIVOCATION,
        "another event with this number waits for those before it",
        read(rival.value),
    )


def test_a_leaf_taken_up_again_is_the_record_of_its_number_in_the_log() -> None:
    steps = again(SAID[:2])
    assert [heard.record for step in steps for heard in step.leaves] == [
        Record(PARTITION, leaf, None, record.value, (), record.signature)
        for leaf, record in enumerate(SAID[:2])
    ]


def test_a_step_leaves_other_partitions_as_they_were() -> None:
    elsewhere = Chains(
        heads={**Chains().heads, (INTAKE, 5): Head(7, b"h" * 32)},
        waiting={5: taken(Chains(), [at(0, SAID[2])]).held},
        holes={(INTAKE, 5): Hole(INTAKE, 5, 8, NOW)},
    )
    step = taken(elsewhere, [at(0, SAID[0]), at(1, SAID[3])])
    assert step.chains.heads[INTAKE, 5] == Head(7, b"h" * 32)
    assert step.chains.waiting[5] == elsewhere.waiting[5]
    assert step.chains.holes == {
        (INTAKE, 5): Hole(INTAKE, 5, 8, NOW),
        (INTAKE, PARTITION): Hole(INTAKE, PARTITION, 2, NOW),
    }
    assert step.filled == ()


def test_what_waits_for_a_key_that_refuses_it_is_parked_and_no_longer_waits() -> None:
    said = rotating(4, rotates_at=2)
    forged = replace(said[3], signature=signer(INTAKE).sign(signed_bytes(said[3].value)))
    held = take(Chains(), PARTITION, {}, [heard_as(forged)], trust(), NOW)
    assert numbers(held.held) == [4]
    step = take(
        held.chains,
        PARTITION,
        {},
        [examine(record, trust()) for record in said[:2]],
        trust(),
        NOW,
    )
    assert numbers(step.leaves) == [1, 2]
    assert [(item.record, item.reason) for item in step.parked] == [(forged, ParkReason.UNTRUSTED)]
    assert numbers(step.released) == [4]
    assert step.chains.holes == {}


def heard_as(record: Record) -> Heard:
    """As a message of a key that was in force when it came."""
    return Heard(read(record.value), record)


def test_what_waited_on_another_past_is_parked_and_leaves_no_hole() -> None:
    rival = at(0, _rival(3))
    waits = taken(Chains(), [rival])
    step = taken(waits.chains, [at(1, SAID[0]), at(2, SAID[1])])
    assert [(item.record, item.reason) for item in step.parked] == [(rival, ParkReason.BROKEN_LINK)]
    assert [item.record for item in step.released] == [rival]
    assert (step.chains.waiting[PARTITION], step.chains.holes) == ((), {})


def test_what_waits_on_a_key_that_did_not_change_goes_on_waiting() -> None:
    triage = chain(ServiceName.TRIAGE, 2, data=InactionDecided(reason="a drill"))
    waits = taken(Chains(), [at(0, triage[1])])
    rotated = taken(waits.chains, rotating(2, rotates_at=2))
    assert numbers(rotated.leaves) == [1, 2]
    assert (rotated.parked, rotated.released) == ((), ())
    assert [item.record for item in rotated.chains.waiting[PARTITION]] == [at(0, triage[1])]
    healed = take(rotated.chains, PARTITION, {}, [examine(triage[0], trust())], rotated.trust, NOW)
    assert [item.record for item in healed.leaves] == [triage[0], at(0, triage[1])]


def test_a_copy_behind_a_change_of_key_is_known_as_before_it() -> None:
    one, two, three = rotating(3, rotates_at=2)
    first = taken(Chains(), [one])
    step = taken(first.chains, [two, at(9, one), three], first.leaves)
    assert numbers(step.leaves) == [2, 3]
    assert step.parked == ()
