"""The texts of a report: digests in the skeleton that is published, and in what people read the
words, or a mark that says why there are none.

Pure. The skeleton needs the events alone, so it can be made again when every text is gone."""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.contract.catalogue.base import EventData, Part
from shared.contract.catalogue.review import ContentErased
from shared.contract.disclosure import Disclosure, fill, reveal
from shared.contract.envelope import Event

WITHHELD: Final = "[withheld]"

Erased = Mapping[tuple[str, str], str]
"""The mark of each text that was erased, by its digest and the name of its field."""


def bare(events: Iterable[Event]) -> list[Event]:
    """The events with digests in place of their texts: of a field all those of its part, because
    without a text nobody can say which of them is its own."""
    return [
        event._replace(data=fill(event.data, _digests))
        if isinstance(event.data, EventData)
        else event
        for event in events
    ]


def readable(events: Iterable[Event], found: Mapping[str, Disclosure]) -> list[Event]:
    """The events with the texts that are at hand, and a mark for each that is not."""
    known = list(events)
    erased = _erased(known)

    def mark(part: Part, name: str) -> str:
        return next((erased[one, name] for one in part.sd if (one, name) in erased), WITHHELD)

    return [
        event._replace(data=fill(reveal(event.data, found), mark))
        if isinstance(event.data, EventData)
        else event
        for event in known
    ]


def _erased(events: Iterable[Event]) -> Erased:
    return {
        (text.digest, text.name): f"[erased on {event.time:%Y-%m-%d}: "
        f"{event.data.ground.value.replace('_', ' ')}]"
        for event in events
        if isinstance(event.data, ContentErased)
        for text in event.data.texts
    }


def _digests(part: Part, name: str) -> str:
    return f"[{name}: {' '.join(part.sd)}]"
