"""What the tasks of a process wait for, told without a value of anything."""

import asyncio

from structlog.testing import capture_logs

from shared.runtime.process import stacks


async def _inner(word: str) -> None:
    assert word
    await asyncio.Event().wait()


async def _outer(word: str) -> None:
    await _inner(word)


async def test_each_task_is_told_down_to_where_it_waits_and_no_value() -> None:
    waiting = asyncio.create_task(_outer("a-secret-word"), name="waiting")
    await asyncio.sleep(0)
    with capture_logs() as told:
        stacks.tell()
    waiting.cancel()
    (line,) = [one for one in told if one["task"] == "waiting"]
    names = [where.rpartition(" ")[2] for where in line["where"]]
    assert names[:3] == ["_outer", "_inner", "wait"]
    assert "test_stacks.py:" in line["where"][1]
    assert "a-secret-word" not in str(told)
