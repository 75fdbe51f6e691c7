"""Messages as services would put them on the topic, signed with the test session's keys."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from deploy.local.keys import Keys
from shared.chain.signatures import sign
from shared.contract.catalogue.base import EventData
from shared.contract.envelope import Event, Link, Said, read, write
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import HEADER_SIGNATURE, is_system, key_of, partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.process import clock
from shared.tlog.note import Signer

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Remarked(EventData):
    """A type that is new to every reader, so that any service may say it."""

    TYPE: ClassVar[str] = "incident.remarked.v1"

    text: str = "a whiteboard"


class RecordRemarked(Remarked):
    """The same, of the record itself."""

    TYPE: ClassVar[str] = "ledger.remarked.v1"


@dataclass(slots=True)
class Voice:
    """A service that says things on one partition."""

    keys: Keys
    service: ServiceName = ServiceName.INTAKE
    partition: int = 3
    said: int = 0
    before: bytes = ZERO_HASH
    signer: Signer = field(init=False)
    incident: UUID = field(init=False)

    def __post_init__(self) -> None:
        self.signer = Signer.parse(
            self.keys.signing_key(self.service).read_text(encoding="utf-8").strip()
        )
        self.incident = next(
            made for made in iter(clock.new_id, None) if partition_of(made) == self.partition
        )

    def say(self, count: int = 1, data: EventData | None = None) -> list[Record]:
        """So many events, said at once: signed as one commit signs them."""
        otherwise = RecordRemarked() if is_system(self.incident) else Remarked()
        events = [self._say(data or otherwise) for _ in range(count)]
        return [
            Record(
                self.partition,
                0,
                key_of(self.incident),
                event.envelope,
                ((HEADER_SIGNATURE, base64.b64encode(signature)),),
                signature,
            )
            for event, signature in zip(events, sign(events, self.signer.sign), strict=True)
        ]

    def _say(self, data: EventData) -> Event:
        self.said += 1
        link = Link(self.service, self.partition, self.said, self.before, self.before)
        said = Said(clock.new_id(), self.incident, AT, "maria", data, "c")
        event = read(write(said, link, self.signer.key_id.hex()))
        self.before = event.hash
        return event
