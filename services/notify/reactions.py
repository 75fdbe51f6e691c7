"""What notify does on its own when it hears something: an assessment makes duties."""

from services.notify.domain import Command, NoteDuties, State
from shared.contract.catalogue.triage import Assessed
from shared.contract.envelope import Event


def react(event: Event, state: State) -> list[Command]:  # noqa: ARG001  the decider looks at it
    return [NoteDuties()] if isinstance(event.data, Assessed) else []
