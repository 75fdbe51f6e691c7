"""How many examples a property is tried by."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

HOUSE = 100
"""Examples of a property that does not say how many, in the profile of the whole suite."""


def examples(wanted: int) -> int:
    """As many of the examples that a property wants as the profile takes of those of any other: all
    in the whole suite, a fifth in `make check`."""
    return max(1, wanted * settings().max_examples // HOUSE)


T = TypeVar("T")


def share(values: Sequence[T], turn: int) -> Sequence[T]:
    """As many of the values as `examples` takes, other ones each turn: a quick run still tries
    every value in one place or another, and the whole suite every value in every place."""
    count = min(examples(len(values)), len(values))
    return [values[(turn * count + place) % len(values)] for place in range(count)]
