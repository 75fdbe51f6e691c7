"""What a caller gets for a command, and what a timeline is made of: events in their places, with
their proofs."""

import base64
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.envelope import Unknown
from shared.contract.hashing import SIGNATURE
from shared.runtime.say.history import TextsOf
from shared.runtime.say.ledger import Carried
from shared.runtime.say.plan import Signed

_EXAMPLE: Final[dict[str, Any]] = {
    "event_id": "01960000-0000-7000-8000-0000000000a7",
    "type": "incident.seat_filled.v1",
    "time": "2026-03-02T09:14:03.118204Z",
    "service": "triage",
    "partition": 5,
    "sequence": 42,
    "version": 7,
    "hash": "7d2f0c1b0f5c4a0fb2c7f5c2a1f1c6b6e7f2d4d6a3b1c9e8f7a6b5c4d3e2f101",
    "signature": "CzBVep/E6Q4zWH2ix+wRNluApcrvFDleg6jN8hc8YYar0PUaP2SJrtP4"
    "HUJnjLHW+yBFao+02f4jSG2St9wBJg==",
    "keyid": "1f2e3d4c",
    "data": {"seat": "legal", "holder": "u-4711"},
}
_SAID: Final[dict[str, Any]] = {
    "actor": "u-0815",
    "correlation_id": "01960000-0000-7000-8000-0000000000a6",
    "causation_id": "01960000-0000-7000-8000-0000000000a5",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}


class Receipt(BaseModel):
    """One event in its place: enough to check later that it was not dropped or changed."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    event_id: UUID
    type: str
    time: datetime
    service: str
    partition: int = Field(description="With `service` the chain that the event stands on.")
    sequence: int = Field(description="Its number on the chain, from 1, without gaps.")
    version: int = Field(
        description="Its number among all that this service knows of the incident."
    )
    hash: str = Field(
        description="SHA-256(0x00 || envelope), hex: also the leaf hash of the sealed log."
    )
    signature: str = Field(description=f"Base64. {SIGNATURE}")
    keyid: str
    data: dict[str, Any]

    @classmethod
    def of(cls, signed: Signed) -> "Receipt":
        return cls(**_members(signed))


class TimelineItem(Receipt):
    """A receipt with who said it and why."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE | _SAID})

    actor: str
    correlation_id: str
    causation_id: UUID | None
    traceparent: str | None

    @classmethod
    def of(cls, signed: Signed) -> "TimelineItem":
        event = signed.recorded.event
        return cls(
            **_members(signed),
            actor=event.actor,
            correlation_id=event.correlation_id,
            causation_id=event.causation_id,
            traceparent=event.traceparent,
        )


class EventTexts(BaseModel):
    """What people wrote in one event, as far as it is at hand: RFC 9901 disclosures. Each counts
    because its digest stands in the event."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "version": 1,
                "event_id": "01960000-0000-7000-8000-0000000000a7",
                "disclosures": [
                    "WyI2cU1RdlJMNWhhajJyNU5PSFJ3c1d3IiwiZGVzY3JpcHRpb24iLCJBIHBob3RvLiJd"
                ],
            }
        }
    )

    version: int
    event_id: UUID
    disclosures: tuple[str, ...]

    @classmethod
    def of(cls, texts: TextsOf) -> "EventTexts":
        return cls(version=texts.version, event_id=texts.event_id, disclosures=texts.texts)


class Accepted(BaseModel):
    """What a command made true. The same request with the same `Idempotency-Key` gets the same
    answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "incident_id": "01960000-0000-7000-8000-000000000001",
                "version": 7,
                "events": [_EXAMPLE],
            }
        }
    )

    incident_id: UUID
    version: int = Field(
        description="The incident's version here after the command; also the ETag."
    )
    events: list[Receipt] = Field(description="Empty when there was nothing new to say.")

    @classmethod
    def of(cls, carried: Carried) -> "Accepted":
        return cls(
            incident_id=carried.subject_id,
            version=carried.version,
            events=[Receipt.of(signed) for signed in carried.signed],
        )


def _members(signed: Signed) -> dict[str, Any]:
    event = signed.recorded.event
    data = (
        event.data.value if isinstance(event.data, Unknown) else event.data.model_dump(mode="json")
    )
    return {
        "event_id": event.id,
        "type": event.type,
        "time": event.time,
        "service": event.service.value,
        "partition": event.link.partition,
        "sequence": event.link.sequence,
        "version": signed.recorded.version,
        "hash": event.hash.hex(),
        "signature": base64.b64encode(signed.signature).decode(),
        "keyid": event.keyid,
        "data": data if isinstance(data, dict) else {"value": data},
    }
