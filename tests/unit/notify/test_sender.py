"""What the sender says of a channel's answer, what it sends, and that nothing hangs with a
channel."""

import asyncio
import threading

import pytest

from services.notify.channels import Delivered, NobodyKnows, NotDelivered, Result
from services.notify.domain import Command, MarkUnknown, RecordDelivered, RecordFailure
from services.notify.sender import in_thread, outcome, outgoing_title
from tests.unit.notify.world import MESSAGE


@pytest.mark.parametrize(
    ("result", "command"),
    [
        (Delivered(), RecordDelivered(MESSAGE, 2)),
        (NotDelivered("HTTP 403"), RecordFailure(MESSAGE, 2, "HTTP 403")),
        (NobodyKnows("It broke."), MarkUnknown(MESSAGE, 2)),
    ],
)
def test_what_is_said_of_an_answer(result: Result, command: Command) -> None:
    assert outcome(MESSAGE, 2, result) == command


def test_a_drill_says_so_first() -> None:
    assert outgoing_title("A photo", exercise=True) == "EXERCISE: A photo"
    assert outgoing_title("A photo", exercise=False) == "A photo"


async def test_a_thread_gives_what_it_was_asked_for() -> None:
    assert await in_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_nobody_waits_for_a_thread_that_hangs() -> None:
    hangs = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await in_thread(lambda: hangs.wait(30))
    hangs.set()
