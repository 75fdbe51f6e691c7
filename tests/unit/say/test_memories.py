"""A memory against a plain list of what was kept last."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.say.memory import Loaded, Memory

KEPT = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 40)), max_size=60)


def remembered(memory: Memory[str]) -> dict[int, int]:
    found = {number: memory.get(UUID(int=number)) for number in range(1, 9)}
    return {number: one.version for number, one in found.items() if one is not None}


def plainly(kept: list[tuple[int, int]], incidents: int, events: int) -> dict[int, int]:
    last: dict[int, int] = {}
    for number, version in kept:
        last.pop(number, None)
        last[number] = version
        while len(last) > 1 and (len(last) > incidents or sum(last.values()) > events):
            del last[next(iter(last))]
    return last


@given(KEPT, st.integers(1, 8), st.integers(1, 100))
def test_it_forgets_the_oldest_until_the_rest_fits(
    kept: list[tuple[int, int]], incidents: int, events: int
) -> None:
    memory: Memory[str] = Memory(incidents, events)
    for number, version in kept:
        memory.keep(UUID(int=number), Loaded("", version))
    assert remembered(memory) == plainly(kept, incidents, events)


@given(KEPT)
def test_what_was_kept_last_is_there(kept: list[tuple[int, int]]) -> None:
    memory: Memory[str] = Memory(subjects=1, events=1)
    for number, version in kept:
        memory.keep(UUID(int=number), Loaded("", version))
        assert remembered(memory) == {number: version}


@pytest.mark.parametrize(("events", "left"), [(9, {2: 4, 3: 5}), (10, {1: 1, 2: 4, 3: 5})])
def test_the_bound_is_taken_to_the_last(events: int, left: dict[int, int]) -> None:
    memory: Memory[str] = Memory(events=events)
    for number, version in ((1, 1), (2, 4), (3, 5)):
        memory.keep(UUID(int=number), Loaded("", version))
    assert remembered(memory) == left


def test_to_look_is_not_to_use() -> None:
    memory: Memory[str] = Memory(subjects=2)
    memory.keep(UUID(int=1), Loaded("", 1))
    memory.keep(UUID(int=2), Loaded("", 1))
    assert memory.get(UUID(int=1)) is not None
    memory.keep(UUID(int=3), Loaded("", 1))
    assert remembered(memory) == {2: 1, 3: 1}


def test_an_older_state_frees_what_the_newer_one_held() -> None:
    memory: Memory[str] = Memory(events=10)
    memory.keep(UUID(int=1), Loaded("", 9))
    memory.keep(UUID(int=1), Loaded("", 2))
    memory.keep(UUID(int=2), Loaded("", 8))
    assert remembered(memory) == {1: 2, 2: 8}
