"""What holds of every measure and wait, whenever the events of an incident were recorded."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.review.report import build
from services.review.report.durations import duration
from services.review.report.history import History
from services.review.report.measures import measures, opening
from shared.contract.catalogue.base import EventData
from tests.examples import examples
from tests.unit.review.story import STORY, STORY_WITHOUT, Spoken, events
from tests.unit.review.test_report import FORGETTING

WHOLE: Final = (*STORY, *STORY_WITHOUT)
UNITS: Final = {"d": 86_400, "h": 3600, "min": 60, "s": 1}

moved = st.lists(
    st.floats(0, 100_000, allow_nan=False), min_size=len(WHOLE), max_size=len(WHOLE)
).map(lambda times: [(at, by, data) for at, (_, by, data) in zip(times, WHOLE, strict=True)])
"""The whole story, each event at some other minute: clocks may differ, and nothing waits."""


@given(moved)
@settings(max_examples=examples(40), deadline=None)
def test_each_measure_is_the_time_between_the_two_events_that_it_names(
    spoken: list[Spoken],
) -> None:
    known = events(spoken)
    at = {event.id: event.time for event in known}
    history = History.of_events(known)
    start = opening(history)
    assert start is not None
    for measure in measures(history):
        assert measure.since == start.event
        if measure.until is None:
            assert (measure.seconds, measure.text) == (None, "not on record")
            continue
        took = (at[measure.until.event_id] - start.at).total_seconds()
        assert measure.seconds == round(took, 3)
        assert measure.text == duration(round(took, 3))


@pytest.mark.parametrize(("at", "by", "data"), FORGETTING)
def test_forgetting_is_no_part_of_the_review_and_does_not_lengthen_it(
    at: float, by: str, data: EventData
) -> None:
    before, after = (
        measures(History.of_events(events(spoken))) for spoken in (STORY, (*STORY, (at, by, data)))
    )
    assert after == before


@given(moved)
@settings(max_examples=examples(40), deadline=None)
def test_no_wait_is_negative_and_every_wait_says_something(spoken: list[Spoken]) -> None:
    for wait in build(events(spoken)).waits:
        for span in (wait.facts, wait.legal, wait.carried_out):
            assert span.says
            assert span.seconds is None or span.seconds >= 0
            if span.seconds == 0:
                assert span.says in ("nothing: it was there", "under a second")


@given(st.floats(1, 10**9))
def test_a_duration_is_at_most_what_it_took_and_misses_less_than_its_smaller_unit(
    seconds: float,
) -> None:
    parts = duration(seconds).split(" ")
    told = [
        (int(number), UNITS[unit]) for number, unit in zip(parts[::2], parts[1::2], strict=True)
    ]
    sizes = list(UNITS.values())
    largest = next(size for size in sizes if seconds >= size)
    smaller = sizes[min(sizes.index(largest) + 1, len(sizes) - 1)]
    assert 0 <= seconds - sum(number * size for number, size in told) < smaller
    assert len(told) <= 2
    assert all(number > 0 for number, _ in told)
