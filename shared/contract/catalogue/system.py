"""What services say about the record itself and no incident: it stands on the system subject of
its partition."""

from datetime import datetime
from typing import ClassVar, Self

from pydantic import Field, model_validator

from shared.contract.catalogue.base import Code, Confidential, Digest, EventData, Line, Person
from shared.contract.catalogue.review import ErasureGround
from shared.contract.vocabulary import ServiceName


class SystemRecord(EventData):
    """Has a partition's system subject (`topics.system_subject`) for its subject; nothing else
    has."""


class KeyRotated(SystemRecord):
    """From the next number of this chain on the service signs with the new key. This event is still
    signed with the old one."""

    TYPE: ClassVar[str] = "ledger.key_rotated.v1"
    SAID_BY: ClassVar[ServiceName | None] = None

    vkey: str = Field(
        pattern=r"^[^\s+]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44,60}$",
        description="C2SP signed-note verifier key of the new key: name+id+base64.",
    )


class ChainHoleRecorded(SystemRecord):
    """The sealed log waits for a number of a chain that did not come in time. The partition is that
    of this event's own chain."""

    TYPE: ClassVar[str] = "ledger.chain_hole_recorded.v1"
    SAID_BY: ClassVar[ServiceName | None] = ServiceName.REVIEW

    chain: ServiceName
    missing: int = Field(ge=1, description="The chain's number that is missing on the topic.")
    since: datetime = Field(description="When the sealer first saw a later number of the chain.")


class MessageParkedRecorded(SystemRecord):
    """A message of the topic is no leaf of the sealed log, and why. It stands on the partition of
    this event's own chain."""

    TYPE: ClassVar[str] = "ledger.message_parked_recorded.v1"
    SAID_BY: ClassVar[ServiceName | None] = ServiceName.REVIEW

    offset: int = Field(ge=0, description="Where on the partition it stands.")
    reason: Code
    value_sha256: Digest = Field(description="SHA-256 of the message's value, as hex.")
    chain: ServiceName | None = Field(
        None, description="Whose event it claims to be; null when it cannot be read."
    )
    sequence: int | None = None


class ParkedSettled(SystemRecord):
    """Two persons have looked at a message that the service could not hear, and it never will be:
    it is no event of this ledger. It stands on the partition of this event's own chain."""

    TYPE: ClassVar[str] = "ledger.parked_settled.v1"
    SAID_BY: ClassVar[ServiceName | None] = None

    offset: int = Field(ge=0, description="Where on the partition it stands.")
    value_sha256: Digest = Field(description="SHA-256 of the message's value, as hex.")
    parked_as: Code = Field(description="The reason for which the service could not hear it.")
    reason: Confidential[Line] = Field(description="Why it may be left as it is.")
    proposed_by: Person
    confirmed_by: Person = Field(description="Another person.")

    @model_validator(mode="after")
    def _two_persons(self) -> Self:
        if self.proposed_by == self.confirmed_by:
            raise ValueError("proposed_by and confirmed_by are the same person")
        return self


class PersonErased(SystemRecord):
    """Two persons have decided that nobody can tell any more who stands behind a pseudonym: every
    service drops the person from its directory, and takes the person in no more."""

    TYPE: ClassVar[str] = "ledger.person_erased.v1"
    SAID_BY: ClassVar[ServiceName | None] = ServiceName.REVIEW

    person: Person
    ground: ErasureGround
    requested_by: Person
    confirmed_by: Person = Field(description="Another person.")

    @model_validator(mode="after")
    def _two_persons(self) -> Self:
        if self.requested_by == self.confirmed_by:
            raise ValueError("requested_by and confirmed_by are the same person")
        return self
