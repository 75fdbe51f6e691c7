"""Events that were signed together, as a receiver and the sealer meet them: in halves, in other
batches, one by one from among the parked, beside a rival, after a spoilt copy. What each hears is
what it would hear of events that were signed one by one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain import signatures
from shared.chain.link import EMPTY
from shared.chain.trust import Trust
from shared.contract.envelope import read
from shared.contract.hashing import signed_bytes
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import (
    Heard,
    Parked,
    ParkReason,
    Record,
    examine,
    examine_together,
    receive,
)
from shared.seal.decide import Chains, take
from shared.tlog.keys import Verifier
from shared.tlog.turns import LONGEST
from tests.unit.runtime.test_receiving import chain, hear, reasons, signer, trust
from tests.unit.seal.test_decide import NOW
from tests.unit.tlog.given import flipped

INTAKE, TRIAGE = ServiceName.INTAKE, ServiceName.TRIAGE
SAID = chain(INTAKE, 12)


def numbers(items: Sequence[Heard]) -> list[int]:
    return [item.event.link.sequence for item in items]


def alone(record: Record) -> Record:
    return replace(record, signature=signer(INTAKE).sign(signed_bytes(record.value)))


@contextmanager
def checks() -> Iterator[list[bytes]]:
    """The signatures that are checked meanwhile."""
    checked: list[bytes] = []
    verify = Verifier.verify

    def counted(self: Verifier, message: bytes, signature: bytes) -> bool:
        checked.append(signature)
        return verify(self, message, signature)

    with patch.object(Verifier, "verify", counted):
        yield checked


def known() -> Trust:
    """A receiver that has heard nothing yet."""
    return Trust(trust().keys)


@given(st.lists(st.integers(0, len(SAID) - 1), max_size=30))
def test_a_receiver_hears_of_turns_what_it_hears_of_events_signed_one_by_one(
    order: list[int],
) -> None:
    together = [replace(SAID[at], offset=offset) for offset, at in enumerate(order)]
    one, other = hear(together), hear([alone(record) for record in together])
    assert numbers(one.accepted) == numbers(other.accepted)
    assert reasons(one) == reasons(other)
    assert one.heads == other.heads


def test_a_turn_costs_a_receiver_one_check_in_however_many_batches_it_comes() -> None:
    trusted = known()
    with checks() as checked:
        for batch in (SAID[:1], SAID[1:7], SAID[7:], SAID):
            assert all(isinstance(item, Heard) for item in examine_together(batch, trusted))
    assert checked == [SAID[0].signature[:64]]


def test_a_trust_that_has_learned_a_key_does_not_check_again() -> None:
    trusted = known()
    examine_together(SAID[:2], trusted)
    with checks() as checked:
        assert all(isinstance(item, Heard) for item in examine_together(SAID, trusted.copy()))
    assert checked == []


def test_a_thousand_spoilt_copies_cost_one_check_each_at_most() -> None:
    spoilt = [
        replace(record, signature=flipped(record.signature, place))
        for record in SAID
        for place in range(len(record.signature))
    ]
    with checks() as checked:
        assert all(isinstance(item, Parked) for item in examine_together(spoilt, known()))
    assert 0 < len(checked) <= len(spoilt)


def test_of_a_turn_cut_in_half_the_first_half_is_heard_and_the_second_waits() -> None:
    first, second = hear(SAID[:6]), hear(SAID[6:])
    assert numbers(first.accepted) == [1, 2, 3, 4, 5, 6]
    assert reasons(first) == []
    assert reasons(second) == [ParkReason.GAP] * 6


def test_a_message_parked_by_itself_is_heard_by_itself_when_its_turn_comes() -> None:
    """With a fresh process: nothing of the rest of its turn is known."""
    *passed, late = SAID
    heads = hear(passed).heads
    item = examine(late, known())
    assert isinstance(item, Heard)
    taken_up = receive(ServiceName.NOTIFY, dict(heads), {}, [item], [])
    assert numbers(taken_up.accepted) == [12]


@pytest.mark.parametrize("place", [0, 63, 64, 65, 66, 67, 68, -1])
def test_a_copy_with_a_spoilt_turn_is_parked_and_the_good_one_heals(place: int) -> None:
    spoilt = replace(SAID[1], signature=flipped(SAID[1].signature, place))
    received = hear([SAID[0], spoilt, SAID[2]])
    assert numbers(received.accepted) == [1]
    assert reasons(received) == [ParkReason.UNTRUSTED, ParkReason.GAP]
    again = hear([SAID[0], spoilt, *SAID])
    assert numbers(again.accepted) == list(range(1, 13))
    assert reasons(again) == [ParkReason.UNTRUSTED]


def test_another_event_at_a_number_of_one_turn_is_equivocation() -> None:
    """Both are signed; the second is not heard."""
    one, two = [read(record.value) for record in SAID[:2]]
    rival = read(two.envelope.replace(b'"actor":"maria"', b'"actor":"other"'))
    events = [one, two, rival]
    beside = signatures.sign(events, signer(INTAKE).sign)
    records = [
        Record(3, at, None, event.envelope, (), signature)
        for at, (event, signature) in enumerate(zip(events, beside, strict=True))
    ]
    received = hear(records)
    assert [item.event for item in received.accepted] == [one, two]
    assert reasons(received) == [ParkReason.EQUIVOCATION]
    swapped = hear([records[0], records[2], records[1]])
    assert [item.event for item in swapped.accepted] == [one, rival]
    assert reasons(swapped) == [ParkReason.EQUIVOCATION]


@pytest.mark.parametrize("claim", ["another index", "another size", "a leaf of its neighbour"])
def test_a_path_of_another_place_is_untrusted(claim: str) -> None:
    at, other = SAID[4].signature, SAID[5].signature
    signature = {
        "another index": at[:64] + other[64:66] + at[66:],
        "another size": at[:66] + b"\0\13" + at[68:],
        "a leaf of its neighbour": other,
    }[claim]
    assert reasons(hear([*SAID[:4], replace(SAID[4], signature=signature)])) == [
        ParkReason.UNTRUSTED
    ]


def test_what_intake_signs_for_triage_in_its_own_turn_is_never_heard() -> None:
    own = read(chain(INTAKE, 1)[0].value)
    foreign = read(chain(TRIAGE, 1)[0].value)
    beside = signatures.sign([own, foreign], signer(INTAKE).sign)
    trusted = known()
    records = [
        Record(3, at, None, event.envelope, (), signature)
        for at, (event, signature) in enumerate(zip([own, foreign], beside, strict=True))
    ]
    for order in (records, records[::-1], records):
        for item in examine_together(order, trusted):
            assert isinstance(item, Heard) == (item.record.value == own.envelope)


def test_a_turn_of_one_partition_is_of_no_other() -> None:
    moved = [replace(record, partition=4) for record in SAID]
    assert reasons(hear(moved)) == [ParkReason.WRONG_PARTITION] * 12


def test_a_header_longer_than_any_signature_is_refused_unread() -> None:
    with checks() as checked:
        for length in (65, 68, 99, LONGEST + 1, LONGEST + 32, 100_000):
            record = replace(SAID[0], signature=bytes(length))
            assert isinstance(examine(record, known()), Parked)
    assert checked == []


@given(st.lists(st.integers(0, len(SAID) - 1), max_size=30), st.integers(1, 12))
def test_the_sealer_seals_of_turns_what_a_receiver_hears(order: list[int], size: int) -> None:
    records = [replace(SAID[at], offset=offset) for offset, at in enumerate(order)]
    chains, leaves = Chains(), list[Heard]()
    for start in range(0, len(records), size):
        done = {(one.event.service, one.event.link.sequence): one.event.hash for one in leaves}
        examined = examine_together(records[start : start + size], trust())
        step = take(chains, 3, done, examined, trust(), NOW)
        chains, leaves = step.chains, [*leaves, *step.leaves]
    heads = dict.fromkeys(ServiceName, EMPTY)
    heard = receive(None, heads, {}, [], examine_together(records, trust()))
    assert numbers(leaves) == numbers(heard.accepted)
    assert all(
        leaf.record.signature == SAID[leaf.event.link.sequence - 1].signature for leaf in leaves
    )
