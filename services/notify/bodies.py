"""What callers send to notify and what they see."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from shared.contract.vocabulary import ApprovalKind, Audience, Determination, Severity
from shared.runtime.web.bodies import Body, Flag, Id, Listed, Name, OneLine, Subject, Text, example
from shared.runtime.web.gates import GateView
from shared.runtime.web.moments import Moment
from shared.runtime.web.persons.shown import Peopled

_INCIDENT: Final = "01960000-0000-7000-8000-000000000001"
_MESSAGE: Final = "01960000-0000-7000-8000-0000000000c1"
_FACT: Final = "01960000-0000-7000-8000-0000000000f1"
_DRAFT: Final[dict[str, Any]] = {
    "audience": "executives",
    "channel": "management mail",
    "title": "A roadmap in a public post",
    "text": "A photo of next year's roadmap stands in a public post. It is ours; removal has been "
    "asked for.",
    "facts": [_FACT],
}


class DraftBody(Body):
    model_config = example(_DRAFT)

    audience: Audience
    channel: Name = Field(description="One of the names under /channels.")
    title: OneLine
    text: Text
    facts: Listed[Id] = Field(
        max_length=100, description="The established facts that the text rests on."
    )


class ApprovalBody(Body):
    """An empty one gives the approval that is lacking and yours to give."""

    model_config = example({"approval": "legal"})

    approval: ApprovalKind | None = None


class RejectionBody(Body):
    model_config = example({"reason": "It says more than we know."})

    reason: Text


class OutcomeBody(Body):
    """What somebody found out about a message of unknown outcome."""

    model_config = example(
        {"delivered": False, "reason": "The mail server's log has no such message."}
    )

    delivered: bool = Field(description="When it was not, the message can be requested again.")
    reason: Text = Field(description="How that was found out.")


class WaiverBody(Body):
    model_config = example({"audience": "executives", "reason": "They wrote the post."})

    audience: Audience
    reason: Text


class DutyStatus(StrEnum):
    REQUIRED = "required"
    TOLD = "told"
    WAIVED = "waived"


class Status(StrEnum):
    """How far a message is."""

    DRAFT = "draft"
    APPROVED = "approved"
    REJECTED = "rejected"
    REQUESTED = "requested"
    STARTED = "started"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    COMMUNICATED = "communicated"


class ChannelView(BaseModel):
    model_config = example({"name": "management mail"})

    name: str


class DutyView(BaseModel):
    """An audience that must be told."""

    audience: Audience
    rule: str = Field(description="The row of the table of duties that asks for it.")
    status: DutyStatus
    required_at: datetime
    settled_at: datetime | None
    settled_by: str | None = Field(
        description="Whose doing it was that the audience was told, or need not be."
    )
    reason: str | None = Field(description="Why it was waived.")


class ApprovalView(BaseModel):
    approval: ApprovalKind
    by: str
    at: datetime


_ROW: Final[dict[str, Any]] = {
    "communication_id": _MESSAGE,
    "incident_id": _INCIDENT,
    "exercise": False,
    **_DRAFT,
    "drafted_by": "colin",
    "drafted_at": "2026-03-02T09:40:11Z",
    "approvals": [],
    "status": "draft",
    "since": "2026-03-02T09:40:11Z",
    "attempt": 0,
    "due_at": None,
    "note": None,
}
_GATES: Final[list[dict[str, Any]]] = [
    {
        "gate": "facts",
        "subject": f"communication {_MESSAGE}",
        "open": True,
        "missing": [],
        "who_can_supply": ["responder", "lead"],
        "passed_by_break_glass": False,
    },
    {
        "gate": "approval",
        "subject": f"communication {_MESSAGE}",
        "open": False,
        "missing": ["peer_approval"],
        "who_can_supply": ["communications", "lead"],
        "passed_by_break_glass": False,
    },
]
_MESSAGE_VIEW: Final[dict[str, Any]] = {
    **_ROW,
    "gates": _GATES,
    "next_commands": ["approve", "reject"],
}


class CommunicationRow(BaseModel):
    """A message as the list shows it."""

    model_config = example(_ROW)

    communication_id: UUID
    incident_id: UUID
    exercise: bool | None = Field(
        description="Null until the report is heard; nothing is sent before that."
    )
    audience: Audience
    channel: str
    title: str | None = Field(description="Null once it is erased.")
    text: str | None = Field(description="Null once it is erased.")
    facts: list[UUID]
    drafted_by: str
    drafted_at: datetime
    approvals: list[ApprovalView]
    status: Status
    since: datetime = Field(description="When it came to its status.")
    attempt: int = Field(description="How often sending was tried.")
    due_at: datetime | None = Field(
        description="When the sender takes it up; null when it does not."
    )
    note: str | None = Field(
        description="Why it was rejected, why sending failed, or what a person found out."
    )


class CommunicationView(CommunicationRow):
    """A message with what it waits for and what the caller may do about it next."""

    model_config = example(_MESSAGE_VIEW)

    gates: list[GateView]
    next_commands: list[str]


_INCIDENT_ROW: Final[dict[str, Any]] = {
    "incident_id": _INCIDENT,
    "known_since": "2026-03-02T09:00:00.118204Z",
    "exercise": False,
    "determination": "confirmed",
    "severity": "high",
    "owed": 1,
}


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents a reader asks for; None asks for any."""

    exercise: Flag | None = None
    determination: Determination | None = None
    severity: Severity | None = None
    owes_telling: Annotated[
        Flag | None, Query(description="Whether an audience must still be told.")
    ] = None
    since: Annotated[Moment | None, Query(description="Known at or after.")] = None
    until: Annotated[Moment | None, Query(description="Known before.")] = None


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages a reader asks for; None asks for any."""

    incident_id: Id | None = None
    status: Status | None = None
    audience: Audience | None = None
    channel: Name | None = None
    drafted_by: Subject | None = None
    exercise: Flag | None = None


class IncidentRow(BaseModel):
    """An incident as the list shows it. Null is unknown, or not yet."""

    model_config = example(_INCIDENT_ROW)

    incident_id: UUID
    known_since: datetime = Field(
        description="The time of the first event that notify knows of the incident."
    )
    exercise: bool | None
    determination: Determination | None
    severity: Severity | None
    owed: int = Field(description="Audiences that must be told, and neither were nor need not be.")


class IncidentView(IncidentRow, Peopled):
    """Who must be told, who was, and what the caller may do next."""

    model_config = example(
        {
            **_INCIDENT_ROW,
            "version": 12,
            "duties": [
                {
                    "audience": "executives",
                    "rule": "serious_to_executives",
                    "status": "required",
                    "required_at": "2026-03-02T09:31:00Z",
                    "settled_at": None,
                    "settled_by": None,
                    "reason": None,
                }
            ],
            "communications": [_MESSAGE_VIEW],
            "gates": _GATES,
            "next_commands": ["draft_communication", "approve", "reject"],
        }
    )

    version: int
    duties: list[DutyView]
    communications: list[CommunicationView] = Field(
        description="The newest 200; /communications has all."
    )
    gates: list[GateView] = Field(description="What its messages wait for.")
    next_commands: list[str] = Field(description="What the caller may do next.")
