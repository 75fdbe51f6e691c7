"""What intake remembers of an incident: whether it is open, whether it is a drill, and whether
triage dismissed it."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.triage import IncidentDismissed
from shared.contract.envelope import Event


@dataclass(frozen=True, slots=True)
class Unopened:
    """No report of it has come."""


@dataclass(frozen=True, slots=True)
class Open:
    exercise: bool


@dataclass(frozen=True, slots=True)
class Dismissed:
    """Triage ended with a reason and looks at nothing more."""


State: TypeAlias = Unopened | Open | Dismissed

INITIAL: Final[State] = Unopened()


def evolve(state: State, event: Event) -> State:
    """The state after an event. Events that no rule of intake asks about change nothing."""
    match state, event.data:
        case Unopened(), Reported(exercise=exercise):
            return Open(exercise)
        case Open(), IncidentDismissed():
            return Dismissed()
    return state
