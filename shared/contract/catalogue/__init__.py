"""The event catalogue: every event type that may stand on the log, and the service that may say
it. Where events of several services are read, their types are imported from here."""

from collections.abc import Iterator
from types import ModuleType
from typing import Final
from uuid import UUID

from shared.contract.catalogue import intake, notify, review, system, triage
from shared.contract.catalogue.base import (
    EventData,
    IncidentEvent,
)
from shared.contract.catalogue.intake import (
    Reported,
)
from shared.contract.catalogue.notify import (
    Communicated,
    CommunicationApproved,
    CommunicationDrafted,
    CommunicationRejected,
    CommunicationRequested,
    CommunicationRequired,
    CommunicationWaived,
    SendFailed,
    SendOutcomeDecided,
    SendOutcomeUnknown,
    SendStarted,
)
from shared.contract.catalogue.review import (
    ErasedText,
    ErasureGround,
    ErasureRefused,
    ErasureRequested,
    FindingRecorded,
    HoldPlaced,
    HoldReleased,
    LessonRecorded,
    NextReviewSet,
    ObservationRecorded,
    PolicyClauseCited,
    Reviewed,
    ReviewEvent,
    ReviewOpened,
    ReviewTrigger,
    Side,
    TextKind,
)
from shared.contract.catalogue.triage import (
    ActionAuthorised,
    ActionProposed,
    Assessed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Contained,
    FactRecorded,
    InactionDecided,
    IncidentDismissed,
    LegalViewGiven,
    SeatFilled,
)
from shared.contract.topics import RECORD, is_system, kind_of
from shared.contract.vocabulary import ServiceName

__all__ = [
    "BY_TYPE",
    "EVENTS",
    "MILESTONES",
    "ActionAuthorised",
    "ActionProposed",
    "Assessed",
    "BreakGlassConfirmed",
    "BreakGlassUsed",
    "Communicated",
    "CommunicationApproved",
    "CommunicationDrafted",
    "CommunicationRejected",
    "CommunicationRequested",
    "CommunicationRequired",
    "CommunicationWaived",
    "Contained",
    "ErasedText",
    "ErasureGround",
    "ErasureRefused",
    "ErasureRequested",
    "EventData",
    "FactRecorded",
    "FindingRecorded",
    "HoldPlaced",
    "HoldReleased",
    "InactionDecided",
    "IncidentDismissed",
    "IncidentEvent",
    "LegalViewGiven",
    "LessonRecorded",
    "NextReviewSet",
    "ObservationRecorded",
    "PolicyClauseCited",
    "Reported",
    "ReviewEvent",
    "ReviewOpened",
    "ReviewTrigger",
    "Reviewed",
    "SeatFilled",
    "SendFailed",
    "SendOutcomeDecided",
    "SendOutcomeUnknown",
    "SendStarted",
    "Side",
    "TextKind",
    "intake",
    "not_theirs_to_say",
    "notify",
    "review",
    "short_name",
    "system",
    "triage",
]


def _said_in(module: ModuleType) -> Iterator[type[EventData]]:
    """The event types that a module defines, in its order; a class without a type of its own only
    gathers others."""
    for one in vars(module).values():
        if isinstance(one, type) and issubclass(one, EventData) and "TYPE" in vars(one):
            yield one


EVENTS: Final[tuple[type[EventData], ...]] = tuple(
    event for module in (intake, triage, notify, review, system) for event in _said_in(module)
)
"""Every type of event, by the service that says it and in the order of its module."""

BY_TYPE: Final[dict[str, type[EventData]]] = {event.TYPE: event for event in EVENTS}

MILESTONES: Final = ("reported", "assessed", "contained", "communicated", "reviewed")


def short_name(event_type: str) -> str:
    """`incident.fact_recorded.v1` → `fact_recorded`."""
    return event_type.removeprefix("incident.").rpartition(".")[0] or event_type


def not_theirs_to_say(event_type: str, service: ServiceName, subject_id: UUID) -> str | None:
    """Why this service may not say this about this subject, or None when it may, or nobody here
    knows the type. Of the record itself nothing else is said, and of nothing else the record."""
    model = BY_TYPE.get(event_type)
    if model is not None and model.SAID_BY is not None and service != model.SAID_BY:
        return f"{event_type} is {model.SAID_BY}'s to say, not {service}'s"
    if (kind := kind_of(event_type)) == RECORD and not is_system(subject_id):
        return f"{event_type} is said of the record itself and no other subject"
    if kind != RECORD and is_system(subject_id):
        return f"{event_type} is not said of the record itself"
    return None
