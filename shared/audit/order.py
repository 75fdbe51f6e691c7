"""Whether the log has the events of each partition in the order of the topic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.audit.tree import Leaves
from shared.runtime.findings import Finding


@dataclass(slots=True)
class OrderCheck:
    """`topic`: the hashes of each partition's events as a reader of the topic first heard them.

    What the topic has and the log has not yet is on its way; so is what was said after the topic was read."""

    topic: Mapping[int, Sequence[bytes]]
    findings: list[Finding] = field(default_factory=list)
    _places: dict[bytes, tuple[int, int]] = field(init=False)
    _next: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self._places = {hash_: (number, at) for number, hashes in self.topic.items() for at, hash_ in enumerate(hashes)}
        self._next = dict.fromkeys(self.topic, 0)

    def take(self, leaves: Leaves) -> None:
        for index, hash_ in enumerate(leaves.hashes, leaves.first):
            place = self._places.get(hash_)
            if place is not None:
                self._check(index, *place)

    def _check(self, index: int, partition: int, at: int) -> None:
        if at != self._next[partition]:
            detail = f"is event {at} of partition {partition} on the topic; next to seal was {self._next[partition]}"
            self.findings.append(Finding("seal_order", f"leaf {index}", detail))
        self._next[partition] = at + 1
