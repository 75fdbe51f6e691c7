"""How far the relay's cursor may move: only over contiguous acknowledged numbers."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.carry.cursor import Progress, Sent, progress


def test_an_acknowledged_batch_moves_the_cursor_to_its_end() -> None:
    assert progress({0: 4}, [Sent(0, [5, 6, 7], True)]).cursors == {0: 7}


def test_an_unacknowledged_batch_moves_nothing_and_fails_the_round() -> None:
    after = progress({0: 4, 1: 0}, [Sent(0, [5, 6], False), Sent(1, [1], True)])
    assert after.cursors == {0: 4, 1: 1}
    assert after.failed


def test_a_hole_stops_the_cursor() -> None:
    assert progress({0: 4}, [Sent(0, [5, 7, 8], True)]).cursors == {0: 5}


batches = st.lists(
    st.builds(
        Sent, st.integers(0, 3), st.lists(st.integers(1, 30), max_size=8).map(sorted), st.booleans()
    ),
    max_size=20,
)


@given(batches)
def test_the_cursor_never_passes_a_number_that_is_not_acknowledged(round_: list[Sent]) -> None:
    after = progress(dict.fromkeys(range(4), 0), round_)
    acknowledged = {
        (sent.partition, number)
        for sent in round_
        if sent.acknowledged
        for number in sent.sequences
    }
    for partition, cursor in after.cursors.items():
        assert all((partition, number) in acknowledged for number in range(1, cursor + 1))


def test_a_round_without_a_refusal_has_not_failed() -> None:
    after = progress({0: 4, 1: 7}, [Sent(0, [5], True), Sent(1, [8, 9], True)])
    assert (after.cursors, after.failed) == ({0: 5, 1: 9}, False)
    assert progress({0: 4}, []) == Progress({0: 4}, failed=False)


def test_a_hole_in_one_batch_stops_no_other() -> None:
    after = progress({0: 4, 1: 0}, [Sent(0, [6], True), Sent(1, [1, 2], True)])
    assert after.cursors == {0: 4, 1: 2}


def test_the_cursors_before_are_left_as_they_were() -> None:
    before = {0: 4}
    progress(before, [Sent(0, [5], True)])
    assert before == {0: 4}


def partition_of_three(numbers: list[list[int]], acknowledged: list[bool]) -> list[Sent]:
    return [
        Sent(partition, sent, ack)
        for partition, (sent, ack) in enumerate(zip(numbers, acknowledged, strict=True))
    ]


@given(batches, st.dictionaries(st.integers(0, 3), st.integers(0, 30)))
def test_the_cursor_never_moves_backwards_and_never_over_a_hole(
    round_: list[Sent], starts: dict[int, int]
) -> None:
    before = dict.fromkeys(range(4), 0) | starts
    after = progress(before, round_).cursors
    assert after.keys() == before.keys()
    for partition, cursor in after.items():
        assert cursor >= before[partition]
        acknowledged = {
            number
            for sent in round_
            if sent.partition == partition and sent.acknowledged
            for number in sent.sequences
        }
        assert acknowledged >= set(range(before[partition] + 1, cursor + 1))


@given(batches)
def test_a_round_fails_exactly_when_a_batch_of_it_was_not_acknowledged(
    round_: list[Sent],
) -> None:
    failed = progress(dict.fromkeys(range(4), 0), round_).failed
    assert failed is any(not sent.acknowledged for sent in round_)


@given(st.integers(0, 50), st.integers(1, 50))
def test_an_acknowledged_batch_that_follows_the_cursor_moves_it_to_the_end(
    start: int, count: int
) -> None:
    numbers = list(range(start + 1, start + count + 1))
    assert progress({2: start}, [Sent(2, numbers, True)]).cursors == {2: start + count}


@given(st.lists(st.booleans(), min_size=3, max_size=3))
def test_partitions_move_without_each_other(acknowledged: list[bool]) -> None:
    round_ = partition_of_three([[1, 2], [1], [1, 2, 3]], acknowledged)
    after = progress(dict.fromkeys(range(3), 0), round_)
    ends = [2, 1, 3]
    assert after.cursors == {
        partition: end if ack else 0
        for partition, (end, ack) in enumerate(zip(ends, acknowledged, strict=True))
    }
    assert after.failed is not all(acknowledged)


def test_sending_again_moves_nothing_twice() -> None:
    once = progress({0: 4}, [Sent(0, [5, 6], True)]).cursors
    assert progress(once, [Sent(0, [5, 6], True)]).cursors == {0: 6}


def test_an_empty_round_changes_nothing_and_does_not_fail() -> None:
    after = progress({0: 4}, [])
    assert (after.cursors, after.failed) == ({0: 4}, False)
    assert progress({0: 4}, [Sent(0, [], True)]).cursors == {0: 4}
