"""Which findings on the topic two persons have settled: forged messages, or bytes that are no
envelope, and an event on the chain that says so."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from shared.chain.findings import Finding
from shared.contract.catalogue.system import ParkedSettled
from shared.contract.envelope import Event
from shared.runtime.hear.judge import Parked

Message: TypeAlias = tuple[int, int, str, str]
"""A message that is not heard: partition, offset, SHA-256 of its value, and why."""


@dataclass(slots=True)
class Settlements:
    """What the chains heard so far have settled."""

    said: dict[Message, tuple[Event, ParkedSettled]] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        if isinstance(settled := event.data, ParkedSettled):
            message = (
                event.link.partition,
                settled.offset,
                settled.value_sha256,
                settled.parked_as,
            )
            self.said.setdefault(message, (event, settled))

    def apply(self, found: Sequence[tuple[Message, Finding]]) -> Iterator[tuple[Finding, bool]]:
        """Each finding and whether it is settled; a settled one says by whom, and where it stands
        why: the topic has no texts."""
        for message, finding in found:
            if (one := self.said.get(message)) is None:
                yield finding, False
            else:
                event, settled = one
                persons = f"{settled.proposed_by} and {settled.confirmed_by}"
                detail = f"settled by {persons}; event {event.id} has the reason"
                yield replace(finding, detail=detail), True


def message_of(parked: Parked) -> Message:
    record = parked.record
    digest = hashlib.sha256(record.value).hexdigest()
    return record.partition, record.offset, digest, parked.reason.value
