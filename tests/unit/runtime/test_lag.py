"""Not known is not none: to hear nothing is not to have nothing to hear."""

from shared.runtime.process.lag import Lag


def test_before_it_is_measured_nothing_is_known() -> None:
    lag = Lag()
    assert lag.to_hear is None
    assert lag.by_partition == {}


def test_it_is_the_sum_of_all_partitions_and_may_be_nothing() -> None:
    lag = Lag()
    lag.measure({0: 3, 5: 4})
    assert lag.to_hear == 7
    lag.measure({0: 0, 5: 0})
    assert lag.to_hear == 0


def test_what_is_given_away_is_not_known_any_more() -> None:
    lag = Lag()
    lag.measure({0: 3, 1: 1})
    lag.measure({1: 1})
    assert lag.by_partition == {1: 1}
    lag.forget()
    assert lag.to_hear is None


def test_a_reader_of_another_thread_sees_one_measure_or_the_other() -> None:
    lag = Lag()
    lag.measure({0: 1})
    before = lag.by_partition
    lag.measure({0: 2, 1: 2})
    assert before == {0: 1}
