"""The assessment: what the incident is, and how severe."""

from services.triage.domain.commands import Assess
from services.triage.domain.gates import empty_seats, who_fills
from services.triage.domain.severity import severity_of
from services.triage.domain.state import Open
from services.triage.domain.tables import OVERRIDDEN, Tables
from shared.contract.catalogue.triage import Assessed, LegalViewOn
from shared.contract.decision import Rejected
from shared.contract.vocabulary import ActionClass, Determination


def assess(command: Assess, incident: Open, tables: Tables) -> Assessed:
    """States the facts that are known, and those that a corrective action would still wait for."""
    confirms = command.determination is Determination.CONFIRMED
    if confirms and (empty := empty_seats(incident, tables)):
        raise Rejected(
            "seats",
            "An incident is confirmed once its seats are filled.",
            missing=empty,
            who=who_fills(empty),
        )
    over = command.severity_override is not None
    row = severity_of(
        command.determination, command.information_types, command.exposure, tables.grading
    )
    if over and not command.severity_override_reason:
        raise Rejected(
            "override_says_why",
            f"The severity table gives {row.severity} ({row.name}); "
            "another severity needs a reason.",
            missing=("severity_override_reason",),
        )
    required = tables.required_facts[ActionClass.CORRECTIVE]
    return Assessed(
        revision=incident.assessment.revision + 1 if incident.assessment else 1,
        determination=command.determination,
        information_types=command.information_types,
        exposure=command.exposure,
        severity=command.severity_override or row.severity,
        severity_rule=OVERRIDDEN if over else row.name,
        severity_override_reason=command.severity_override_reason if over else None,
        facts_known=incident.known_keys,
        facts_missing=tuple(key for key in required if key not in incident.known_keys),
        legal_views=tuple(
            LegalViewOn(action_id=action_id, view=action.legal.view)
            for action_id, action in incident.actions.items()
            if action.legal
        ),
    )
