"""A receiver's five verdicts, and the numbers at which one turns into another."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.chain.link import EMPTY, Head, Verdict, judge, next_link
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.envelope import Event, Link
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from tests.examples import examples
from tests.unit.given import event

INTAKE = ServiceName.INTAKE
HEAD = Head(7, b"\x07" * 32)
OWN, OTHER = b"\x0a" * 32, b"\x0b" * 32

hashes = st.binary(min_size=32, max_size=32)
heads = st.just(EMPTY) | st.builds(Head, st.integers(1, 2**62), hashes)


def arriving(sequence: int, prevhash: bytes, hash_: bytes = OWN) -> Event:
    reported = event(Reported(opens=True, channel=ReportChannel.API, description="a whiteboard"))
    return reported._replace(link=Link(INTAKE, 3, sequence, prevhash, ZERO_HASH), hash=hash_)


@pytest.mark.parametrize(
    ("head", "sequence", "prevhash", "known", "verdict"),
    [
        (EMPTY, 1, ZERO_HASH, None, Verdict.ACCEPT),
        (EMPTY, 1, OTHER, None, Verdict.BROKEN_LINK),
        (EMPTY, 2, ZERO_HASH, None, Verdict.GAP),
        (HEAD, 8, HEAD.hash, None, Verdict.ACCEPT),
        (HEAD, 8, ZERO_HASH, None, Verdict.BROKEN_LINK),
        (HEAD, 8, OTHER, None, Verdict.BROKEN_LINK),
        (HEAD, 9, HEAD.hash, None, Verdict.GAP),
        (HEAD, 2**63 - 1, HEAD.hash, None, Verdict.GAP),
        (HEAD, 7, OTHER, OWN, Verdict.DUPLICATE),
        (HEAD, 7, OTHER, HEAD.hash, Verdict.EQUIVOCATION),
        (HEAD, 7, OTHER, None, Verdict.EQUIVOCATION),
        (HEAD, 1, ZERO_HASH, OWN, Verdict.DUPLICATE),
        (HEAD, 1, ZERO_HASH, OTHER, Verdict.EQUIVOCATION),
    ],
)
def test_the_verdict_follows_from_number_link_and_known_hash(
    head: Head, sequence: int, prevhash: bytes, known: bytes | None, verdict: Verdict
) -> None:
    assert judge(head, arriving(sequence, prevhash), known) is verdict


@given(heads, st.integers(1, 2**62 + 2), hashes, hashes, st.none() | hashes)
def test_only_the_next_number_that_names_the_head_is_accepted(
    head: Head, sequence: int, prevhash: bytes, hash_: bytes, known: bytes | None
) -> None:
    verdict = judge(head, arriving(sequence, prevhash, hash_), known)
    follows = (sequence, prevhash) == (head.sequence + 1, head.hash)
    assert (verdict is Verdict.ACCEPT) is follows
    assert (verdict is Verdict.GAP) is (sequence > head.sequence + 1)
    assert (verdict is Verdict.DUPLICATE) is (sequence <= head.sequence and known == hash_)


@given(
    heads,
    st.sampled_from(ServiceName),
    st.integers(0, PARTITIONS - 1),
    hashes,
)
def test_what_is_said_next_is_what_a_receiver_accepts(
    head: Head, service: ServiceName, partition: int, subject_head: bytes
) -> None:
    link = next_link(service, partition, head, subject_head)
    assert link == Link(service, partition, head.sequence + 1, head.hash, subject_head)
    assert judge(head, arriving(1, ZERO_HASH)._replace(link=link), None) is Verdict.ACCEPT


@settings(max_examples=examples(100))
@given(st.lists(hashes, min_size=1, max_size=6, unique=True), st.data())
def test_in_any_order_and_with_copies_a_chain_is_accepted_once_and_whole(
    said: list[bytes], data: st.DataObject
) -> None:
    """A receiver that tries again what came too early ends at the last event, each taken once."""
    before = [ZERO_HASH, *said]
    whole = [arriving(at, before[at - 1], hash_) for at, hash_ in enumerate(said, 1)]
    copies = data.draw(st.lists(st.sampled_from(whole), max_size=4))
    waiting = data.draw(st.permutations([*whole, *copies]))
    held: dict[int, bytes] = {}
    head = EMPTY
    while waiting:
        later: list[Event] = []
        for one in waiting:
            verdict = judge(head, one, held.get(one.link.sequence))
            assert verdict in {Verdict.ACCEPT, Verdict.DUPLICATE, Verdict.GAP}
            if verdict is Verdict.ACCEPT:
                head = Head(one.link.sequence, one.hash)
                held[head.sequence] = head.hash
            elif verdict is Verdict.GAP:
                later.append(one)
        assert len(later) < len(waiting)
        waiting = later
    assert head == Head(len(said), said[-1])
    assert list(held.values()) == said


def test_an_id_is_nothing_to_the_chain() -> None:
    """What counts at a number is the hash: a known id under another hash is another event."""
    copied = arriving(7, OTHER)._replace(id=UUID(int=7))
    assert judge(HEAD, copied, OWN) is Verdict.DUPLICATE
    assert judge(HEAD, copied._replace(hash=OTHER), OWN) is Verdict.EQUIVOCATION
