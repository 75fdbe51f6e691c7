"""Whether the log has the events of each partition in the order of the topic."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.audit.tree import Leaves
from shared.chain.findings import Finding
from shared.contract.catalogue.system import MessageParkedRecorded
from shared.contract.envelope import MalformedEnvelope, read

_PARKED = f'"type":"{MessageParkedRecorded.TYPE}"'.encode()


@dataclass(slots=True)
class OrderCheck:
    """`topic`: the hashes of each partition's events as a reader of the topic first heard them.

    What the topic has and the log has not yet is on its way; so is what was said after the topic
    was read. Sealed late without a finding is only what the log itself says was parked before, such
    as an event whose key the sealer was not given in time."""

    topic: Mapping[int, Sequence[bytes]]
    findings: list[Finding] = field(default_factory=list)
    _places: dict[bytes, tuple[int, int]] = field(init=False)
    _next: dict[int, int] = field(init=False)
    _passed: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    """By partition: events of the topic that a later one was sealed before, and the leaf which that
    is."""
    _late: dict[bytes, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    """Those that were sealed after all, by the SHA-256 of the message: leaf, and what is wrong with
    it."""
    _parked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._places = {
            hash_: (number, at)
            for number, hashes in self.topic.items()
            for at, hash_ in enumerate(hashes)
        }
        self._next = dict.fromkeys(self.topic, 0)

    def take(self, leaves: Leaves) -> None:
        for index, (entry, hash_) in enumerate(
            zip(leaves.entries, leaves.hashes, strict=True), leaves.first
        ):
            place = self._places.get(hash_)
            if place is not None:
                self._take(index, entry, *place)
            if _PARKED in entry:
                self._parked.update(_parked_by(entry))

    def finish(self) -> None:
        for value, late in self._late.items():
            if value.hex() not in self._parked:
                self.findings += (
                    Finding("seal_order", f"leaf {index}", detail) for index, detail in late
                )
        for partition, passed in self._passed.items():
            for at, index in passed.items():
                detail = (
                    f"event {at} of partition {partition} on the topic comes before it and "
                    "is not sealed"
                )
                self.findings.append(Finding("seal_order", f"leaf {index}", detail))

    def _take(self, index: int, entry: bytes, partition: int, at: int) -> None:
        next_ = self._next[partition]
        if at < next_:
            self._passed[partition].pop(at, None)
            detail = (
                f"is event {at} of partition {partition} on the topic; next to seal was {next_}"
            )
            self._late[hashlib.sha256(entry).digest()].append((index, detail))
            return
        for passed in range(next_, at):
            self._passed[partition][passed] = index
        self._next[partition] = at + 1


def _parked_by(entry: bytes) -> list[str]:
    """The SHA-256 of the message that the event says was parked, if it is such an event."""
    try:
        event = read(entry)
    except MalformedEnvelope:
        return []
    return [event.data.value_sha256] if isinstance(event.data, MessageParkedRecorded) else []
