"""What was erased is gone from the broker's own files once they are cleaned, with no other message
than the service's own."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local import kafka
from deploy.local.broker import Broker
from deploy.local.child import Child
from deploy.local.environment import of_server
from deploy.local.ports import HOST
from shared.contract.topics import DISCLOSURES_CONFIG, disclosures_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.topic import ensure_topic
from shared.runtime.process import clock
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import process, until
from tests.integration.runtime.test_texts import (
    ALL,
    PLACE,
    WORDS,
    erase,
    holds,
    reported,
    says,
    until_told,
)
from tests.integration.servers import free_port
from tests.searching import found

CLEANED_WITHIN = 120.0
"""The broker looks for what is to be cleaned every fifteen seconds."""
FAST = DISCLOSURES_CONFIG | {
    "segment.ms": "1000",
    "max.compaction.lag.ms": "2000",
    "delete.retention.ms": "1000",
    "file.delete.delay.ms": "100",
}


@contextlib.asynccontextmanager
async def own_broker(folder: Path) -> AsyncIterator[kafka.Kafka]:
    """One whose files can be read, wherever the other tests' broker runs."""
    address = Broker(f"{HOST}:{free_port()}")
    server = await asyncio.to_thread(
        kafka.prepare, folder, address, free_port(), lambda text: print(text, file=sys.stderr)
    )
    child = Child("kafka", server.command(), of_server(), folder / "kafka.log", server.folder)
    keeper = asyncio.create_task(child.keep(lambda: None))
    try:
        async with asyncio.timeout(CLEANED_WITHIN):
            while not await kafka.answers(address):
                await asyncio.sleep(0.1)
        yield server
    finally:
        await child.end()
        await keeper


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[kafka.Kafka]:
    async with own_broker(tmp_path) as server:
        yield server


def segments(broker: kafka.Kafka, topic: str) -> bytes:
    """Everything that the broker's files hold of a topic."""
    folders = (broker.folder / "log").glob(f"{topic}-[0-9]")
    data = b""
    for file in (file for folder in folders for file in folder.iterdir()):
        with contextlib.suppress(FileNotFoundError):  # cleaned away meanwhile
            data += file.read_bytes().strip(b"\0")
    return data


async def test_erased_words_are_gone_from_the_broker_s_files_though_nobody_writes_any_more(
    environment: Environment, broker: kafka.Kafka
) -> None:
    environment = replace(environment, bootstrap=broker.bootstrap)
    texts = disclosures_of(environment.topic)
    await ensure_topic({"bootstrap_servers": broker.bootstrap}, environment.topic, FAST)

    def there() -> set[str]:
        return found({WORDS, PLACE, "an oak"}, segments(broker, texts))

    async with (
        process(environment, ServiceName.INTAKE, parts=["writer"]) as intake,
        process(environment, ServiceName.REVIEW, parts=ALL) as review,
    ):
        intake.relay.nudge_every = timedelta(seconds=1)
        intake.start("relay", "consumer", "texts")
        incident = clock.new_id()
        said = await says(intake, reported(WORDS, PLACE), incident)
        kept = await says(intake, reported("an oak"), incident)
        await until(lambda: holds(review, kept), "review hears both")
        await until_told(environment, kept, [kept.texts["description"].text])
        assert there() == {WORDS, PLACE, "an oak"}
        assert found({WORDS, PLACE, "an oak"}, segments(broker, environment.topic)) == set()
        await erase(review, said)
        await until_told(environment, said, None)
        async with asyncio.timeout(CLEANED_WITHIN):
            while there() != {"an oak"}:
                await asyncio.sleep(0.5)
