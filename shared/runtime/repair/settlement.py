"""When a parked message may be settled: its reason is final, and two persons answer for it. No
I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

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
    """The reason, and the two persons who answer for it, by pseudonym. Raises CannotSettle."""

    reason: str
    proposed_by: str
    confirmed_by: str

    @classmethod
    def by(
        cls,
        pseudonym_of: Callable[[str], str],
        reason: str,
        proposed_by: str,
        confirmed_by: str,
    ) -> Self:
        """Of persons as an operator types them."""
        for name, text in (
            ("a reason", reason),
            ("the person who proposes it", proposed_by),
            ("the person who confirms it", confirmed_by),
        ):
            if not has_visible(text):
                raise CannotSettle(f"{name} is needed")
        return cls(reason, pseudonym_of(proposed_by), pseudonym_of(confirmed_by))

    def __post_init__(self) -> None:
        if self.proposed_by == self.confirmed_by:
            raise CannotSettle("nobody confirms a proposal of their own: a second person is needed")
