"""How far the relay's cursors may move, decided without any I/O.

A round sends at most one batch for each partition, in chain order from its cursor. The cursor moves
to the end of the batch only when the broker has acknowledged it; after any failure the next round
starts again from the cursor with a new producer (go-back-N)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """One batch of a round: the numbers of its events, in order, and whether the broker has
    acknowledged it."""

    partition: int
    sequences: Sequence[int]
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Progress:
    cursors: Mapping[int, int]
    failed: bool


def progress(cursors: Mapping[int, int], round_: Sequence[Sent]) -> Progress:
    """The cursors after a round: each moves only over acknowledged numbers that follow it without a
    hole."""
    moved = dict(cursors)
    for sent in round_:
        if not sent.acknowledged:
            continue
        for sequence in sent.sequences:
            if sequence != moved[sent.partition] + 1:
                break
            moved[sent.partition] = sequence
    return Progress(moved, failed=not all(sent.acknowledged for sent in round_))
