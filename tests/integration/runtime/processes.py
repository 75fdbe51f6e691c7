"""Small services of the tests' own, run by the real runtime: what they say is from the catalogue,
what they decide is trivial."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord
from fastapi import APIRouter

from shared.contract.catalogue.base import EventData
from shared.contract.decision import Actor, Context
from shared.contract.envelope import Event
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.relay import Relay
from shared.runtime.hear.consumer import Consumer
from shared.runtime.hear.receiver import Receiver
from shared.runtime.hear.texts import TextConsumer
from shared.runtime.process import clock
from shared.runtime.process.persistence import persist
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.running import Running
from shared.runtime.say.ledger import Carried
from shared.runtime.say.plan import Idempotency, Recorded, Write
from shared.runtime.say.rules import Rules
from shared.runtime.service import Service, consumer_of, relay_of, running
from shared.runtime.siblings import text_consumer_of
from tests.integration.conftest import Environment

Command: TypeAlias = EventData
"""Whatever is asked for is said."""

WITHIN = 20.0


def project_nothing(_: Recorded) -> Iterable[Write]:
    return ()


def rules(
    *,
    many: int = 1,
    project: Callable[[Recorded], Iterable[Write]] = project_nothing,
    reacts_to: tuple[type[EventData], ...] = (),
    react: Callable[[Event, int], Sequence[Command]] = lambda _event, _state: (),
) -> Rules[Command, int]:
    """Says what it is asked to, so many times; remembers how many events there were."""
    return Rules(
        initial=0,
        decide=lambda command, _state, _context: [command] * many,
        edition=lambda _command, _state: 1,
        evolve=lambda state, _event: state + 1,
        project=project,
        view_tables=("seen",),
        reacts_to=reacts_to,
        react=react,
    )


@dataclass(slots=True)
class Process:
    """One replica of a service."""

    running: Running[Command, int, Any]
    consumer: Consumer
    texts: TextConsumer
    relay: Relay
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def receiver(self) -> Receiver:
        return self.consumer.receiver

    async def say(
        self,
        data: EventData,
        incident: UUID,
        *,
        expected: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> Carried:
        context = Context(clock.now(), Actor("maria"))
        return await self.running.ledger.carry_out(
            incident,
            data,
            context,
            must_exist=False,
            expected_version=expected,
            idempotency=idempotency,
        )

    async def rows(self, where: str = "true") -> list[dict[str, Any]]:
        rows = await self.running.pool.fetch(
            f"SELECT * FROM ledger WHERE {where} ORDER BY position"  # noqa: S608
        )
        return [dict(row) for row in rows]

    async def parked(self) -> list[tuple[str, str | None]]:
        rows = await self.running.pool.fetch(
            "SELECT reason, resolution FROM parked ORDER BY parked_id"
        )
        return [(row["reason"], row["resolution"]) for row in rows]

    def start(self, *parts: str) -> None:
        """Runs parts of it that were left out, or that have ended."""
        if "writer" in parts:
            self._run(self.running.ledger.run)
        if "relay" in parts:
            self._run(lambda: persist("relay", self.relay.run))
        if "texts" in parts:
            self._run(lambda: persist("texts", self.texts.run))
        if "consumer" in parts:
            self._run(lambda: persist("consumer", self.consumer.run))

    def _run(self, task: Callable[[], Any]) -> None:
        self.tasks.append(asyncio.create_task(task()))

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()


@contextlib.asynccontextmanager
async def process(
    environment: Environment,
    service: ServiceName,
    rules_: Rules[Command, int] | None = None,
    parts: Sequence[str] = ("writer", "relay", "consumer"),
) -> AsyncIterator[Process]:
    values = {
        name.removeprefix("LEDGER_").lower(): value
        for name, value in environment.of(service).items()
    }
    settings = ServiceSettings(
        **{name: value for name, value in values.items() if name in ServiceSettings.model_fields}
    )
    definition: Service[Command, int, Any] = Service(
        service, "a service of the tests", rules_ or rules(), APIRouter()
    )
    async with running(definition, settings) as opened:
        started = Process(opened, consumer_of(opened), text_consumer_of(opened), relay_of(opened))
        started.start(*parts)
        try:
            yield started
        finally:
            await started.stop()


async def until(true: Callable[[], Any], what: str) -> None:
    """Waits until the awaitable condition holds; fails with `what` after a deadline."""
    try:
        async with asyncio.timeout(WITHIN):
            while not await true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {WITHIN} s: {what}") from None


async def on_topic(
    environment: Environment, topic: str | None = None
) -> list[ConsumerRecord[bytes, bytes]]:
    """Every message of the topic of events, or of another, by partition and offset."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=environment.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        places = [
            TopicPartition(topic or environment.topic, number) for number in range(PARTITIONS)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord[bytes, bytes]] = []
        for place in places:
            await consumer.seek_to_beginning(place)
            while await consumer.position(place) < ends[place]:
                for batch in (await consumer.getmany(place, timeout_ms=500)).values():
                    found += batch
        return found
    finally:
        await consumer.stop()
