"""The figures of intake's rules, by edition. The tables of an edition never change; a new edition
is a row of `EDITIONS`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.contract.editions import Editions

ANONYMOUS: Final = "anonymous"
"""The actor of an anonymous report: the caller's own subject would give the sender away."""

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far a reporter's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All that intake looks up, in one edition."""

    clocks_differ: timedelta


EDITIONS: Final = Editions({1: Tables(clocks_differ=CLOCKS_DIFFER)})
