"""The one request that intake takes. `EVENT` is the event that records it; an audit makes the
command again from it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeAlias
from uuid import UUID

from shared.contract.catalogue import intake
from shared.contract.catalogue.base import Exposure, Withheld, Words
from shared.contract.catalogue.intake import ForeignEvent, ReportChannel
from shared.contract.vocabulary import DiscoveryMethod, Fidelity, InformationType


@dataclass(frozen=True, slots=True)
class Report:
    """A person or a system tells us; `opens` is false when the report names the incident that it
    adds to."""

    EVENT: ClassVar = intake.Reported

    opens: bool
    channel: ReportChannel
    exercise: bool = False
    reporter: UUID | None = None
    discovery: DiscoveryMethod = DiscoveryMethod.UNKNOWN
    noticed_at: datetime | None = None
    noticed_at_fidelity: Fidelity | None = None
    description: Words | None = None
    exposure: Exposure = field(default_factory=Exposure)
    information_types: tuple[InformationType, ...] = ()
    foreign: ForeignEvent | Withheld | None = None


Command: TypeAlias = Report
