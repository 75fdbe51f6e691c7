"""The pure half of a service, as the runtime sees it: values and functions, no base class."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.contract.catalogue.base import EventData
from shared.contract.decision import Context
from shared.contract.envelope import Event
from shared.contract.topics import INCIDENT, kind_of
from shared.runtime.say.plan import Recorded, Write
from shared.runtime.say.projection import Project

C = TypeVar("C")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Rules(Generic[C, S]):
    """What decides about one kind of subject, what is remembered, what is shown, and what a service
    does on its own when it hears something.

    `kind` is the first word of the types of the events that are about such a subject. An event of a
    kind that a service has no rules for is heard and kept, and nothing else comes of it.

    `edition` gives the edition of the rules under which a command is decided as things stand; the
    events that it makes say so. `react` is asked only about data of the types in `reacts_to`, with
    the state after all that was heard with the event."""

    initial: S
    decide: Callable[[C, S, Context], Sequence[EventData]]
    edition: Callable[[C, S], int]
    evolve: Callable[[S, Event], S]
    project: Project
    view_tables: tuple[str, ...]
    reacts_to: tuple[type[EventData], ...] = ()
    react: Callable[[Event, S], Sequence[C]] = lambda _event, _state: ()
    kind: str = INCIDENT


def of_each_kind(several: Sequence[Rules[Any, Any]]) -> Project:
    """What an event writes into the views: by the rules of its kind; nothing where there are
    none."""
    by_kind = {rules.kind: rules.project for rules in several}

    def project(recorded: Recorded) -> Iterable[Write]:
        of_kind = by_kind.get(kind_of(recorded.event.type))
        return () if of_kind is None else of_kind(recorded)

    return project
