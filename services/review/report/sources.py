"""Where the statements of a report come from, and which of their texts an edition has to do
without."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contract.catalogue.review import ErasureGround
from shared.contract.vocabulary import ServiceName


@dataclass(frozen=True, slots=True)
class Ref:
    """An event, by its id and its place on the log."""

    event_id: UUID
    service: ServiceName
    partition: int
    sequence: int

    @property
    def short(self) -> str:
        """The end of the id: the beginning of a UUIDv7 is a time, which neighbours share."""
        return str(self.event_id)[-8:]

    @property
    def place(self) -> str:
        return f"{self.service}/{self.partition}/{self.sequence}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement of the report comes from: recorded when, said by whom, in which event."""

    at: datetime
    by: str
    event: Ref


@dataclass(frozen=True, slots=True)
class ErasedLine:
    """A text of the report that is forgotten for good; `by` is the event that says so."""

    event: Ref
    type: str
    field: str
    erased_at: datetime
    ground: ErasureGround
    by: Ref


@dataclass(frozen=True, slots=True)
class WithheldLine:
    """How many texts of one event were not at hand when the edition was made. Which fields they
    stand in cannot be told without them."""

    event: Ref
    type: str
    texts: int


@dataclass(frozen=True, slots=True)
class Edition:
    """What sets one edition of a report apart from the others: the texts that it has to do
    without. All are made from the skeleton whose digest they name."""

    skeleton_sha256: str
    erased: tuple[ErasedLine, ...]
    withheld: tuple[WithheldLine, ...]
