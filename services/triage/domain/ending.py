"""The decisions by which triage ends without action: deciding not to act, and dismissal."""

from services.triage.domain.commands import (
    Assess,
    CarryOut,
    ConfirmBreakGlass,
    DecideInaction,
    Dismiss,
)
from services.triage.domain.state import Open
from services.triage.domain.tables import NOT_YET, Tables
from shared.contract.authority import who_may
from shared.contract.catalogue.triage import InactionDecided, IncidentDismissed
from shared.contract.decision import Rejected
from shared.contract.vocabulary import ActionClass, Outcome


def decide_inaction(command: DecideInaction, incident: Open) -> InactionDecided:
    if incident.assessment is None:
        raise Rejected(
            "assessed_first",
            "Not to act is decided on an assessment.",
            missing=("assessment",),
            who=who_may(Assess),
        )
    if ongoing := _acted_on(incident, Outcome.ONGOING):
        raise Rejected(
            "action_ongoing",
            "An action is under way; record how it ended.",
            missing=ongoing,
            who=who_may(CarryOut),
        )
    return InactionDecided(reason=command.reason)


def dismiss(command: Dismiss, incident: Open, tables: Tables) -> IncidentDismissed:
    allowed = tables.dismissible[command.reason]
    if incident.determination not in allowed:
        raise Rejected(
            "dismissal_fits_the_assessment",
            f"An incident that is {incident.assessed_as} is not dismissed as {command.reason}.",
            missing=tuple(
                f"assessed_as_{determination}"
                for determination in allowed
                if determination is not NOT_YET
            ),
            who=who_may(Assess),
        )
    if incident.owed:
        raise Rejected(
            "word_owed",
            "A second person's word on break-glass is owed.",
            missing=tuple(str(break_glass_id) for break_glass_id in incident.owed),
            who=who_may(ConfirmBreakGlass),
        )
    if acted := _acted_on(incident, Outcome.SUCCESSFUL, Outcome.ONGOING, Outcome.UNKNOWN):
        raise Rejected(
            "acted_on",
            f"An incident that was acted on ends in a review, not a dismissal: {', '.join(acted)}.",
        )
    return IncidentDismissed(reason=command.reason, note=command.note)


def _acted_on(incident: Open, *outcomes: Outcome) -> tuple[str, ...]:
    """The actions, other than protective ones, that stand at one of these outcomes."""
    return tuple(
        str(action_id)
        for action_id, action in incident.actions.items()
        if action.action_class is not ActionClass.PROTECTIVE and action.outcome in outcomes
    )
