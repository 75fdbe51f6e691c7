"""The decisions about duties: which audiences an assessment makes it a duty to tell, and waiving
one of them."""

from collections.abc import Iterator

from services.notify.domain.commands import Waive
from services.notify.domain.state import HeardAssessment, State
from services.notify.domain.tables import ANYTHING, Duty, Tables
from shared.contract.catalogue.notify import CommunicationRequired, CommunicationWaived
from shared.contract.decision import Rejected
from shared.contract.vocabulary import Determination


def new_duties(state: State, tables: Tables) -> Iterator[CommunicationRequired]:
    """What an assessment has newly made a duty: the rows that hold, for audiences that nobody has
    told and that were never on the list before."""
    if state.assessment is None or state.assessment.determination is not Determination.CONFIRMED:
        return
    known = state.required | state.told
    for duty in tables.duties:
        if duty.audience not in known and _holds(duty, state.assessment):
            yield CommunicationRequired(audience=duty.audience, rule=duty.rule)


def _holds(duty: Duty, found: HeardAssessment) -> bool:
    leaked = duty.leaked == ANYTHING or not duty.leaked.isdisjoint(found.leaked)
    return leaked and found.severity in duty.severity and found.reach in duty.reach


def waive(command: Waive, state: State) -> CommunicationWaived:
    audience = command.audience
    if audience in state.owed:
        return CommunicationWaived(audience=audience, reason=command.reason)
    if audience in state.told:
        raise Rejected("owed", f"{audience} was told already.")
    if audience in state.waived:
        raise Rejected("owed", f"Telling {audience} was waived already.")
    raise Rejected("owed", f"No assessment has made it a duty to tell {audience}.")
