"""The pure half of a service, as the runtime sees it: values and functions, no base class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.contract.catalogue.base import EventData
from shared.contract.decision import Context
from shared.contract.envelope import Event
from shared.runtime.say.projection import Project

C = TypeVar("C")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Rules(Generic[C, S]):
    """What decides, what is remembered, what is shown, and what a service does on its own when it
    hears something.

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
