"""For whom a dossier or an export is made: which texts each kind of reader may see. Everything else
stays proved and unread: its digest is in the event, its disclosure is not handed over.

Deny by default: who may see a text is named here, and --withhold takes away, never adds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from shared.audit.texts.check import Told, digests_of
from shared.contract.catalogue import EVENTS, short_name
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import TextKind
from shared.contract.disclosure import Disclosure, confidential_names
from shared.contract.envelope import Event


class Reader(StrEnum):
    AUDITOR = "auditor"
    COURT = "court"
    INTERNAL = "internal"
    GUEST = "guest"
    EMPLOYEE = "employee"


KindOf = Callable[[type[EventData]], TextKind | None]
"""The kind of an event's texts; None for an event that is about the record itself."""

PRIVILEGED: Final = frozenset({"legal_view_given.ground", "legal_view_given.conditions"})
"""Legal advice: a court may see it when the holder of the privilege says so."""

KINDS: Final[Mapping[Reader, frozenset[TextKind]]] = {
    Reader.AUDITOR: frozenset(),
    Reader.COURT: frozenset(TextKind),
    Reader.INTERNAL: frozenset(TextKind) - {TextKind.FORGETTING},
    Reader.GUEST: frozenset({TextKind.FACT, TextKind.ACTION, TextKind.MESSAGE}),
    Reader.EMPLOYEE: frozenset({TextKind.REPORT}),
}
"""An auditor checks that the record is whole and the rules were kept, and needs no word of it. A
guest learns what happened and what was done, not who reported it nor what is thought of it. An
employee sees what that person said."""

WITHOUT: Final[Mapping[Reader, frozenset[str]]] = {
    Reader.AUDITOR: frozenset(),
    Reader.COURT: frozenset(),
    Reader.INTERNAL: PRIVILEGED,
    Reader.GUEST: PRIVILEGED,
    Reader.EMPLOYEE: frozenset(),
}
"""Fields that a reader does not see although their kind is shown."""


class BadReader(ValueError):
    """What was asked for cannot be done; the message names the option and what it may be."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What is handed over: `withheld` are fields, each by its name (`target`), by its event's
    (`action_proposed.target`), or by an event's name alone, which is all of its fields. `person` is
    the pseudonym of an employee."""

    reader: Reader
    kind_of: KindOf
    withheld: frozenset[str] = frozenset()
    person: str | None = None
    _hidden: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Raises BadReader."""
        known = withholdable()
        if unknown := sorted(self.withheld - known):
            raise BadReader(
                f"--withhold {unknown[0]} names no text; give a field, an event, or both, such as "
                "target, action_proposed or action_proposed.target"
            )
        if (self.reader is Reader.EMPLOYEE) != (self.person is not None):
            raise BadReader(
                "--person PSEUDONYM belongs to --for employee, who sees what that person reported"
            )
        object.__setattr__(self, "_hidden", self.withheld | WITHOUT[self.reader])

    @property
    def nothing(self) -> bool:
        """Whether this reader sees no text at all."""
        return not KINDS[self.reader]

    def of(self, event: Event, texts: Iterable[Disclosure]) -> tuple[Disclosure, ...]:
        """Those of these texts that the reader may see, in the order of the event's digests."""
        if not isinstance(event.data, EventData):
            return ()
        if not self._may_see(self.kind_of(type(event.data)), event.actor):
            return ()
        name, found = short_name(event.type), {one.digest: one for one in texts}
        at_hand = (found[digest] for digest in digests_of(event) if digest in found)
        return tuple(one for one in at_hand if not self._withholds(name, one.named()[0]))

    def _may_see(self, kind: TextKind | None, said_by: str) -> bool:
        if kind is None:
            return self.reader is Reader.COURT
        if self.reader is Reader.EMPLOYEE and said_by != self.person:
            return False
        return kind in KINDS[self.reader]

    def _withholds(self, event: str, name: str) -> bool:
        return bool({event, name, f"{event}.{name}"} & self._hidden)


def withholdable() -> frozenset[str]:
    """What --withhold may name."""
    found: set[str] = set()
    for event in EVENTS:
        event_name = short_name(event.TYPE)
        for name in confidential_names(event):
            found |= {event_name, name, f"{event_name}.{name}"}
    return frozenset(found)


def shown_of(
    events: Sequence[Event], told: Told, showing: Showing
) -> dict[UUID, tuple[Disclosure, ...]]:
    """The texts that are handed over, by event; events without any are left out."""
    chosen = {event.id: showing.of(event, told.get(event.id, ())) for event in events}
    return {event_id: texts for event_id, texts in chosen.items() if texts}
