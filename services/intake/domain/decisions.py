"""The one decision of intake: what a report makes true, or the rule that refuses it."""

from typing import assert_never

from services.intake.domain.commands import Command
from services.intake.domain.state import Dismissed, Open, State, Unopened
from services.intake.domain.tables import EDITIONS
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import Reported
from shared.contract.decision import Context, Missing, Rejected
from shared.contract.fidelity import has_begun


def edition_for(_command: Command, _state: State) -> int:
    """The edition of the rules under which a command is decided: the newest."""
    return EDITIONS.newest


def decide(command: Command, state: State, context: Context) -> list[EventData]:
    """The event that the report makes. Raises Rejected, and Missing when it adds to an incident
    that nobody has reported."""
    tables = EDITIONS.under(context.edition)
    if command.noticed_at is not None and not has_begun(
        command.noticed_at, command.noticed_at_fidelity, context.now, tables.clocks_differ
    ):
        raise Rejected(
            "noticed_before_now",
            "A report is about something noticed before now; check noticed_at.",
            missing=("noticed_at",),
        )
    match state:
        case Unopened() if command.opens:
            return [_reported(command)]
        case Unopened():
            raise Missing("the incident")
        case Dismissed():
            raise Rejected(
                "dismissed",
                "The incident was dismissed; report anything new as a new incident, "
                "without its id.",
            )
        case Open() if command.opens:
            raise Rejected("opened_once", "This incident is open already; name it to add to it.")
        case Open(exercise) if exercise != command.exercise:
            this, that = ("an exercise", "real") if exercise else ("real", "an exercise")
            raise Rejected(
                "exercise_matches",
                f"The incident is {this} and the report says {that}.",
                missing=("exercise",),
            )
        case Open():
            return [_reported(command)]
        case _:
            assert_never(state)


def _reported(command: Command) -> Reported:
    return Reported(
        opens=command.opens,
        exercise=command.exercise,
        channel=command.channel,
        reporter=command.reporter,
        discovery=command.discovery,
        noticed_at=command.noticed_at,
        noticed_at_fidelity=command.noticed_at_fidelity,
        description=command.description,
        exposure=command.exposure,
        information_types=command.information_types,
        foreign=command.foreign,
    )
