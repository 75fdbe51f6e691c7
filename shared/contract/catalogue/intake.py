"""What intake says: somebody or something told us."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contract.catalogue.base import (
    Confidential,
    Exposure,
    IncidentEvent,
    InWords,
    Line,
    Part,
    Text,
)
from shared.contract.vocabulary import DiscoveryMethod, Fidelity, InformationType, ServiceName
from shared.contract.wording import place, word


class ReportChannel(StrEnum):
    API = "api"
    BATCH = "batch"
    CLOUDEVENTS = "cloudevents"


class ForeignEvent(Part):
    """The CloudEvent of another system that the report was made from."""

    source: Line
    id: Line
    type: Line


class Reported(IncidentEvent):
    """Somebody or something told us; it opens an incident or adds to one."""

    TYPE: ClassVar[str] = "incident.reported.v1"
    SAID_BY: ClassVar[ServiceName] = ServiceName.INTAKE

    opens: bool = Field(
        description="True when this report opened the incident, false when it adds to it."
    )
    exercise: bool = Field(
        False, description="A drill: handled like the real thing, and shown as a drill everywhere."
    )
    channel: ReportChannel
    reporter: UUID | None = Field(
        None, description="Opaque reference into intake's own table; null for an anonymous report."
    )
    discovery: DiscoveryMethod = DiscoveryMethod.UNKNOWN
    noticed_at: datetime | None = Field(None, description="When it was noticed; null is unknown.")
    noticed_at_fidelity: Fidelity | None = None
    description: Confidential[Text | None] = None
    exposure: Exposure = Exposure()
    information_types: tuple[InformationType, ...] = ()
    foreign: Confidential[ForeignEvent | None] = None

    def in_words(self) -> InWords:
        what = "Reported" if self.opens else "Reported in addition"
        drill = " as an exercise" if self.exercise else ""
        by = (
            f"noticed by {word(self.discovery)}"
            if self.discovery != "unknown"
            else "who noticed it is unknown"
        )
        return f"{what}{drill}: {place(self.exposure)}; {by}.", self.description
