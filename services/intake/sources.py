"""Whose word counts for which source of CloudEvents, and what a caller may report.

A CloudEvent names its own source, and `source` with `id` is the name under which it counts once. So
a caller speaks for the sources that its token's subject is registered for (`ledger source add`) and
for no other: else anybody could send the next id of a scanner first, and have the true event
refused for ever. Nothing is registered by itself. `POST /reports` needs no registration: such a
report names no source, its keys are the caller's own, and a person must be able to report on the
first day.

Staff, the roles that read incidents, add to any incident. Every other caller adds to those that it
opened, by its own name or for a source of its own; those of others do not exist for it, unless it
is registered to add to them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from services.intake.domain.tables import ANONYMOUS
from shared.contract.authority import who_may
from shared.contract.decision import Actor
from shared.runtime.say.conflicts import Forbidden

STAFF: Final = frozenset(who_may("read_incident"))
KEPT: Final = 2.0
"""Seconds after which the registrations are read again: an ended one counts no longer than this."""
LONGEST_SUBJECT: Final = 200
LONGEST_SOURCE: Final = 500


class NotRegistered(Forbidden):
    """The caller is known and is not registered for what it reports. The message says nothing of
    other callers."""

    def __init__(self, detail: str) -> None:
        super().__init__((), detail)  # no role may: the ledger's operator registers


@dataclass(frozen=True, slots=True)
class Registration:
    """A caller, by the subject of its token, may speak for a source of CloudEvents."""

    subject: str
    """As an operator typed it; of one that is read from the database, its pseudonym."""
    source: str
    """One that ends in `*` stands for all that begin so."""
    opens: bool = True
    """May report new incidents."""
    adds: bool = False
    """May add to incidents that others reported."""
    exercises: bool = True
    """May report exercises."""

    def covers(self, source: str) -> bool:
        if self.source.endswith("*"):
            return source.startswith(self.source[:-1])
        return source == self.source


def registration(subject: str, source: str, **may: bool) -> Registration:
    """Raises ValueError, naming the argument and what it must be."""
    for name, text, longest in (
        ("SUBJECT", subject, LONGEST_SUBJECT),
        ("SOURCE", source, LONGEST_SOURCE),
    ):
        if not 1 <= len(text) <= longest or not text.isprintable() or text != text.strip():
            raise ValueError(
                f"{name}: 1 to {longest} printable characters, without blanks at either end"
            )
    if subject == ANONYMOUS or subject.startswith("service:"):
        raise ValueError(f"SUBJECT: {subject} is a name of the ledger's own")
    if "*" in source[:-1]:
        raise ValueError("SOURCE: * stands at the end alone, for all sources that begin so")
    return Registration(subject, source, **may)


@dataclass(frozen=True, slots=True)
class Rights:
    opens: bool
    adds: bool
    exercises: bool


@dataclass(frozen=True, slots=True)
class Opener:
    """Who reported an incident first, and for which source if it was a CloudEvent."""

    actor: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who reports, and what they are registered for."""

    actor: Actor
    registered: tuple[Registration, ...] = ()

    def rights(self, source: str | None) -> Rights:
        """In a CloudEvent of this source, or in a report of the caller's own (None). Raises
        NotRegistered."""
        staff = self.actor.has(*STAFF)
        if source is None:
            if staff or not self.registered:
                return Rights(opens=True, adds=staff, exercises=True)
            registered: Iterable[Registration] = self.registered
        else:
            registered = [one for one in self.registered if one.covers(source)]
            if not registered:
                raise NotRegistered(
                    "this token's subject is not registered for the event's source; the "
                    "ledger's operator registers it: ledger source add SUBJECT SOURCE"
                )
        return Rights(
            opens=any(one.opens for one in registered),
            adds=staff or any(one.adds for one in registered),
            exercises=any(one.exercises for one in registered),
        )

    def opened(self, opener: Opener) -> bool:
        """Whether the incident is the caller's own. One that was reported anonymously is
        nobody's."""
        if opener.source is not None and any(one.covers(opener.source) for one in self.registered):
            return True
        return opener.actor == self.actor.subject and opener.actor != ANONYMOUS


@dataclass(slots=True)
class Registry:
    """The registrations that count, remembered for KEPT seconds: reports come by the thousand."""

    read: Callable[[], Awaitable[Iterable[Registration]]]
    _known: Mapping[str, tuple[Registration, ...]] = field(default_factory=dict)
    _read_at: float = float("-inf")
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def caller(self, actor: Actor, *, latest: bool = False) -> Caller:
        """`latest`: as registered by now, for a caller who would be refused otherwise."""
        wanted = time.monotonic() - (0 if latest else KEPT)
        if self._read_at < wanted:
            async with self._reading:
                if self._read_at < wanted:
                    await self._refresh()
        return Caller(actor, self._known.get(actor.subject, ()))

    async def _refresh(self) -> None:
        asked = time.monotonic()
        known: dict[str, tuple[Registration, ...]] = {}
        for one in await self.read():
            known[one.subject] = (*known.get(one.subject, ()), one)
        self._known, self._read_at = known, asked
