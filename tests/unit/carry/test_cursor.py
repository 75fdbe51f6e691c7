"""How far the relay's cursor may move: only over contiguous acknowledged numbers."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.carry.cursor import Sent, progress


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
