"""The texts of a report: digests in the skeleton that is published; in an edition for readers the
words, or a mark that says why there are none.

Pure. The skeleton needs the events alone, so it can be made again when every text is gone."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from services.review.report.history import ref_of
from services.review.report.persons import Names, named
from services.review.report.sources import ErasedLine, Ref, WithheldLine
from shared.contract.catalogue.base import EventData, Part
from shared.contract.catalogue.review import ContentErased
from shared.contract.disclosure import Disclosure, digests, fill, reveal
from shared.contract.envelope import Event

WITHHELD: Final = "[withheld]"
UNNAMED: Final = "unnamed"
"""The field of an erased text that was not at hand when it was erased."""
_NOTHING: Final[Mapping[str, Disclosure]] = {}


class _Erasure(NamedTuple):
    """One text that an event has erased, and that event."""

    name: str
    said: Event
    data: ContentErased

    def mark(self) -> str:
        ground = self.data.ground.value.replace("_", " ")
        return f"[erased on {self.said.time:%Y-%m-%d}, ground: {ground}]"


def bare(events: Iterable[Event]) -> list[Event]:
    """The events with digests in place of their texts, whether these are at hand or not: in a field
    stand all the digests of its part, because without a text nobody can say which is its own."""
    return [
        event._replace(data=fill(reveal(event.data, _NOTHING), _digests))
        if isinstance(event.data, EventData)
        else event
        for event in events
    ]


def readable(events: Sequence[Event], found: Mapping[str, Disclosure], names: Names) -> list[Event]:
    """The events with the texts that are at hand, a mark for each that is not, and the names of
    persons as far as they are known. An erased text stays erased, even where it is at hand."""
    erased = _erasures(events)
    left = {digest: one for digest, one in found.items() if digest not in erased}

    def mark(part: Part, name: str) -> str | None:
        missing = [digest for digest in part.sd if digest not in left]
        gone = {erased[digest].name: erased[digest] for digest in missing if digest in erased}
        if name in gone:
            return gone[name].mark()
        if not erased.keys() >= set(missing):
            return WITHHELD
        if UNNAMED in gone:
            return gone[UNNAMED].mark()
        # Erasures of other fields account for every digest: this one was never given.
        return WITHHELD if type(part).model_fields[name].is_required() else None

    return [
        named(event._replace(data=fill(reveal(event.data, left), mark)), names)
        if isinstance(event.data, EventData)
        else event
        for event in events
    ]


def erased_of(events: Sequence[Event], shown: Collection[UUID]) -> Iterator[ErasedLine]:
    """The erased texts of those events that are shown, in the order of the events; an erasure may
    come after the events that the report covers."""
    erased = _erasures(events)
    for event, ref in _in_order(events, shown):
        own = [erased[digest] for digest in _digests_of(event) if digest in erased]
        for one in sorted(own, key=lambda one: one.name):
            yield ErasedLine(
                ref, event.type, one.name, one.said.time, one.data.ground, ref_of(one.said)
            )


def withheld_of(
    events: Sequence[Event], found: Mapping[str, Disclosure], shown: Collection[UUID]
) -> Iterator[WithheldLine]:
    """How many texts are neither at hand nor erased, of those events that are shown and have
    any."""
    known = found.keys() | _erasures(events).keys()
    for event, ref in _in_order(events, shown):
        if missing := sum(digest not in known for digest in _digests_of(event)):
            yield WithheldLine(ref, event.type, missing)


def _in_order(events: Iterable[Event], shown: Collection[UUID]) -> Iterator[tuple[Event, Ref]]:
    """Those that are shown, each once, as the timeline has them."""
    once = {event.id: event for event in events if event.id in shown}
    yield from (
        (event, ref_of(event))
        for event in sorted(once.values(), key=lambda event: (event.time, *event.link[:3]))
    )


def _erasures(events: Iterable[Event]) -> dict[str, _Erasure]:
    """By the digest of what is erased: the first word counts."""
    first: dict[str, _Erasure] = {}
    for event in sorted(events, key=lambda event: (event.time, *event.link[:3])):
        if isinstance(event.data, ContentErased):
            for text in event.data.texts:
                first.setdefault(text.digest, _Erasure(text.name, event, event.data))
    return first


def _digests_of(event: Event) -> list[str]:
    return list(digests(event.data)) if isinstance(event.data, EventData) else []


def _digests(part: Part, name: str) -> str:
    return f"[{name}: {' '.join(part.sd)}]"
