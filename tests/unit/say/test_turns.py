"""A turn against a slow and plain account of it: what each proposal gets, and what is written."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain.link import EMPTY, Head
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.disclosure import conceal
from shared.contract.envelope import MalformedEnvelope, Said
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS, partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.conflicts import Conflict, IdempotencyMismatch
from shared.runtime.say.plan import (
    Again,
    Idempotency,
    Proposal,
    Speaker,
    SubjectHead,
    Turn,
    plan,
)
from tests.unit.concealing import salts

HEADS = {number: Head(10 * number, bytes([number]) * 32) for number in range(PARTITIONS)}
SPEAKER = Speaker(ServiceName.INTAKE, "530d903a", lambda message: message[-64:].rjust(64, b"-"))
DATA, TEXTS = conceal(
    Reported(opens=True, channel=ReportChannel.API, description="A slide."), salts()
)
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def incident(number: int) -> UUID:
    return UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000 + number)


def proposal(
    number: int, version: int = 0, events: int = 1, key: Idempotency | None = None, by: str = "m"
) -> Proposal:
    said = [
        Said(UUID(int=n), incident(number), NOW, by, DATA, "c", disclosures=TEXTS)
        for n in range(events)
    ]
    return Proposal(incident(number), version, said, key)


def huge(number: int, key: Idempotency | None = None) -> Proposal:
    return proposal(number, events=2, key=key, by="a" * 70_000)


def turn(*proposals: Proposal, taken: dict[str, bytes] | None = None) -> Turn:
    return plan(proposals, HEADS, {}, taken or {}, SPEAKER)


WANTED = st.lists(
    st.builds(
        proposal,
        number=st.integers(1, 5),
        version=st.integers(0, 3),
        events=st.integers(0, 3),
        key=st.none()
        | st.builds(Idempotency, st.sampled_from("abc"), st.sampled_from([b"x", b"y"])),
    ),
    max_size=25,
)


@given(WANTED, st.dictionaries(st.sampled_from("ab"), st.sampled_from([b"x", b"y"])))
def test_each_proposal_gets_what_a_plain_account_gives_it(
    wanted: list[Proposal], taken: dict[str, bytes]
) -> None:
    result = turn(*wanted, taken=taken)
    keys, versions, kinds = dict(taken), dict[UUID, int](), list[type]()
    for one in wanted:
        if one.idempotency is not None and one.idempotency.key in keys:
            same = keys[one.idempotency.key] == one.idempotency.digest
            kinds.append(Again if same else IdempotencyMismatch)
        elif versions.get(one.subject_id, 0) != one.expected_version:
            kinds.append(Conflict)
        else:
            kinds.append(tuple)
            versions[one.subject_id] = one.expected_version + len(one.said)
            if one.idempotency is not None:
                keys[one.idempotency.key] = one.idempotency.digest
    assert [type(verdict) for verdict in result.verdicts] == kinds


@given(WANTED)
def test_what_is_written_is_what_was_accepted_in_its_order(wanted: list[Proposal]) -> None:
    result = turn(*wanted)
    accepted = [verdict for verdict in result.verdicts if isinstance(verdict, tuple)]
    assert [row for verdict in accepted for row in verdict] == list(result.rows)


@given(WANTED)
def test_only_chains_and_incidents_that_were_spoken_of_move(wanted: list[Proposal]) -> None:
    result = turn(*wanted)
    events = [row.recorded.event for row in result.rows]
    assert set(result.subjects) == {event.subject_id for event in events}
    assert set(result.heads) == {event.link.partition for event in events}
    for partition, head in result.heads.items():
        written = [event for event in events if event.link.partition == partition]
        assert head == Head(HEADS[partition].sequence + len(written), written[-1].hash)
    for subject, known in result.subjects.items():
        last = [row.recorded for row in result.rows if row.recorded.event.subject_id == subject][-1]
        assert known == SubjectHead(last.version, last.event.hash)


@given(WANTED)
def test_a_turn_leaves_what_it_was_given_alone(wanted: list[Proposal]) -> None:
    heads, incidents, taken = dict(HEADS), dict[UUID, SubjectHead](), {"a": b"x"}
    plan(wanted, heads, incidents, taken, SPEAKER)
    assert (heads, incidents, taken) == (HEADS, {}, {"a": b"x"})


@given(WANTED)
def test_a_turn_in_two_says_what_the_turn_in_one_says(wanted: list[Proposal]) -> None:
    """What one turn leaves is what the next one is planned on; only the signatures are of each."""
    for cut in (0, len(wanted) // 2, len(wanted)):
        first = turn(*wanted[:cut])
        keys = {
            one.idempotency.key: one.idempotency.digest
            for one, verdict in zip(wanted[:cut], first.verdicts, strict=True)
            if one.idempotency is not None and isinstance(verdict, tuple)
        }
        second = plan(wanted[cut:], {**HEADS, **first.heads}, first.subjects, keys, SPEAKER)
        said = [row.recorded for row in first.rows + second.rows]
        assert said == [row.recorded for row in turn(*wanted).rows]


@pytest.mark.parametrize(("known", "expected"), [(0, 1), (1, 0), (4, 3), (4, 5)])
def test_a_conflict_names_both_versions(known: int, expected: int) -> None:
    incidents = {incident(1): SubjectHead(known, ZERO_HASH)} if known else {}
    (refused,) = plan([proposal(1, expected)], HEADS, incidents, {}, SPEAKER).verdicts
    assert isinstance(refused, Conflict)
    assert (refused.subject_id, refused.expected, refused.actual) == (incident(1), expected, known)
    assert str(refused) == f"incident {incident(1)} is at version {known}, not at {expected}"


def test_a_key_counts_more_than_a_version() -> None:
    """A retry comes with the version of its first try, which is gone since."""
    key = Idempotency("k", b"x")
    again, mismatch = turn(
        proposal(1, 9, key=key), proposal(2, 9, key=Idempotency("k", b"y")), taken={"k": b"x"}
    ).verdicts
    assert again == Again()
    assert isinstance(mismatch, IdempotencyMismatch)
    assert str(mismatch) == "the idempotency key 'k' was used for another request"


def test_a_refused_proposal_takes_no_key() -> None:
    conflict, accepted = turn(
        proposal(1, 3, key=Idempotency("k", b"x")), proposal(1, 0, key=Idempotency("k", b"y"))
    ).verdicts
    assert isinstance(conflict, Conflict)
    assert isinstance(accepted, tuple)


def test_an_event_that_is_too_large_takes_no_key_no_number_and_no_version() -> None:
    refused, accepted = turn(
        huge(1, Idempotency("k", b"x")), proposal(1, 0, key=Idempotency("k", b"y"))
    ).verdicts
    assert isinstance(refused, MalformedEnvelope)
    assert "at most 65535 fit" in str(refused)
    assert isinstance(accepted, tuple)
    (signed,) = accepted
    link = signed.recorded.event.link
    assert link.sequence == HEADS[link.partition].sequence + 1
    assert (signed.recorded.version, link.subjectprev) == (1, ZERO_HASH)


def test_the_first_refusal_of_several_is_raised() -> None:
    with pytest.raises(Conflict) as raised:
        turn(proposal(1), proposal(2, 7), huge(3)).require_accepted()
    assert raised.value.subject_id == incident(2)
    with pytest.raises(MalformedEnvelope):
        turn(huge(3), proposal(2, 7)).require_accepted()


def test_a_proposal_of_nothing_is_accepted_and_writes_nothing() -> None:
    result = turn(proposal(1, events=0))
    assert result == Turn(((),), (), {}, {})


@pytest.mark.parametrize("partition", range(PARTITIONS))
def test_each_incident_is_told_on_its_own_chain(partition: int) -> None:
    number = next(n for n in range(1, 999) if partition_of(incident(n)) == partition)
    (row,) = turn(proposal(number)).rows
    link = row.recorded.event.link
    assert (link.service, link.partition) == (ServiceName.INTAKE, partition)
    assert (link.sequence, link.prevhash) == (10 * partition + 1, bytes([partition]) * 32)


def test_a_chain_begins_with_one_after_nothing() -> None:
    (row,) = plan([proposal(1)], dict.fromkeys(HEADS, EMPTY), {}, {}, SPEAKER).rows
    assert (row.recorded.event.link.sequence, row.recorded.event.link.prevhash) == (1, ZERO_HASH)
