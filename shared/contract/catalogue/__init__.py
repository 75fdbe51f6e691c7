"""The event catalogue: every event type that may stand on the log, and the service that may say it."""

from typing import Final

from shared.contract.catalogue import intake, notify, review, triage
from shared.contract.catalogue.base import EventData

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
)

BY_TYPE: Final[dict[str, type[EventData]]] = {event.TYPE: event for event in EVENTS}

MILESTONES: Final = ("reported", "assessed", "contained", "communicated", "reviewed")


def short_name(event_type: str) -> str:
    """`incident.fact_recorded.v1` → `fact_recorded`."""
    return event_type.removeprefix("incident.").rpartition(".")[0] or event_type
