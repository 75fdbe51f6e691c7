"""What services say about the record itself and no incident: it stands on the system incident of its partition."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contract.catalogue.base import EventData
from shared.contract.vocabulary import ServiceName


class SystemRecord(EventData):
    """Has a partition's system incident (`topics.system_incident`) for its subject; nothing else has."""


class KeyRotated(SystemRecord):
    """From the next number of this chain on the service signs with the new key. This event is still signed with the old one."""

    TYPE: ClassVar[str] = "incident.key_rotated.v1"
    SAID_BY: ClassVar[ServiceName | None] = None

    vkey: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        description="C2SP signed-note verifier key of the new key: name+id+base64."
    )
