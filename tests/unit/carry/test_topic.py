"""The settings with which everybody reads the topic."""

import ast
import asyncio
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError
from structlog.testing import capture_logs

from shared.contract.topics import PARTITIONS, TOPIC_CONFIG
from shared.runtime.carry.topic import check_alive, connected, follower, messages_of, problem_of

ROOT = Path(__file__).parents[3]
NOWHERE = {"bootstrap_servers": "127.0.0.1:1"}


@pytest.mark.parametrize(("group", "at_once"), [(None, None), ("triage", 512), (None, 1)])
async def test_a_reader_keeps_no_offsets_at_the_broker_and_misses_nothing(
    group: str | None, at_once: int | None
) -> None:
    consumer = follower(NOWHERE, group=group, at_once=at_once)
    assert not consumer._enable_auto_commit
    assert consumer._auto_offset_reset == "earliest"
    assert consumer._group_id == group
    assert consumer._max_poll_records == at_once
    await consumer.stop()


def test_a_topic_forgets_nothing() -> None:
    assert TOPIC_CONFIG == {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
    }
    assert PARTITIONS == 8


async def test_a_broker_that_is_away_is_a_problem_not_an_error() -> None:
    problem = await problem_of(NOWHERE, "topic")
    assert problem is not None
    assert "Error" in problem


def test_nobody_else_waits_for_a_client_of_the_broker() -> None:
    """A client may wait for ever, and say nothing: it is opened, read and closed where that is
    bounded, in `carry.topic`, and nowhere else."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("shared", "services")
        for path in (ROOT / folder).rglob("*.py")
        if "aiokafka" in (text := path.read_text()) or "carry.topic" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"start", "stop", "getmany", "getone"}
        and path.name != "topic.py"
    ]
    assert found == []


async def test_a_client_that_learns_nothing_more_of_the_brokers_is_given_up() -> None:
    async def dies() -> None:
        raise RuntimeError("the handler is closed")

    async def lives() -> None:
        await asyncio.Event().wait()

    consumer = follower(NOWHERE)
    check_alive(consumer)
    consumer._client._sync_task = asyncio.create_task(lives())
    await asyncio.sleep(0)
    check_alive(consumer)
    consumer._client._sync_task.cancel()
    consumer._client._sync_task = asyncio.create_task(dies())
    await asyncio.wait({consumer._client._sync_task})
    with pytest.raises(KafkaConnectionError, match="learn of the brokers"):
        await messages_of(consumer, timeout_ms=10)
    assert isinstance(consumer._client._sync_task.exception(), RuntimeError)


async def test_a_client_that_fails_while_it_ends_fails_nobody() -> None:
    class Failing:
        async def start(self) -> None: ...

        async def stop(self) -> None:
            raise RuntimeError("the handler is closed")

    with capture_logs() as told:
        async with connected(Failing()) as client:
            assert isinstance(client, Failing)
    assert [one["event"] for one in told] == ["a client of the broker does not end in order"]
