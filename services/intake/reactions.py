"""What intake does on its own when it hears something: nothing. It hears the others to know how far
an incident has come."""

from services.intake.domain import Command, State
from shared.contract.envelope import Event


def react(_event: Event, _state: State) -> list[Command]:
    return []
