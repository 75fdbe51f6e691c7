"""What callers send to review to have something forgotten or held, and what they get back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.catalogue.review import ErasureGround, ErasureScope, Side
from shared.contract.decision import Rejected
from shared.runtime.web.bodies import Body, Id, Line, Listed, Name, Subject, Text, example

_INCIDENT: Final = "01960000-0000-7000-8000-000000000001"
_ERASURE: Final = "01960000-0000-7000-8000-0000000000e7"
_EVENT: Final = "01960000-0000-7000-8000-0000000000a7"
_HOLD: Final = "01960000-0000-7000-8000-0000000000b7"


class ErasureBody(Body):
    """What is to be forgotten: some fields of one event, all texts of one event, or all that a
    person said, that names the person, or that mentions these words."""

    model_config = example(
        {
            "event_id": _EVENT,
            "fields": ["description"],
            "ground": "consent_withdrawn",
            "reason": "The reporter asked for it on 2026-03-04.",
        }
    )

    event_id: Id | None = Field(default=None, description="The event whose texts are meant.")
    fields: Annotated[Listed[Name], Field(max_length=50)] = Field(
        default=(), description="With event_id: these fields alone."
    )
    person: Subject | None = Field(
        default=None, description="Everything in this incident that the person said or is named in."
    )
    mentions: Annotated[Listed[Line], Field(max_length=50)] = Field(
        default=(), description="Every text of this incident with one of these words, in any case."
    )
    ground: ErasureGround
    reason: Text
    side: Side | None = Field(
        default=None, description="For which side you ask; needed when you may speak for both."
    )

    @property
    def scope(self) -> ErasureScope:
        """Raises Rejected when the body names none, or more than one."""
        of_event = self.event_id is not None
        if of_event == (self.person is not None or bool(self.mentions)):
            raise _one_scope("Name either an event_id, or a person or what is mentioned.")
        if self.fields and not of_event:
            raise _one_scope("Fields are of an event: name its event_id.")
        if self.event_id is None:
            return ErasureScope.PERSON
        return ErasureScope.FIELDS if self.fields else ErasureScope.EVENT


def _one_scope(detail: str) -> Rejected:
    """Said as a rule, because no schema of the document says it."""
    return Rejected("one_scope", detail, missing=("event_id or person or mentions",))


class ErasureRefusalBody(Body):
    model_config = example({"reason": "The retention that the law asks for has not ended."})

    reason: Text


class HoldBody(Body):
    model_config = example({"reason": "A court has asked for the record."})

    reason: Text
    side: Side | None = Field(
        default=None, description="For which side you speak; needed when you may speak for both."
    )


class ReleaseBody(Body):
    model_config = example({"reason": "The case is closed."})

    reason: Text


class ErasureStatus(StrEnum):
    REQUESTED = "requested"
    ERASED = "erased"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ErasureFilter:
    """Which erasures a reader asks for; None asks for any."""

    status: ErasureStatus | None = None
    ground: ErasureGround | None = None
    incident_id: Id | None = None


class ErasedField(BaseModel):
    """One text that is asked for, or gone: never what it said."""

    event_id: UUID
    name: str = Field(description='The field; "unnamed" where nobody could tell.')


_SHOWN: Final[dict[str, Any]] = {
    "erasure_id": _ERASURE,
    "incident_id": _INCIDENT,
    "status": "erased",
    "scope": "fields",
    "ground": "consent_withdrawn",
    "texts": [{"event_id": _EVENT, "name": "description"}],
    "asked_as": "privacy",
    "requested_by": "u-0815",
    "requested_at": "2026-03-04T09:00:00Z",
    "reason": "The reporter asked for it on 2026-03-04.",
    "decided_by": "u-4711",
    "decided_at": "2026-03-04T10:30:00Z",
    "refusal": None,
}


class ErasureView(BaseModel):
    """An erasure that is asked for, decided, or came by itself when retention ended."""

    model_config = ConfigDict(json_schema_extra={"example": _SHOWN})

    erasure_id: UUID
    incident_id: UUID
    status: ErasureStatus
    scope: ErasureScope | None = Field(description="Null where retention ended by itself.")
    ground: ErasureGround
    texts: list[ErasedField]
    asked_as: Side | None
    requested_by: str
    requested_at: datetime
    reason: str | None = Field(description="Null where there was none, or it is erased itself.")
    decided_by: str | None = Field(description="Null while nobody has, or where retention did.")
    decided_at: datetime | None
    refusal: str | None = Field(description="Why it was refused.")


class HoldView(BaseModel):
    """A hold; while one stands, nothing of its incident is erased."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "hold_id": _HOLD,
                "incident_id": _INCIDENT,
                "placed_as": "legal",
                "placed_by": "u-4711",
                "placed_at": "2026-03-04T10:30:00Z",
                "reason": "A court has asked for the record.",
                "released_by": None,
                "released_at": None,
                "release_reason": None,
            }
        }
    )

    hold_id: UUID
    incident_id: UUID
    placed_as: Side
    placed_by: str
    placed_at: datetime
    reason: str | None = Field(description="Null once it is erased.")
    released_by: str | None
    released_at: datetime | None
    release_reason: str | None
