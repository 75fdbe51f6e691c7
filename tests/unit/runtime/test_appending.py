"""One turn of the appender: gapless numbers, linked hashes, and a conflict that fails only its own
command."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain import signatures
from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust, TrustedKey
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.system import KeyRotated
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Said, read
from shared.contract.hashing import ZERO_HASH, event_hash, signed_bytes
from shared.contract.topics import PARTITIONS, partition_of, system_subject
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.conflicts import Conflict, IdempotencyMismatch
from shared.runtime.say.plan import Again, Idempotency, Proposal, Speaker, SubjectHead, Turn, plan
from shared.tlog.keys import Signer
from shared.tlog.turns import TurnSignature
from tests.unit.concealing import bare

HEADS = dict.fromkeys(range(PARTITIONS), EMPTY)
KEY = Signer("incident-ledger/intake", b"k" * 32)
SPEAKER = Speaker(ServiceName.INTAKE, "530d903a", lambda message: message[-64:].rjust(64, b"-"))


def incident(number: int) -> UUID:
    return UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000 + number)


def proposal(
    number: int, version: int = 0, events: int = 1, key: Idempotency | None = None, text: str = "x"
) -> Proposal:
    data = bare(Reported(opens=True, channel=ReportChannel.API, description=text))
    said = [
        Said(incident(900 + n), incident(number), datetime(2026, 3, 2, tzinfo=UTC), "m", data, "c")
        for n in range(events)
    ]
    return Proposal(incident(number), version, said, key)


def turn(*proposals: Proposal, taken: dict[str, bytes] | None = None) -> Turn:
    return plan(proposals, HEADS, {}, taken or {}, SPEAKER)


def test_events_get_the_numbers_after_the_head_and_name_the_hash_before() -> None:
    partition = partition_of(incident(1))
    before = plan(
        [proposal(1, 4, 2)],
        HEADS | {partition: Head(9, b"h" * 32)},
        {incident(1): SubjectHead(4, b"i" * 32)},
        {},
        SPEAKER,
    )
    first, second = (row.recorded.event for row in before.rows)
    assert (first.link.sequence, first.link.prevhash, first.link.subjectprev) == (
        10,
        b"h" * 32,
        b"i" * 32,
    )
    assert (second.link.sequence, second.link.prevhash, second.link.subjectprev) == (
        11,
        first.hash,
        first.hash,
    )
    assert [row.recorded.version for row in before.rows] == [5, 6]
    assert before.heads == {partition: Head(11, second.hash)}
    assert before.subjects == {incident(1): SubjectHead(6, second.hash)}


def test_a_conflict_fails_only_its_own_command() -> None:
    result = turn(proposal(1), proposal(2, version=3), proposal(3))
    assert isinstance(result.verdicts[1], Conflict)
    assert [type(verdict) for verdict in (result.verdicts[0], result.verdicts[2])] == [tuple, tuple]


def test_two_commands_on_one_incident_in_one_turn_the_second_must_decide_again() -> None:
    result = turn(proposal(1), proposal(1))
    assert isinstance(result.verdicts[0], tuple)
    assert isinstance(result.verdicts[1], Conflict)


@pytest.mark.parametrize(
    "more",
    [
        {"actor": "a" * 70_000},
        {"disclosures": [Disclosure(f"digest {number}", "t" * 100_000) for number in range(3)]},
    ],
    ids=["the event", "the texts beside it"],
)
def test_an_event_that_is_too_large_fails_only_its_own_command(more: dict[str, object]) -> None:
    large = proposal(1)
    huge = Proposal(large.subject_id, 0, [Said(**{**_fields(large.said[0]), **more})])
    result = turn(huge, proposal(2))
    assert isinstance(result.verdicts[0], ValueError)
    assert isinstance(result.verdicts[1], tuple)


def _fields(said: Said) -> dict[str, object]:
    return {name: getattr(said, name) for name in said._fields}


def test_a_key_is_taken_once() -> None:
    key = Idempotency("k", b"d")
    result = turn(
        proposal(1, key=key), proposal(2, key=key), proposal(3, key=Idempotency("k", b"other"))
    )
    assert isinstance(result.verdicts[0], tuple)
    assert isinstance(result.verdicts[1], Again)
    assert isinstance(result.verdicts[2], IdempotencyMismatch)
    assert len(result.rows) == 1


def test_a_key_from_an_earlier_turn_is_looked_up_or_refused() -> None:
    result = turn(
        proposal(1, key=Idempotency("k", b"d")),
        proposal(2, key=Idempotency("l", b"d")),
        taken={"k": b"d", "l": b"e"},
    )
    assert isinstance(result.verdicts[0], Again)
    assert isinstance(result.verdicts[1], IdempotencyMismatch)
    assert result.rows == ()


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3), st.integers(1, 3)), max_size=40))
def test_whatever_is_proposed_chains_and_versions_stay_gapless_and_linked(
    wanted: list[tuple[int, int, int]],
) -> None:
    result = turn(*(proposal(number, version, events) for number, version, events in wanted))
    for partition in range(PARTITIONS):
        before, expected = ZERO_HASH, 1
        for row in result.rows:
            event = row.recorded.event
            if event.link.partition == partition:
                assert (event.link.sequence, event.link.prevhash) == (expected, before)
                before, expected = event_hash(event.envelope), expected + 1
    events = [row.recorded.event for row in result.rows]
    assert [row.signature for row in result.rows] == signatures.sign(events, SPEAKER.sign)
    for number in range(1, 13):
        versions = [
            row.recorded.version
            for row in result.rows
            if row.recorded.event.subject_id == incident(number)
        ]
        assert versions == list(range(1, len(versions) + 1))


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3), st.integers(1, 3)), max_size=10))
def test_what_was_planned_is_what_a_reader_reads(wanted: list[tuple[int, int, int]]) -> None:
    for row in turn(
        *(proposal(number, version, events) for number, version, events in wanted)
    ).rows:
        assert read(row.recorded.event.envelope) == row.recorded.event


def test_a_turn_is_signed_once_whatever_it_says_and_a_turn_of_one_as_its_envelope() -> None:
    made: list[bytes] = []
    speaker = Speaker(
        SPEAKER.service, KEY.key_id.hex(), lambda text: made.append(text) or KEY.sign(text)
    )
    trust = Trust(TrustedKey(SPEAKER.service, at, 1, KEY.verifier) for at in range(PARTITIONS))
    for count in (1, 2, 5, 64, 65, 130):
        made.clear()
        rows = plan([proposal(number) for number in range(count)], HEADS, {}, {}, speaker).rows
        assert len(made) == -(-count // 64)
        assert [trust.refusal(row.recorded.event, row.signature) for row in rows] == [None] * count
    assert made[-1].startswith(b"incident-ledger/turn/")
    (row,) = plan([proposal(1)], HEADS, {}, {}, speaker).rows
    assert row.signature == KEY.sign(signed_bytes(row.recorded.event.envelope))


def test_what_is_refused_is_in_no_turn_and_each_command_gets_its_own_events() -> None:
    """Each answer of a turn holds the events of its own command, with their signatures."""
    wanted = [proposal(1, 0, 2), proposal(2, 9), proposal(3, 0, 3), proposal(1, 0), proposal(4)]
    result = turn(*wanted)
    given = [verdict for verdict in result.verdicts if isinstance(verdict, tuple)]
    assert [len(verdict) for verdict in given] == [2, 3, 1]
    assert tuple(row for verdict in given for row in verdict) == result.rows
    for verdict, number in zip(given, (1, 3, 4), strict=True):
        assert {row.recorded.event.subject_id for row in verdict} == {incident(number)}
    assert {TurnSignature.parse(row.signature).size for row in result.rows} == {6}


def rotation(partition: int, *after: EventData) -> Proposal:
    subject = system_subject(partition)
    datas = (KeyRotated(vkey=KEY.vkey), *after)
    return Proposal(
        subject,
        0,
        [
            Said(incident(800 + n), subject, datetime(2026, 3, 2, tzinfo=UTC), "m", data, "c")
            for n, data in enumerate(datas)
        ],
    )


def test_a_change_of_key_is_the_last_that_a_turn_says_on_its_chain() -> None:
    partition = partition_of(incident(1))
    other = next(number for number in range(2, 99) if partition_of(incident(number)) != partition)
    result = turn(proposal(1), rotation(partition), proposal(1, 1), proposal(other))
    assert [type(verdict) for verdict in result.verdicts] == [tuple, tuple, ValueError, tuple]
    assert "needs a turn of its own" in str(result.verdicts[2])
    assert len(result.rows) == 3
    assert result.heads[partition].sequence == 2
    (refused,) = turn(rotation(partition, KeyRotated(vkey=KEY.vkey))).verdicts
    assert isinstance(refused, ValueError)


def test_a_change_of_key_on_every_chain_is_one_turn() -> None:
    result = turn(*(rotation(partition) for partition in range(PARTITIONS)))
    result.require_accepted()
    assert len({row.signature[:64] for row in result.rows}) == 1


def test_a_refusal_names_what_was_expected_and_what_was_found() -> None:
    key = Idempotency("k", b"other")
    conflict, mismatch = turn(proposal(1, 3), proposal(2, key=key), taken={"k": b"d"}).verdicts
    assert isinstance(conflict, Conflict)
    assert str(conflict) == str(Conflict(incident(1), 3, 0))
    assert isinstance(mismatch, IdempotencyMismatch)
    assert str(mismatch) == str(IdempotencyMismatch("k"))


def test_a_turn_is_accepted_when_no_proposal_is_refused() -> None:
    turn(proposal(1), proposal(2)).require_accepted()
    with pytest.raises(Conflict):
        turn(proposal(1), proposal(2, 5)).require_accepted()


def test_a_turn_that_writes_nothing_moves_nothing() -> None:
    refused = turn(proposal(1, 3))
    assert (refused.rows, refused.heads, refused.subjects) == ((), {}, {})


def test_an_event_carries_all_that_was_said() -> None:
    said = Said(
        incident(900),
        incident(1),
        datetime(2026, 3, 2, tzinfo=UTC),
        "maria",
        Reported(opens=True, channel=ReportChannel.API),
        "correlation",
        causation_id=incident(901),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    (row,) = turn(Proposal(incident(1), 0, [said])).rows
    event = row.recorded.event
    assert event == read(event.envelope)
    assert (event.id, event.actor, event.keyid) == (said.id, "maria", SPEAKER.keyid)
    assert (event.correlation_id, event.causation_id, event.traceparent) == (
        "correlation",
        said.causation_id,
        said.traceparent,
    )
