"""One line for every event: what it says, in a sentence of ours, and what people wrote, as a
quotation."""

from typing import Final

from services.review.report.history import History, source_of
from services.review.report.model import TimelineRow
from shared.contract.catalogue import MILESTONES, short_name
from shared.contract.catalogue.base import IncidentEvent, InWords, words_of
from shared.contract.envelope import Event

NOT_UNDERSTOOD: Final = (
    "An event of a type or version that this report cannot read. It is on the log and covered by "
    "the proof."
)


def timeline(history: History) -> tuple[TimelineRow, ...]:
    return tuple(_row(event) for event in history.events)


def _row(event: Event) -> TimelineRow:
    says, quote = line_of(event)
    name = short_name(event.type)
    return TimelineRow(source_of(event), name, name in MILESTONES, says, words_of(quote))


def line_of(event: Event) -> InWords:
    if isinstance(event.data, IncidentEvent):
        return event.data.in_words()
    return NOT_UNDERSTOOD, None
