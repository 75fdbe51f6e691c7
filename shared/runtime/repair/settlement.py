"""When a parked message may be settled: its reason is final, and two persons answer for it. No
I/O."""

from dataclasses import dataclass
from typing import Final

from shared.contract.characters import has_visible
from shared.runtime.hear.judge import ParkReason

FINAL: Final = frozenset(ParkReason) - {
    ParkReason.GAP,
    ParkReason.PROJECTION,
    ParkReason.REACTION,
}
"""No later message can make these heard. The other reasons are for events of the ledger that wait
for those before them, or for a mended service."""


class CannotSettle(ValueError):
    """The message may not be settled, or not so; the message says why, and nothing was settled."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The reason, and the two persons who answer for it. Raises CannotSettle."""

    reason: str
    proposed_by: str
    confirmed_by: str

    def __post_init__(self) -> None:
        for name, text in (
            ("a reason", self.reason),
            ("the person who proposes it", self.proposed_by),
            ("the person who confirms it", self.confirmed_by),
        ):
            if not has_visible(text):
                raise CannotSettle(f"{name} is needed")
        if self.proposed_by.strip().casefold() == self.confirmed_by.strip().casefold():
            raise CannotSettle(
                f"{self.proposed_by} cannot confirm it alone: a second person is needed"
            )
