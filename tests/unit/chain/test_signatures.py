"""The signature beside an event: of a turn or by itself, it counts for this event, at its own
place, under the key in force there, and for nothing else."""

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.chain import signatures
from shared.chain.link import EMPTY, Head, Link, next_link
from shared.chain.trust import Trust, TrustedKey
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event, Said, read, write
from shared.contract.hashing import ZERO_HASH, signed_bytes
from shared.contract.topics import partition_of, system_subject
from shared.contract.vocabulary import ServiceName
from shared.tlog import turns
from shared.tlog.bundles import encode_bundle
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer
from tests.examples import examples
from tests.unit.audit.world import INTAKE, KEYS, TRIAGE, TRUST, incident_number
from tests.unit.concealing import bare
from tests.unit.given import START
from tests.unit.tlog.given import flipped

INTAKES, TRIAGES = KEYS[INTAKE], KEYS[TRIAGE]
THIEF = Signer(INTAKES.name, b"t" * 32)
REPORTED = Reported(opens=True, channel=ReportChannel.API)
REFUSED = "the signature does not verify"


def said(
    count: int,
    service: ServiceName = INTAKE,
    partition: int = 3,
    *,
    key: Signer | None = None,
    head: Head = EMPTY,
    datas: Sequence[EventData] = (),
) -> list[Event]:
    """Events that follow one another on a chain."""
    subject = next(
        one for number in range(999) if partition_of(one := incident_number(number)) == partition
    )
    events: list[Event] = []
    keyid = (key or KEYS[service]).key_id.hex()
    for number in range(count):
        data = datas[number] if datas else REPORTED
        about = system_subject(partition) if isinstance(data, KeyRotated) else subject
        link = next_link(service, partition, head, ZERO_HASH)
        event = read(
            write(
                Said(incident_number(5000 + number), about, START, "m", bare(data), "c"),
                link,
                keyid,
            )
        )
        events.append(event)
        head = Head(link.sequence, event.hash)
    return events


def refusals(events: Sequence[Event], beside: Sequence[bytes], trust: Trust = TRUST) -> list[str]:
    return [
        why
        for event, signature in zip(events, beside, strict=True)
        if (why := trust.refusal(event, signature)) is not None
    ]


@settings(deadline=None, max_examples=examples(20))
@given(st.lists(st.integers(1, 70), min_size=1, max_size=4))
def test_what_a_commit_says_on_its_chains_verifies_event_by_event(counts: list[int]) -> None:
    events = [event for at, count in enumerate(counts) for event in said(count, partition=at)]
    made: list[bytes] = []

    def sign(message: bytes) -> bytes:
        made.append(message)
        return INTAKES.sign(message)

    beside = signatures.sign(events, sign)
    assert len(made) == -(-len(events) // turns.MOST)
    assert refusals(events, beside) == []
    assert all(
        Trust.refusal(TRUST.copy(), *one) is None for one in zip(events, beside, strict=True)
    )


def test_nothing_said_is_nothing_signed() -> None:
    assert signatures.sign([], INTAKES.sign) == []


def test_an_event_alone_is_signed_as_the_dsse_encoding_of_its_envelope() -> None:
    (event,) = said(1)
    assert signatures.sign([event], INTAKES.sign) == [INTAKES.sign(signed_bytes(event.envelope))]


def test_neighbours_on_a_chain_share_a_turn_though_they_were_said_in_between_others() -> None:
    one, other = said(40, partition=1), said(40, partition=2)
    mixed = [event for pair in zip(one, other, strict=True) for event in pair]
    beside = dict(zip(mixed, signatures.sign(mixed, INTAKES.sign), strict=True))
    assert len({beside[event][:64] for event in one}) == 1
    assert len({beside[event][:64] for event in other}) == 2
    turn = turns.TurnSignature.parse(beside[one[7]])
    assert (turn.index, turn.size) == (7, 64)


@pytest.mark.parametrize("half", [slice(0, 3), slice(3, 6), slice(2, 5), slice(0, 6, 2)])
def test_a_turn_cut_in_half_verifies_by_what_is_left(half: slice) -> None:
    events = said(6)
    beside = signatures.sign(events, INTAKES.sign)
    assert refusals(events[half], beside[half], TRUST.copy()) == []


def test_a_path_that_proves_another_index_is_refused() -> None:
    events = said(6)
    beside = signatures.sign(events, INTAKES.sign)
    for at, event in enumerate(events):
        for other in range(6):
            moved = beside[at][:64] + struct.pack(">HH", other, 6) + beside[at][68:]
            assert TRUST.refusal(event, moved) == (None if other == at else REFUSED)
            assert TRUST.refusal(event, beside[other]) == (None if other == at else REFUSED)


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param(lambda link: link._replace(service=TRIAGE), id="another service"),
        pytest.param(lambda link: link._replace(partition=4), id="another partition"),
        pytest.param(lambda link: link._replace(sequence=9), id="another number"),
        pytest.param(lambda link: link._replace(prevhash=b"p" * 32), id="another link"),
    ],
)
def test_a_root_signed_for_one_place_vouches_for_no_other(elsewhere: object) -> None:
    """The same words at another place are other bytes, hence another leaf."""
    events = said(3)
    beside = signatures.sign(events, INTAKES.sign)
    event, there = events[1], elsewhere(events[1].link)  # type: ignore[operator]
    assert isinstance(there, Link)
    moved = read(
        write(
            Said(event.id, event.subject_id, event.time, event.actor, event.data, "c"),
            there,
            KEYS[there.service].key_id.hex(),
        )
    )
    for signature in beside:
        assert TRUST.refusal(moved, signature) == REFUSED


def test_another_services_key_signs_no_turn_of_a_chain_that_is_not_its_own() -> None:
    """Intake makes one turn of its own events and one that it would have triage say."""
    own, foreign = said(1), said(1, TRIAGE)
    beside = signatures.sign([*own, *foreign], INTAKES.sign)
    assert TRUST.refusal(own[0], beside[0]) is None
    assert TRUST.refusal(foreign[0], beside[1]) == REFUSED
    renamed = said(1, TRIAGE, key=INTAKES)
    beside = signatures.sign([*own, *renamed], INTAKES.sign)
    assert str(TRUST.refusal(renamed[0], beside[1])).startswith("signed with key")


def test_a_turn_of_two_partitions_counts_where_each_has_the_key_in_force() -> None:
    """After a change of key on one chain only, the old key signs for the other alone."""
    trust = Trust(
        [TrustedKey(INTAKE, 3, 1, INTAKES.verifier), TrustedKey(INTAKE, 4, 1, THIEF.verifier)]
    )
    both = [*said(1, partition=3), *said(1, partition=4, key=INTAKES)]
    beside = signatures.sign(both, INTAKES.sign)
    assert [trust.refusal(*one) for one in zip(both, beside, strict=True)] == [
        None,
        f"signed with key {INTAKES.key_id.hex()}, in force is {THIEF.key_id.hex()}",
    ]


def test_a_change_of_key_inside_a_turn_ends_what_its_key_signs_on_that_chain() -> None:
    rotated = KeyRotated(vkey=THIEF.vkey)
    events = said(4, datas=[REPORTED, rotated, REPORTED, REPORTED])
    elsewhere = said(2, partition=4)
    beside = signatures.sign([*events, *elsewhere], INTAKES.sign)
    trust = TRUST.copy()
    assert refusals([*events, *elsewhere], beside, trust) == []
    after = trust.after(events[1])
    old, new = INTAKES.key_id.hex(), THIEF.key_id.hex()
    late = f"signed with key {old}, in force is {new}"
    assert [after.refusal(*one) for one in zip(events, beside, strict=False)] == [
        None,
        None,
        late,
        late,
    ]
    assert refusals(elsewhere, beside[4:], after) == []
    # The old key's turn of events that name the new key is remembered as the old key's only.
    head = Head(2, events[1].hash)
    renamed = said(2, key=THIEF, head=head)
    forged = signatures.sign(renamed, INTAKES.sign)
    roots = turns.Roots()
    assert signatures.verify(renamed[0], forged[0], INTAKES.verifier, roots)
    assert not signatures.verify(renamed[0], forged[0], THIEF.verifier, roots)
    assert refusals(renamed, forged, after) == [REFUSED, REFUSED]
    assert refusals(renamed, signatures.sign(renamed, THIEF.sign), after) == []


def test_two_events_of_one_number_in_one_turn_are_both_signed() -> None:
    """Equivocation is no fault of the signature: the receiver's chain tells."""
    one = said(2)
    other = read(one[1].envelope.replace(b'"actor":"m"', b'"actor":"n"'))
    assert other.link == one[1].link
    assert refusals([*one, other], signatures.sign([*one, other], INTAKES.sign)) == []


@pytest.mark.parametrize("first", ["true", "false"])
def test_a_spoilt_copy_before_or_after_the_good_one_changes_nothing(first: str) -> None:
    events, trust = said(5), TRUST.copy()
    beside = signatures.sign(events, INTAKES.sign)
    for at, event in enumerate(events):
        spoilt = [flipped(beside[at], place) for place in (0, 63, 64, 67, 68, -1)]
        spoilt += [bytes(len(beside[at])), beside[at][:64], b""]
        for one in [beside[at], *spoilt] if first == "true" else [*spoilt, beside[at]]:
            assert trust.refusal(event, one) == (None if one == beside[at] else REFUSED)


@settings(deadline=None, max_examples=examples(25))
@given(st.integers(2, 64), st.data())
def test_any_byte_changed_in_signature_or_envelope_is_refused(
    count: int, data: st.DataObject
) -> None:
    events = said(count)
    at = data.draw(st.integers(0, count - 1))
    event, whole = events[at], signatures.sign(events, INTAKES.sign)[at]
    roots = turns.Roots()
    place, mask = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(1, 255))
    assert not signatures.verify(event, flipped(whole, place, mask), INTAKES.verifier, roots)
    place = data.draw(st.integers(0, len(event.envelope) - 1))
    try:
        other = read(flipped(event.envelope, place, mask))
    except ValueError:
        return
    assert not signatures.verify(other, whole, INTAKES.verifier, roots)


def test_a_trust_that_learns_shares_what_it_knows_of_roots() -> None:
    events = said(3)
    beside = signatures.sign(events, INTAKES.sign)
    trust = Trust([TrustedKey(INTAKE, 3, 1, INTAKES.verifier)])
    copies = [trust.copy(), trust.after(*said(1, datas=[KeyRotated(vkey=THIEF.vkey)]))]
    assert refusals(events, beside, trust) == []
    assert [len(one._roots) for one in (trust, *copies)] == [1, 1, 1]


def test_a_file_of_signatures_is_read_as_it_was_written() -> None:
    beside = [bytes([at]) * length for at, length in enumerate(turns.LENGTHS)]
    data = signatures.to_file(beside)
    assert data == encode_bundle(beside)
    assert signatures.from_file(data, len(beside)) == beside


@pytest.mark.parametrize(
    ("data", "width"),
    [
        (encode_bundle([bytes(64)]), 2),
        (encode_bundle([bytes(64)] * 2), 1),
        (encode_bundle([bytes(63)]), 1),
        (encode_bundle([bytes(96)]), 1),
        (bytes(64), 1),
        (b"", 1),
    ],
)
def test_a_file_that_holds_anything_else_is_refused(data: bytes, width: int) -> None:
    with pytest.raises(TlogError):
        signatures.from_file(data, width)


def test_a_signature_of_no_length_is_not_written() -> None:
    with pytest.raises(TlogError, match="at 1 has 65 bytes"):
        signatures.to_file([bytes(64), bytes(65)])
