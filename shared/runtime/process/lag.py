"""How far this process is behind the topic, for readiness and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Lag:
    """Messages that are on the topic and not heard yet, by partition of this process."""

    _by_partition: dict[int, int] = field(default_factory=dict)

    def measure(self, by_partition: Mapping[int, int]) -> None:
        self._by_partition = dict(by_partition)

    def forget(self) -> None:
        """It is not known: this process hears no partition, not yet or not any more."""
        self._by_partition = {}

    @property
    def by_partition(self) -> Mapping[int, int]:
        """Empty while it is not known."""
        return self._by_partition

    @property
    def to_hear(self) -> int | None:
        """All of it; None, which is not 0, while it is not known."""
        return sum(self._by_partition.values()) if self._by_partition else None
