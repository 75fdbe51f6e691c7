"""Random walks whose events have envelopes, linked as on a log, and reports that were made from
them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from services.review.domain.commands import EndRetention, Publish, RequestErasure
from services.review.domain.tables import KIND_OF
from services.review.editions import publication
from shared.audit.subjects import Rules, Sealed, check_subject
from shared.chain.findings import Finding
from shared.chain.link import EMPTY, Head, next_link
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import ErasedText, TextKind
from shared.contract.decision import Actor
from shared.contract.disclosure import digests
from shared.contract.envelope import Event, Said, read, write
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import partition_of
from shared.contract.vocabulary import ServiceName
from tests.unit.audit.world import KEYS, rules
from tests.unit.walk import Walk

RULES: dict[ServiceName, Rules] = rules()


@dataclass
class Telling(Walk):
    """One incident, of which each service says what its rules allow."""

    incident: UUID = field(default_factory=lambda: UUID(int=0))
    heads: dict[ServiceName, Head] = field(default_factory=dict)
    texts: list[tuple[TextKind | None, ErasedText]] = field(default_factory=list)
    """What can be erased, with its kind."""

    @classmethod
    def of(cls, seed: int) -> "Telling":
        """The same in every run."""
        chance = random.Random(seed)
        return cls(chance, incident=UUID(int=chance.getrandbits(128), version=4))

    def among(self, kinds: Sequence[type], steps: int) -> "Telling":
        """Goes on with commands of these kinds alone."""
        for kind in self.chance.choices(kinds, k=steps):
            self.put(kind)
        return self

    def some(self, kind: type, by: Actor) -> Any:
        if kind is Publish and self.events:
            return publication(self.events)
        if kind is ErasedText and self.texts:
            return self.chance.choice(self.texts[-20:])[1]
        command = Walk.some(self, kind, by)
        if kind is RequestErasure and not self.texts:
            return replace(command, texts=())
        if kind is EndRetention:
            texts = tuple(text for of, text in self.texts if of in command.kinds)
            return replace(command, texts=texts)
        return command

    def made(self, service: ServiceName, bare: EventData, by: str, edition: int) -> Event:
        head = self.heads.get(service, EMPTY)
        link = next_link(service, partition_of(self.incident), head, self.heads_hash(service))
        said = Said(self.new_id(), self.incident, self.now, by, bare, "walk", rules=edition)
        event = read(write(said, link, KEYS[service].key_id.hex()))
        self.heads[service] = Head(event.link.sequence, event.hash)
        self.texts += [
            (KIND_OF.get(type(bare)), ErasedText(event_id=event.id, name="text", digest=one))
            for one in digests(bare)
        ]
        return event

    def heads_hash(self, service: ServiceName) -> bytes:
        """Each service says nothing but this on the partition: its chain is the incident's."""
        return self.heads[service].hash if service in self.heads else ZERO_HASH


def found(events: Sequence[Event]) -> list[Finding]:
    """What an audit finds in one incident's events."""
    return list(check_subject([Sealed(at, event) for at, event in enumerate(events)], RULES))
