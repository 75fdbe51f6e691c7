"""How long things took, from the report that opened the incident, by the times at which the events
were recorded."""

from typing import Final

from services.review.report.durations import duration
from services.review.report.history import History
from services.review.report.model import Measure
from services.review.report.sources import Source
from shared.contract.catalogue import (
    Assessed,
    Communicated,
    Contained,
    EventData,
    FindingRecorded,
    LegalViewGiven,
    LessonRecorded,
    NextReviewSet,
    ObservationRecorded,
    PolicyClauseCited,
    Reported,
    ReviewEvent,
    ReviewOpened,
)
from shared.contract.vocabulary import CONTAINING, Outcome

RECORDED: Final = (
    FindingRecorded,
    ObservationRecorded,
    LessonRecorded,
    PolicyClauseCited,
    NextReviewSet,
)
"""The work of a reviewer. An erasure is review's word too, and no part of it."""


def measures(history: History) -> tuple[Measure, ...]:
    start = opening(history)
    done = [told for told in history.of(Contained) if told.data.outcome is Outcome.SUCCESSFUL]
    acted = (told.source for told in done)
    contained = (told.source for told in done if told.data.kind in CONTAINING)
    return (
        _measure("to_assess", "To assess it", start, _first(history, Assessed)),
        _measure("to_legal_view", "To a legal view", start, _first(history, LegalViewGiven)),
        _measure("to_act", "To act with success", start, next(acted, None)),
        _measure("to_contain", "To contain it", start, next(contained, None)),
        _measure(
            "to_first_communication", "To tell somebody", start, _first(history, Communicated)
        ),
        _measure("to_review_opened", "To open the review", start, _first(history, ReviewOpened)),
        _measure("to_review", "To review it", start, _last_of_review(history)),
    )


def opening(history: History) -> Source | None:
    return next((told.source for told in history.of(Reported) if told.data.opens), None)


def _first(history: History, kind: type[EventData]) -> Source | None:
    told = history.first(kind)
    return told.source if told else None


def _last_of_review(history: History) -> Source | None:
    """What the reviewers recorded last: the report is published on it, and cannot itself name the
    moment of its publication."""
    recorded = [told.source for told in history.of(ReviewEvent) if isinstance(told.data, RECORDED)]
    return recorded[-1] if recorded else None


def _measure(name: str, label: str, start: Source | None, end: Source | None) -> Measure:
    if end is None:
        return Measure(name, label, None, "not on record", start.event if start else None, None)
    if start is None:
        return Measure(name, label, None, "unknown", None, end.event)
    seconds = round((end.at - start.at).total_seconds(), 3)
    return Measure(name, label, seconds, duration(seconds), start.event, end.event)
