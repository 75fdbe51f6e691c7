"""A short simulation: nothing is wrong with the true code, every planted bug is found, and a
failing seed becomes small."""

import pytest

from tests.simulation.campaign import COMMANDS, minimal
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.world import FAULTS, World

SEEDS = 250
"""Most seeds that a planted bug may take; most show in the first or second."""


@pytest.mark.parametrize("seed", range(15))
def test_the_true_code_shows_no_anomaly(seed: int) -> None:
    assert World(seed, COMMANDS).run().anomalies == []


def test_every_kind_of_fault_happens() -> None:
    happened = {kind for seed in range(15) for kind in World(seed, COMMANDS).run().faults}
    assert happened == set(FAULTS)


def test_a_seed_is_always_the_same_run() -> None:
    one, other = World(7, COMMANDS, tracing=True).run(), World(7, COMMANDS, tracing=True).run()
    assert one == other
    again = World(7, COMMANDS, frozenset(one.fired), tracing=True).run()
    assert again.trace == one.trace


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_found(mutant: Mutant) -> None:
    with mutant.planted():
        for seed in range(mutant.first, mutant.first + SEEDS):
            world = World(seed, mutant.commands, settles_within=mutant.settles_within)
            names = {anomaly.name for anomaly in world.run().anomalies}
            if names & mutant.betrayed_by:
                return
    pytest.fail(f"not found in {SEEDS} seeds")


def test_a_failing_seed_becomes_small() -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name.startswith("the offset is committed"))
    with mutant.planted():
        result, kept = minimal(0)
    assert result.anomalies
    assert len(kept) <= 3
    assert any("FAULT" in line for line in result.trace)
