"""Leaves put together by incident on their way to the rules: none lost, none parted, in order."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit import places, spool
from shared.audit.spool import LEAVES_AT_ONCE, MAX_BUCKETS, Spool
from shared.contract.envelope import MalformedEnvelope, read
from tests.examples import examples
from tests.unit.audit.world import Ledger, incident_number, report, two_stories

STORIES: Final = two_stories()


def buckets(size: int, entries: list[bytes], first: int = 0) -> list[list[tuple[int, bytes]]]:
    with Spool(size) as kept:
        kept.take(first, entries)
        return [list(bucket) for bucket in kept.buckets()]


@pytest.mark.parametrize(
    ("size", "count"),
    [
        (0, 1),
        (LEAVES_AT_ONCE - 1, 1),
        (LEAVES_AT_ONCE, 2),
        (LEAVES_AT_ONCE * (MAX_BUCKETS - 1), MAX_BUCKETS),
        (LEAVES_AT_ONCE * MAX_BUCKETS * 10, MAX_BUCKETS),
    ],
)
def test_there_are_as_many_buckets_as_the_size_asks_for(size: int, count: int) -> None:
    assert len(buckets(size, [])) == count


@settings(max_examples=examples(30))
@given(st.lists(st.binary(max_size=400), max_size=20), st.integers(0, 2**40), st.integers(0, 40))
def test_every_leaf_comes_back_once_with_its_index(
    entries: list[bytes], first: int, share: int
) -> None:
    found = buckets(share * LEAVES_AT_ONCE, entries, first)
    assert sorted(leaf for bucket in found for leaf in bucket) == list(enumerate(entries, first))
    for bucket in found:
        assert [index for index, _ in bucket] == sorted(index for index, _ in bucket)


def test_all_of_an_incident_is_in_one_bucket_also_where_it_is_on_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", 10)
    ledger = Ledger()
    for number in range(30):
        report(ledger, incident_number(number))
    found = buckets(9 * LEAVES_AT_ONCE, ledger.entries * 2)
    incidents = [{read(entry).subject_id for _, entry in bucket} for bucket in found]
    assert sum(map(len, incidents)) == len(set().union(*incidents)) == 30
    assert sum(map(len, found)) == 60
    assert len([bucket for bucket in found if bucket]) > 1


def test_an_envelope_in_another_spelling_goes_to_the_bucket_of_its_incident() -> None:
    """Its attributes stand in another order, so only the strict reader finds the incident."""
    usual = STORIES.entries[0]
    odd = usual.replace(b'{"specversion":"1.0",', b"{", 1)[:-1] + b',"specversion":"1.0"}'
    other = b'{"x":{"a":"%b","subject":"%b"},"specversion"' % (b"." * 60, b"0" * 36)
    hidden = usual.replace(b'{"specversion"', other, 1)
    for entry in (odd, hidden):
        assert read(entry).subject_id == read(usual).subject_id
        found = buckets(40 * LEAVES_AT_ONCE, [usual, entry])
        assert [len(bucket) for bucket in found if bucket] == [2]


@pytest.mark.parametrize("entry", [b"", b"{}", b"\xff" * 300, b'{"subject":"x"}'])
def test_what_is_no_envelope_is_kept_for_the_strict_reader(entry: bytes) -> None:
    with pytest.raises(MalformedEnvelope):
        read(entry)
    assert [leaf for bucket in buckets(0, [entry, entry]) for leaf in bucket] == [
        (0, entry),
        (1, entry),
    ]


@pytest.mark.parametrize("entry", STORIES.entries, ids=range(len(STORIES.entries)))
def test_the_place_of_an_envelope_is_where_its_number_stands(entry: bytes) -> None:
    event = read(entry)
    service, partition, at = places.places()[entry[places.START : places.END]]
    assert (service, partition) == (event.service, event.link.partition)
    assert entry.startswith(places.expected(event.link.sequence, event.link.prevhash), at)
    assert not entry.startswith(places.expected(event.link.sequence + 1, event.link.prevhash), at)
    assert places.subject_of(entry) == str(event.subject_id).encode()


@given(st.binary(max_size=300))
def test_bytes_without_a_subject_have_none(entry: bytes) -> None:
    if b'","subject":"' not in entry:
        assert places.subject_of(entry) is None
