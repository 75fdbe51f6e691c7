"""What services say about the record itself and no incident: it stands on the system incident of
its partition."""

from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from shared.contract.catalogue.base import Confidential, EventData, Line, Name
from shared.contract.vocabulary import ServiceName


class SystemRecord(EventData):
    """Has a partition's system incident (`topics.system_incident`) for its subject; nothing else
    has."""


class KeyRotated(SystemRecord):
    """From the next number of this chain on the service signs with the new key. This event is still
    signed with the old one."""

    TYPE: ClassVar[str] = "incident.key_rotated.v1"
    SAID_BY: ClassVar[ServiceName | None] = None

    vkey: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        description="C2SP signed-note verifier key of the new key: name+id+base64."
    )


class ChainHoleRecorded(SystemRecord):
    """The sealed log waits for a number of a chain that did not come in time. The partition is that
    of this event's own chain."""

    TYPE: ClassVar[str] = "incident.chain_hole_recorded.v1"
    SAID_BY: ClassVar[ServiceName | None] = ServiceName.REVIEW

    chain: ServiceName
    missing: int = Field(ge=1, description="The chain's number that is missing on the topic.")
    since: datetime = Field(description="When the sealer first saw a later number of the chain.")


class MessageParkedRecorded(SystemRecord):
    """A message of the topic is no leaf of the sealed log, and why. It stands on the partition of
    this event's own chain."""

    TYPE: ClassVar[str] = "incident.message_parked_recorded.v1"
    SAID_BY: ClassVar[ServiceName | None] = ServiceName.REVIEW

    offset: int = Field(ge=0, description="Where on the partition it stands.")
    reason: str
    value_sha256: str = Field(description="SHA-256 of the message's value, as hex.")
    chain: ServiceName | None = Field(
        None, description="Whose event it claims to be; null when it cannot be read."
    )
    sequence: int | None = None


class ParkedSettled(SystemRecord):
    """Two persons have looked at a message that the service could not hear, and it never will be:
    it is no event of this ledger. It stands on the partition of this event's own chain."""

    TYPE: ClassVar[str] = "incident.parked_settled.v1"
    SAID_BY: ClassVar[ServiceName | None] = None

    offset: int = Field(ge=0, description="Where on the partition it stands.")
    value_sha256: str = Field(
        pattern="^[0-9a-f]{64}$", description="SHA-256 of the message's value, as hex."
    )
    parked_as: str = Field(description="The reason for which the service could not hear it.")
    reason: Confidential[Line] = Field(description="Why it may be left as it is.")
    proposed_by: Name
    confirmed_by: Name = Field(description="Another person.")

    @model_validator(mode="after")
    def _two_persons(self) -> Self:
        if self.proposed_by.strip().casefold() == self.confirmed_by.strip().casefold():
            raise ValueError("proposed_by and confirmed_by are the same person")
        return self
