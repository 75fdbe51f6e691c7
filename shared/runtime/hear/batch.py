"""What is heard in one transaction, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.chain.trust import Trust
from shared.contract.envelope import Event
from shared.runtime.hear.examining import examine_all
from shared.runtime.hear.judge import Heard, Parked, Received, Record, examine_together
from shared.runtime.hear.tables import Stretch


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one partition, examined with the keys that were known when they were read."""

    partition: int
    trust: Trust
    examined: Sequence[Heard | Parked]
    stretch: Stretch | None = None
    """Where it was read; None for what is heard again."""

    def after(self, rotations: Sequence[Event]) -> "Batch":
        """The same, examined with the keys that these events name."""
        trust = self.trust.after(*rotations)
        records = [item.record for item in self.examined]
        return replace(self, trust=trust, examined=examine_together(records, trust))

    def rest(self, received: Received) -> "Batch":
        """What came after a change of key. The offset has moved: it moves once a transaction, whose
        parts stand or fall together."""
        examined = examine_together(received.rest, self.trust)
        return replace(self, examined=examined, stretch=None)


@dataclass(frozen=True, slots=True)
class HeardPart:
    """What became of a batch, up to its end or to a change of key. It counts once the transaction
    is committed."""

    accepted: Sequence[Heard]
    parked: Sequence[Parked]
    learned: Sequence[Event]
    """Changes of key that the chains had named, and this process did not know."""
    reacted: int
    """Events that were said because of it."""
    more_waits: bool
    """Whether more waits for it than one transaction takes."""


async def batch_of(
    partition: int, records: Sequence[Record], stretch: Stretch | None, trust: Trust
) -> Batch:
    """Examines messages with the keys that are known now."""
    known = trust.copy()
    return Batch(partition, known, await examine_all(records, known), stretch)
