"""How many examples a property is tried by."""

from hypothesis import settings

HOUSE = 100
"""Examples of a property that does not say how many, in the profile of the whole suite."""


def examples(wanted: int) -> int:
    """As many of the examples that a property wants as the profile takes of those of any other: all
    in the whole suite, a fifth in `make check`."""
    return max(1, wanted * settings().max_examples // HOUSE)
