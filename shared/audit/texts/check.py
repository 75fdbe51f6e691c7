"""The texts that come beside events: each is held against the digests of its event, and what is not
shown is counted, withheld apart from erased.

That a text is withheld, and not missing, its digest proves: it stands in the signed event."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.audit.files import TEXTS
from shared.audit.subjects import Sealed
from shared.chain.findings import Finding
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import ContentErased
from shared.contract.disclosure import Disclosure, by_digest, digests, reveal
from shared.contract.envelope import Event

Told = Mapping[UUID, Sequence[Disclosure]]
"""The texts that are shown, by event."""


@dataclass(slots=True)
class TextCount:
    """How many texts the events have, by what became of them."""

    shown: int = 0
    withheld: int = 0
    erased: int = 0


def check_texts(history: Sequence[Sealed], told: Told, count: TextCount) -> Iterator[Finding]:
    """`history` is all that there is of one incident, in the order of the log."""
    gone = {
        (one.event_id, one.digest)
        for sealed in history
        if isinstance(sealed.event.data, ContentErased)
        for one in sealed.event.data.texts
    }
    for sealed in history:
        event, shown = sealed.event, set[str]()
        stand = set(digests_of(event))
        for one in told.get(event.id, ()):
            shown.add(one.digest)
            if one.digest not in stand:
                yield Finding("disclosure_unfounded", sealed.where, _named(one), event.id)
            elif (event.id, one.digest) in gone:
                yield Finding("disclosure_erased", sealed.where, _named(one), event.id)
        erased = {digest for digest in stand - shown if (event.id, digest) in gone}
        count.shown += len(stand & shown)
        count.erased += len(erased)
        count.withheld += len(stand - shown - erased)


def of_no_event(events: Iterable[UUID]) -> Iterator[Finding]:
    """For texts of events that are not in the log."""
    for event in sorted(events):
        where = f"{TEXTS}, event {event}"
        yield Finding("disclosure_unfounded", where, "no such event is in the log", event)


def with_texts(sealed: Sealed, told: Told) -> Sealed:
    """The event with those of its texts that are shown; only a text whose digest it has counts."""
    texts, data = told.get(sealed.event.id), sealed.event.data
    if not texts or not isinstance(data, EventData):
        return sealed
    return Sealed(sealed.index, sealed.event._replace(data=reveal(data, by_digest(texts))))


def digests_of(event: Event) -> list[str]:
    """Of everything confidential in the event, whether or not this reader knows its type."""
    if isinstance(event.data, EventData):
        return list(digests(event.data))
    return list(_in_json(event.data.value))


def _in_json(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _in_json(one)
    elif isinstance(value, dict):
        own = value.get("_sd")
        yield from (one for one in own if isinstance(one, str)) if isinstance(own, list) else ()
        for name, one in value.items():
            if name != "_sd":
                yield from _in_json(one)


def _named(one: Disclosure) -> str:
    return f"{one.digest[:16]}… of {one.named()[0][:100]}"
