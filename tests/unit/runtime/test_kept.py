"""What is asked for often is made seldom."""

import asyncio

import pytest

from shared.runtime.process.kept import Kept


class Made:
    """Counts how often it was made, and fails when it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.fails = False

    async def __call__(self) -> int:
        if self.fails:
            raise ConnectionError("away")
        self.times += 1
        return self.times


async def test_it_is_made_once_while_it_holds() -> None:
    made = Made()
    kept = Kept(made, holds_for=60)
    assert [await kept.get() for _ in range(5)] == [1] * 5
    assert made.times == 1


async def test_it_is_made_again_when_it_holds_no_longer() -> None:
    made = Made()
    kept = Kept(made, holds_for=0)
    assert [await kept.get() for _ in range(3)] == [1, 2, 3]


async def test_nothing_is_a_value_that_holds_too() -> None:
    asked: list[int] = []

    async def nothing() -> None:
        asked.append(1)

    kept = Kept(nothing, holds_for=60)
    assert [await kept.get(), await kept.get()] == [None, None]
    assert asked == [1]


async def test_a_failure_is_the_callers_and_is_not_kept() -> None:
    made = Made()
    kept = Kept(made, holds_for=60)
    made.fails = True
    with pytest.raises(ConnectionError):
        await kept.get()
    made.fails = False
    assert await kept.get() == 1


async def test_it_holds_from_when_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0], raising=False)
    made = Made()
    kept = Kept(made, holds_for=1.0)
    await kept.get()
    now[0] = 100.9
    assert await kept.get() == 1
    now[0] = 101.0
    assert await kept.get() == 2
