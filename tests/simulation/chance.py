"""Where a fault may happen, and whether it does.

Each fault point has a name of its own (what, where, the how manieth time there), so that a run can
be repeated with some of its faults only: that is how a failing schedule is made small. What happens
when, without any fault, comes from another source of chance, so that leaving a fault out disturbs
the rest as little as can be."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

Point = tuple[str, str, int]


@dataclass(slots=True)
class Chance:
    """`only` repeats a run with these faults and no other."""

    seed: int
    weights: dict[str, float]
    only: frozenset[Point] | None = None
    fired: list[Point] = field(default_factory=list)
    off: bool = False
    tell: Callable[[str, str], None] = lambda _where, _what: None
    _passed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _random: Callable[[], float] = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(f"faults {self.seed}").random

    def __call__(self, kind: str, where: str) -> bool:
        if self.off:
            return False
        key = (kind, where)
        self._passed[key] += 1
        point = (kind, where, self._passed[key])
        happens = self._random() < self.weights[kind] if self.only is None else point in self.only
        if happens:
            self.fired.append(point)
            self.tell(where, f"FAULT {kind}")
        return happens


def shrink(
    fails: Callable[[frozenset[Point]], bool], points: Sequence[Point], tries: int = 400
) -> list[Point]:
    """A small part of the faults that still fails (delta debugging: drop ever smaller pieces for as
    long as it fails without them)."""
    kept = list(points)
    piece = max(1, len(kept) // 2)
    while kept and tries > 0:
        start, dropped = 0, False
        while start < len(kept) and tries > 0:
            tries -= 1
            rest = kept[:start] + kept[start + piece :]
            if fails(frozenset(rest)):
                kept, dropped = rest, True
            else:
                start += piece
        if piece == 1 and not dropped:
            break
        piece = max(1, piece // 2)
    return kept
