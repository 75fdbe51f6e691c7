"""Editions of the rules. Tables change; what was decided under the old ones does not. A service
keeps the tables of every edition, each event states the edition that it was decided under
(`rules`), and whoever looks at the event later looks it up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from shared.contract.decision import Rejected

T = TypeVar("T")

EDITION_UNKNOWN: Final = "edition_unknown"


class UnknownEdition(Rejected, ValueError):
    """A newer build decided this: what its tables say is not known here. A refusal where somebody
    decides on it, a value that cannot be read where somebody reads."""

    def __init__(self, edition: int, known: Mapping[int, object]) -> None:
        numbers = " and ".join(map(str, sorted(known)))
        super().__init__(
            EDITION_UNKNOWN, f"decided under edition {edition}; this build knows {numbers}"
        )


@dataclass(frozen=True, slots=True)
class Editions(Generic[T]):
    """A service's tables by the number of their edition, from 1 up."""

    tables: Mapping[int, T]

    @property
    def newest(self) -> int:
        """The edition under which decisions are made now."""
        return max(self.tables)

    def under(self, edition: int | None = None) -> T:
        """The tables of an edition; None: of the newest. Raises UnknownEdition."""
        if edition is None:
            return self.tables[self.newest]
        if edition not in self.tables:
            raise UnknownEdition(edition, self.tables)
        return self.tables[edition]
