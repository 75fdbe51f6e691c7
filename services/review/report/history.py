"""The events that a report rests on, in the one order that does not depend on how they came in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.review.report.model import ProofLine
from services.review.report.sources import Ref, Source
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import Covered
from shared.contract.envelope import Event

D = TypeVar("D", bound=EventData)


@dataclass(frozen=True, slots=True)
class Sourced(Generic[D]):
    """Data with its source."""

    source: Source
    data: D


@dataclass(frozen=True, slots=True)
class History:
    """`events` are in the order of time, of all services; what one service said of one kind comes
    in the order of its chain."""

    events: tuple[Event, ...]

    @classmethod
    def of_events(cls, events: Iterable[Event]) -> "History":
        """Each event once, by time; those of one moment by service, partition and number."""
        once = {
            (event.service, event.link.partition, event.link.sequence): event for event in events
        }
        return cls(tuple(sorted(once.values(), key=lambda event: (event.time, *_place(event)))))

    def of(self, kind: type[D]) -> tuple[Sourced[D], ...]:
        chain = sorted(self.events, key=_place)
        return tuple(
            Sourced(source_of(event), event.data) for event in chain if isinstance(event.data, kind)
        )

    def edition_of(self, ref: Ref) -> int:
        """Of the rules that the event was decided under."""
        return next(event.rules for event in self.events if event.id == ref.event_id)

    def first(self, kind: type[D]) -> Sourced[D] | None:
        return next(iter(self.of(kind)), None)


def _place(event: Event) -> tuple[str, int, int]:
    return event.service.value, event.link.partition, event.link.sequence


def ref_of(event: Event) -> Ref:
    return Ref(event.id, event.service, event.link.partition, event.link.sequence)


def source_of(event: Event) -> Source:
    return Source(event.time, event.actor, ref_of(event))


def covers_of(events: Sequence[Event]) -> tuple[Covered, ...]:
    """The last event of each service, by service: what a report on these events covers."""
    heads = {event.service: event for event in sorted(events, key=_place)}
    return tuple(
        Covered(
            service=service, sequence=heads[service].link.sequence, hash=heads[service].hash.hex()
        )
        for service in sorted(heads)
    )


def proof_of(events: Sequence[Event]) -> tuple[ProofLine, ...]:
    """Each event with its hash, chain by chain."""
    chains = sorted(events, key=lambda event: (event.service.value, event.link.sequence))
    return tuple(ProofLine(ref_of(event), event.type, event.hash.hex()) for event in chains)


def covered(events: Iterable[Event], covers: Sequence[Covered]) -> list[Event]:
    """The events that a published report rests on: of each service those up to the one that it
    names."""
    last = {head.service: head.sequence for head in covers}
    return [event for event in events if event.link.sequence <= last.get(event.service, 0)]
