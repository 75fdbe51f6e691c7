"""The event catalogue: every event type that may stand on the log, and the service that may say
it."""

from typing import Final
from uuid import UUID

from shared.contract.catalogue import intake, notify, review, system, triage
from shared.contract.catalogue.base import EventData
from shared.contract.topics import is_system
from shared.contract.vocabulary import ServiceName

EVENTS: Final[tuple[type[EventData], ...]] = (
    intake.Reported,
    triage.FactRecorded,
    triage.SeatFilled,
    triage.Assessed,
    triage.ActionProposed,
    triage.LegalViewGiven,
    triage.ActionAuthorised,
    triage.BreakGlassUsed,
    triage.BreakGlassConfirmed,
    triage.Contained,
    triage.InactionDecided,
    triage.IncidentDismissed,
    notify.CommunicationRequired,
    notify.CommunicationDrafted,
    notify.CommunicationApproved,
    notify.CommunicationRejected,
    notify.CommunicationRequested,
    notify.SendStarted,
    notify.SendFailed,
    notify.SendOutcomeUnknown,
    notify.SendOutcomeDecided,
    notify.Communicated,
    notify.CommunicationWaived,
    review.ReviewOpened,
    review.FindingRecorded,
    review.ObservationRecorded,
    review.LessonRecorded,
    review.PolicyClauseCited,
    review.NextReviewSet,
    review.Reviewed,
    system.KeyRotated,
    system.ChainHoleRecorded,
    system.MessageParkedRecorded,
)

BY_TYPE: Final[dict[str, type[EventData]]] = {event.TYPE: event for event in EVENTS}

MILESTONES: Final = ("reported", "assessed", "contained", "communicated", "reviewed")


def short_name(event_type: str) -> str:
    """`incident.fact_recorded.v1` → `fact_recorded`."""
    return event_type.removeprefix("incident.").rpartition(".")[0] or event_type


def not_theirs_to_say(event_type: str, service: ServiceName, incident_id: UUID) -> str | None:
    """Why this service may not say this about this incident, or None when it may, or nobody here
    knows the type."""
    model = BY_TYPE.get(event_type)
    if model is None:
        return None
    if model.SAID_BY is not None and service != model.SAID_BY:
        return f"{event_type} is {model.SAID_BY}'s to say, not {service}'s"
    if issubclass(model, system.SystemRecord) and not is_system(incident_id):
        return f"{event_type} is not said of an incident, only of a system incident"
    if is_system(incident_id) and not issubclass(model, system.SystemRecord):
        return f"{event_type} is not said of a system incident"
    return None
