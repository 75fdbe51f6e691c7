"""The folded states that a process remembers: a state at a version never changes, so what is
remembered is never wrong, only old."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

from shared.contract.envelope import Event
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.plan import Recorded

S = TypeVar("S")

SUBJECTS: Final = 4096
EVENTS: Final = 65_536
"""Events that all remembered states together were folded from: what they hold grows with these,
whatever the number of subjects."""
LINKS: Final = 16
"""Most traces, the newest, that the trace of a command is linked to."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """What the service knows of a subject: the fold of all it said and heard, up to `version` (0:
    nothing is known)."""

    state: S
    version: int
    traceparents: tuple[str, ...] = ()
    said_hash: bytes = ZERO_HASH
    """Of the service's own last event of the subject."""

    def after(
        self, recorded: Iterable[Recorded], evolve: Callable[[S, Event], S], own: ServiceName
    ) -> "Loaded[S]":
        """The same after these events; `own` is the service that folds."""
        state, version = self.state, self.version
        traceparents, said_hash = self.traceparents, self.said_hash
        for event, number in recorded:
            state, version = evolve(state, event), number
            if event.service == own:
                said_hash = event.hash
            if event.traceparent is not None:
                traceparents = (*traceparents, event.traceparent)[-LINKS:]
        return Loaded(state, version, traceparents, said_hash)


class Memory(Generic[S]):
    """Forgets what was used longest ago, but never the newest."""

    def __init__(self, subjects: int = SUBJECTS, events: int = EVENTS) -> None:
        self._subjects = subjects
        self._events = events
        self._held = 0
        self._states: OrderedDict[UUID, Loaded[S]] = OrderedDict()

    def get(self, subject_id: UUID) -> Loaded[S] | None:
        return self._states.get(subject_id)

    def keep(self, subject_id: UUID, loaded: Loaded[S]) -> None:
        before = self._states.pop(subject_id, None)
        self._held += loaded.version - (before.version if before is not None else 0)
        self._states[subject_id] = loaded
        while len(self._states) > 1 and (
            len(self._states) > self._subjects or self._held > self._events
        ):
            _, forgotten = self._states.popitem(last=False)
            self._held -= forgotten.version
