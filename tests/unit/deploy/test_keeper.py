"""A keeper over real processes: it starts them, says so in stack.json, waits, and ends them."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from deploy.local import state
from deploy.local.described import prepare
from deploy.local.environment import of_server
from deploy.local.errors import StackError
from deploy.local.keeper import GIVE_UP_AFTER, Keeper
from deploy.local.ports import Ports

pytestmark = pytest.mark.slow

WAITS = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); signal.pause()"


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def kept(tmp_path: Path, work: Callable[[Keeper], Awaitable[None]]) -> Keeper:
    """The keeper of a stack, after the work on it."""

    async def run() -> Keeper:
        stack = prepare(tmp_path, Ports(30000))
        async with asyncio.TaskGroup() as tasks:
            keeper = Keeper(stack, tasks)
            await work(keeper)
            await keeper.end()
        return keeper

    return asyncio.run(run())


def said(log: Path, word: str) -> bool:
    return log.exists() and word in log.read_text(encoding="utf-8")


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def test_a_child_is_recorded_where_other_commands_read_it(tmp_path: Path) -> None:
    async def work(keeper: Keeper) -> None:
        child = keeper.keep("kafka", python(WAITS), of_server())
        while "kafka" not in keeper.stack.processes:
            await asyncio.sleep(0.01)
        await keeper.until(child, yes)
        recorded = state.recorded(tmp_path)
        assert recorded is not None
        assert child.process is not None
        assert recorded.processes["kafka"].pid == child.process.pid
        assert recorded.processes["kafka"].running() is not None

    keeper = kept(tmp_path, work)
    assert keeper.stack.processes["kafka"].gone(within=5)


def test_a_child_that_keeps_ending_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    async def work(keeper: Keeper) -> None:
        child = keeper.keep("kafka", python("print('no room'); raise SystemExit(3)"), of_server())
        with pytest.raises(StackError) as refused:
            await keeper.until(child, no)
        assert child.restarts >= GIVE_UP_AFTER
        assert "no room" in str(refused.value)
        assert str(child.log_file) in str(refused.value)

    kept(tmp_path, work)


def test_those_named_end_after_all_others_and_in_their_order(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    says = (
        "import signal, sys\n"
        "def end(*_):\n"
        "    open(sys.argv[2], 'a').write(sys.argv[1] + ' ')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('waits', flush=True)\n"
        "signal.pause()"
    )

    async def work(keeper: Keeper) -> None:
        names = ("postgres", "kafka", "intake")
        for name in names:
            child = keeper.keep(name, [*python(says), name, str(ended)], of_server())

            async def waits(log: Path = child.log_file) -> bool:
                return said(log, "waits")

            await keeper.until(child, waits)
        await keeper.end("kafka", "postgres")

    kept(tmp_path, work)
    assert ended.read_text(encoding="utf-8").split() == ["intake", "kafka", "postgres"]
