"""How far a relay's cursor may move, decided without any I/O.

A round sends at most one batch a partition, in chain order from the cursor. The cursor of a
partition moves to the end of its batch only when the broker has acknowledged it; on any failure the
next round starts again from the cursor with a new producer (go-back-N)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """One batch of a round: the numbers it carried, in order, and whether the broker has
    acknowledged it."""

    partition: int
    sequences: Sequence[int]
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Progress:
    cursors: Mapping[int, int]
    failed: bool


def progress(cursors: Mapping[int, int], round_: Sequence[Sent]) -> Progress:
    """The cursors after a round: only over numbers that follow the cursor without a hole and are
    acknowledged."""
    moved = dict(cursors)
    for sent in round_:
        if not sent.acknowledged:
            continue
        for sequence in sent.sequences:
            if sequence != moved[sent.partition] + 1:
                break
            moved[sent.partition] = sequence
    return Progress(moved, failed=not all(sent.acknowledged for sent in round_))
