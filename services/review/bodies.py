"""What callers send to review and what they get back."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from shared.contract.vocabulary import (
    Answer,
    ControlLayer,
    Determination,
    ObservationKind,
    Severity,
)
from shared.runtime.web.bodies import Body, Flag, Id, Line, Listed, Subject, Text, example
from shared.runtime.web.erased import ErasedView
from shared.runtime.web.gates import GateView
from shared.runtime.web.moments import Day

_INCIDENT: Final = "01960000-0000-7000-8000-000000000001"
_FINDING: Final = "01960000-0000-7000-8000-0000000000f1"
_TEXT: Final = "Null when it is erased, and while it is not at hand."
_GONE: Final = "When and on which ground the text was erased; null while it stands."
_ITEM: Final = {"description": "Say it on the first day", "owner": "u-4711", "due": "2027-06-01"}


class ActionItemBody(Body):
    model_config = example(_ITEM)

    description: Line
    owner: Subject = Field(description="The subject of the person responsible for it.")
    due: Day = Field(description="Today (UTC) or later.")


class FindingBody(Body):
    """A contributing factor: either what will be done about it, or why nothing will."""

    model_config = example(
        {
            "contributing_factor": "New colleagues hear of the camera rule after a month.",
            "control_layer": "training_missing",
            "training_adequate": "no",
            "policy_understood": "unknown",
            "action_items": [_ITEM],
        }
    )

    contributing_factor: Text
    control_layer: ControlLayer = Field(description="Which layer let it through.")
    training_adequate: Answer
    policy_understood: Answer
    action_items: Annotated[Listed[ActionItemBody], Field(max_length=50)] = ()
    no_action_reason: Text | None = Field(default=None, description="Instead of action items.")


class ObservationBody(Body):
    model_config = example({"kind": "got_lucky", "text": "The date on the board was wrong."})

    kind: ObservationKind
    text: Text


class LessonBody(Body):
    """For everybody to read, once the report is published: name nobody."""

    model_config = example({"text": "Look behind you before you take a photo."})

    text: Text


class PolicyClauseBody(Body):
    model_config = example(
        {
            "policy": "Social media",
            "clause": "4.2",
            "comment": "It speaks of documents, not of rooms.",
        }
    )

    policy: Line
    clause: Line
    comment: Text | None = None


class NextReviewBody(Body):
    model_config = example({"on": "2027-06-01"})

    on: Day = Field(description="After today (UTC).")


class Status(StrEnum):
    NOT_OPENED = "not_opened"
    OPEN = "open"
    PUBLISHED = "published"


_REVIEW: Final[dict[str, Any]] = {
    "incident_id": _INCIDENT,
    "status": "open",
    "exercise": False,
    "determination": "confirmed",
    "severity": "high",
    "dismissed": False,
    "known_since": "2026-03-02T09:00:00.118204Z",
    "reported_at": "2026-03-02T09:00:00Z",
    "opened_at": "2026-03-02T09:20:42Z",
    "published_at": None,
    "findings": 1,
    "action_items": 1,
    "lessons": 0,
    "next_review_on": None,
}


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which reviews a reader asks for; None asks for any."""

    status: Status | None = None
    exercise: Flag | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class ActionItemFilter:
    """Which action items a reader asks for; None asks for any."""

    owner: Subject | None = None
    due_before: Day | None = None
    exercise: Flag | None = None
    status: Annotated[Status | None, Query(description="Of the review that it comes from.")] = None
    incident_id: Id | None = None


class ReviewView(BaseModel):
    """A review in a list. Null is unknown, or not yet."""

    model_config = ConfigDict(json_schema_extra={"example": _REVIEW})

    incident_id: UUID
    status: Status
    exercise: bool | None
    determination: Determination | None
    severity: Severity | None
    dismissed: bool
    known_since: datetime = Field(
        description="The time of the first event that review knows of the incident."
    )
    reported_at: datetime | None
    opened_at: datetime | None
    published_at: datetime | None
    findings: int
    action_items: int
    lessons: int
    next_review_on: date | None


_OWED: Final[dict[str, Any]] = {
    "incident_id": _INCIDENT,
    "finding_id": _FINDING,
    "number": 1,
    **_ITEM,
    "erased": None,
    "exercise": False,
    "status": "open",
}


class ActionItemView(BaseModel):
    """Something that somebody owes."""

    model_config = ConfigDict(json_schema_extra={"example": _OWED})

    incident_id: UUID
    finding_id: UUID
    number: int = Field(description="Its number in the finding, from 1.")
    description: str | None = Field(description=_TEXT)
    erased: ErasedView | None = Field(description=_GONE)
    owner: str
    due: date
    exercise: bool | None
    status: Status = Field(description="Of the review that it comes from.")


class LessonView(BaseModel):
    """A lesson of a published report."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "lesson_id": "01960000-0000-7000-8000-0000000000e1",
                "incident_id": _INCIDENT,
                "text": "Look behind you before you take a photo.",
                "erased": None,
                "exercise": False,
                "published_at": "2026-03-03T10:55:00Z",
            }
        }
    )

    lesson_id: UUID = Field(description="The event that recorded it.")
    incident_id: UUID
    text: str | None = Field(description=_TEXT)
    erased: ErasedView | None = Field(description=_GONE)
    exercise: bool | None
    published_at: datetime


class IncidentView(ReviewView):
    """An incident as review knows it, and what the caller may do next."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                **_REVIEW,
                "version": 23,
                "gates": [
                    {
                        "gate": "closure",
                        "subject": "communications",
                        "open": False,
                        "missing": ["communication_to_executives"],
                        "who_can_supply": ["communications", "lead", "legal"],
                        "passed_by_break_glass": False,
                    }
                ],
                "missing": ["communication_to_executives"],
                "next_commands": ["record_finding", "record_lesson"],
                "report": f"/incidents/{_INCIDENT}/report",
            }
        }
    )

    version: int
    gates: list[GateView] = Field(
        description="What publishing waits for, as it stands for the caller."
    )
    missing: list[str] = Field(description="All that the closed gates miss.")
    next_commands: list[str] = Field(description="What the caller may do next.")
    report: str = Field(description="Where the report is: a draft, or the published one.")
