"""What callers send to intake and what they get back."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.fidelity import as_stated
from shared.contract.hashing import SIGNATURE
from shared.contract.vocabulary import DiscoveryMethod, Fidelity, InformationType
from shared.runtime.say.plan import Signed
from shared.runtime.web.bodies import Body, Flag, Id, Line, Name, Text
from shared.runtime.web.confidential import Readable
from shared.runtime.web.exposure import ExposureBody, or_unknown
from shared.runtime.web.moments import Moment, WrittenMoment
from shared.runtime.web.persons.shown import Peopled

IDEMPOTENCY_KEY: Final = r"^[\x21-\x7e]{1,255}$"

REPORT_EXAMPLE: Final[dict[str, Any]] = {
    "discovery": "employee",
    "noticed_at": "2026-03-02T08:15:00Z",
    "noticed_at_fidelity": "hour",
    "description": "A photo of a whiteboard with next year's roadmap",
    "exposure": {
        "platform": "mastodon",
        "url": "https://social.example/@somebody/112233",
        "post_kind": "post",
        "author_relation": "employee",
        "visibility": "public",
        "audience_tier": "D",
        "still_live": "yes",
        "copies": "unknown",
    },
    "information_types": ["proprietary"],
    "reporter": {"name": "Robin Example", "contact": "robin@example.org"},
}


_INCIDENT: Final = "01960000-0000-7000-8000-000000000001"
_REPORT: Final = "01960000-0000-7000-8000-0000000000a1"
_REFERENCE: Final = "01960000-0000-7000-8000-0000000000b1"
_PLACE: Final[dict[str, Any]] = {
    "chain": {"service": "intake", "partition": 5, "sequence": 42},
    "hash": "7d2f0c1b0f5c4a0fb2c7f5c2a1f1c6b6e7f2d4d6a3b1c9e8f7a6b5c4d3e2f101",
}
RECEIPT_EXAMPLE: Final[dict[str, Any]] = {
    "incident_id": _INCIDENT,
    "event_id": _REPORT,
    **_PLACE,
    "version": 1,
    "signature": "b3BhcXVlIHNpZ25hdHVyZSBvZiA2NCBieXRlcywgaW4gYmFzZTY0LCBh"
    "cyBFZDI1NTE5IGdpdmVzIGl0ISEhIQ==",
    "keyid": "1f2e3d4c",
    "time": "2026-03-02T09:14:03.118204Z",
    "links": {"status": f"/reports/{_REPORT}/status", "report": f"/reports/{_REPORT}"},
}
_REPORT_VIEW: Final[dict[str, Any]] = {
    "report_id": _REPORT,
    "incident_id": _INCIDENT,
    "version": 1,
    "said_at": "2026-03-02T09:14:03.118204Z",
    "actor": "u-0815",
    "anonymous": False,
    **_PLACE,
    "data": {
        **REPORT_EXAMPLE,
        "opens": True,
        "exercise": False,
        "channel": "api",
        "reporter": _REFERENCE,
        "exposure": {**REPORT_EXAMPLE["exposure"], "copies": None},
        "foreign": None,
    },
}


def _example(value: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": value})


def _some_types(value: object) -> object:
    if value == "unknown":
        return (InformationType.UNKNOWN,)
    # Past a validator of ours a list is no longer JSON's, and the model wants a tuple.
    return tuple(value) if isinstance(value, list) else value


def _some_exposure(value: object) -> object:
    return {} if value == "unknown" else value


def _each_once(types: tuple[InformationType, ...]) -> tuple[InformationType, ...]:
    return tuple(dict.fromkeys(types))


class ReporterBody(Body):
    """Who tells us. Kept in intake's own table; events carry an opaque reference to it."""

    name: Name | None = None
    contact: Line | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "ReporterBody":
        if self.name is None and self.contact is None:
            raise ValueError("give a name or a contact, or leave reporter out")
        return self


class ReportBody(Body):
    """What somebody noticed. Every field may be left out or be "unknown"."""

    model_config = ConfigDict(json_schema_extra={"examples": [REPORT_EXAMPLE]})

    incident_id: Id | None = Field(
        default=None,
        description="The incident that this adds to; left out, the report opens a new one.",
    )
    exercise: StrictBool = Field(
        default=False, description="A drill: handled like the real thing, and shown as a drill."
    )
    discovery: DiscoveryMethod = Field(
        default=DiscoveryMethod.UNKNOWN, description="Who or what noticed."
    )
    noticed_at: Annotated[WrittenMoment | None, or_unknown(WrittenMoment)] = Field(
        default=None,
        description="With an offset from UTC. Where only the day, month or year is known, the date "
        "as it is written counts, in whatever zone.",
    )
    noticed_at_fidelity: Annotated[Fidelity | None, or_unknown(Fidelity)] = Field(
        default=None, description='How exactly that is known: a post may only say "3 d ago".'
    )
    description: Annotated[Text | None, or_unknown(Text)] = None
    exposure: Annotated[
        ExposureBody,
        BeforeValidator(_some_exposure, json_schema_input_type=ExposureBody | Literal["unknown"]),
    ] = ExposureBody()
    information_types: Annotated[
        tuple[InformationType, ...],
        Field(max_length=100, fail_fast=True),
        AfterValidator(_each_once),
        BeforeValidator(
            _some_types, json_schema_input_type=list[InformationType] | Literal["unknown"]
        ),
    ] = Field(default=(), description="What it seems to contain.")
    reporter: ReporterBody | None = None
    anonymous: StrictBool = Field(
        default=False, description="Nothing about who sent this is kept, not even who called."
    )

    @model_validator(mode="after")
    def _named_or_anonymous(self) -> "ReportBody":
        if self.anonymous and self.reporter is not None:
            raise ValueError("an anonymous report names no reporter; leave out one of the two")
        return self

    @property
    def noticed(self) -> datetime | None:
        """When it was noticed, as the event holds it."""
        if self.noticed_at is None:
            return None
        return as_stated(self.noticed_at, self.noticed_at_fidelity)


class BatchLine(ReportBody):
    """One line of a batch: a report, with a key of its own when it may have to be sent again."""

    idempotency_key: Annotated[str, Field(pattern=IDEMPOTENCY_KEY)] | None = Field(
        default=None, description="As the header Idempotency-Key of a single report."
    )


class Chain(BaseModel):
    """A place: the chain of one service on one partition, and the number on it, from 1, without
    gaps."""

    service: str
    partition: int
    sequence: int


class ReceiptLinks(BaseModel):
    status: str = Field(description="The public status, without a token.")
    report: str = Field(description="The report, for staff.")


class ReportReceipt(BaseModel):
    """Keep it: with it anybody can check later that the report was neither dropped nor changed."""

    model_config = _example(RECEIPT_EXAMPLE)

    incident_id: UUID
    event_id: UUID = Field(description="The event that the report became; also the report's id.")
    chain: Chain
    version: int = Field(description="The incident's version after the report.")
    hash: str = Field(
        description="SHA-256(0x00 || envelope), hex: also the leaf hash of the sealed log."
    )
    signature: str = Field(description=f"Base64. {SIGNATURE}")
    keyid: str
    time: datetime
    links: ReceiptLinks

    @classmethod
    def of(cls, signed: Signed) -> "ReportReceipt":
        event = signed.recorded.event
        link = event.link
        return cls(
            incident_id=event.subject_id,
            event_id=event.id,
            chain=Chain(
                service=link.service.value, partition=link.partition, sequence=link.sequence
            ),
            version=signed.recorded.version,
            hash=event.hash.hex(),
            signature=base64.b64encode(signed.signature).decode(),
            keyid=event.keyid,
            time=event.time,
            links=ReceiptLinks(status=f"/reports/{event.id}/status", report=f"/reports/{event.id}"),
        )


class PublicStatus(BaseModel):
    """How far the incident of a report has come. No details."""

    model_config = _example({"report_id": _REPORT, "stage": "assessed", "exercise": False})

    report_id: UUID
    stage: str = Field(
        description="received, assessed, contained, communicated, reviewed or closed"
    )
    exercise: bool


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which reports a reader asks for; None asks for any."""

    incident_id: Id | None = None
    exercise: Flag | None = None
    anonymous: Flag | None = None
    channel: ReportChannel | None = None
    platform: Annotated[Name | None, Query(description="In upper or lower case.")] = None
    since: Annotated[Moment | None, Query(description="Said at or after.")] = None
    until: Annotated[Moment | None, Query(description="Said before.")] = None


class ReportView(Readable, Peopled):
    """A report as staff read it. Who told us is behind `data.reporter`, and only legal may look."""

    model_config = _example(_REPORT_VIEW)

    report_id: UUID
    incident_id: UUID
    version: int
    said_at: datetime
    actor: str
    anonymous: bool
    chain: Chain
    hash: str
    data: Reported


class IncidentView(Peopled):
    model_config = _example(
        {
            "incident_id": _INCIDENT,
            "version": 7,
            "exercise": False,
            "stage": "assessed",
            "opened_at": "2026-03-02T09:14:03.118204Z",
            "report_count": 1,
            "reports": [_REPORT_VIEW],
            "gates": [],
            "next_commands": ["report"],
        }
    )

    incident_id: UUID
    version: int
    exercise: bool
    stage: str
    opened_at: datetime
    report_count: int
    reports: list[ReportView] = Field(
        description="The newest; all of them under /reports?incident_id=…"
    )
    gates: list[dict[str, Any]] = Field(description="Always empty: to tell us waits for nothing.")
    next_commands: list[str] = Field(description="What the caller may do next.")


class ReporterView(BaseModel):
    model_config = _example(
        {
            "reference": _REFERENCE,
            "name": "Robin Example",
            "contact": "robin@example.org",
            "kept_at": "2026-03-02T09:14:03.118204Z",
        }
    )

    reference: UUID
    name: str | None
    contact: str | None
    kept_at: datetime
