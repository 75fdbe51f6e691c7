"""What runs side by side in a process: HTTP, writer, relay, consumer and the service's own workers.

If one of them fails for a reason that does not pass by itself, the process ends, loudly, and is
restarted from outside: never a service that answers and relays nothing."""

import asyncio
import contextlib
import functools
import gc
import signal
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import structlog

from shared.runtime.carry.relay import Relay
from shared.runtime.hear.consumer import Consumer
from shared.runtime.hear.receiver import Receiver
from shared.runtime.hear.texts import TextConsumer
from shared.runtime.process import stacks, telemetry
from shared.runtime.process.persistence import persist
from shared.runtime.running import Running
from shared.runtime.web import overload
from shared.runtime.web.edge import health
from shared.runtime.web.edge.server import DRAIN_WITHIN, serve

C = TypeVar("C")
S = TypeVar("S")
R = TypeVar("R")

Sibling = tuple[str, Coroutine[Any, Any, None]]

log = structlog.get_logger(__name__)


async def run(process: Running[C, S, R]) -> None:
    """Runs the roles until SIGTERM or SIGINT, then drains; raises when one of them dies."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stopping.set)
    # For an operator who asks what a process that does nothing is waiting for.
    loop.add_signal_handler(signal.SIGUSR1, stacks.tell)
    async with asyncio.TaskGroup() as group:
        telemetry.observe_lag(process.lag)
        tasks = [group.create_task(task, name=name) for name, task in _siblings(process)]
        http = group.create_task(serve(process), name="http") if "http" in process.roles else None
        gc.collect()
        gc.freeze()
        await process.stopping.wait()
        log.info("draining")
        if http is not None:
            await http
        await _drain(process)
        for task in tasks:
            task.cancel()
    log.info("stopped")


def relay_of(process: Running[C, S, R]) -> Relay:
    return Relay(
        process.service.name,
        process.settings.database_dsn.get_secret_value(),
        process.settings.kafka(),
        process.settings.topic,
        process.ledger.writer.appended,
    )


def receiver_of(process: Running[C, S, R], *, rebuilding: bool = False) -> Receiver:
    return Receiver(process.ledger, process.pool, process.trust, rebuilding)


def consumer_of(process: Running[C, S, R]) -> Consumer:
    return Consumer(
        receiver_of(process), process.settings.kafka(), process.settings.topic, process.lag
    )


def text_consumer_of(process: Running[C, S, R]) -> TextConsumer:
    return TextConsumer(
        process.pool,
        process.settings.kafka(),
        process.settings.topic,
        process.people,
        process.text_lag,
    )


def _siblings(process: Running[C, S, R]) -> Sequence[Sibling]:
    siblings: list[Sibling] = [("writer", process.ledger.run())]
    if "http" in process.roles:
        siblings.append(("overload", overload.tell()))
    if (port := process.settings.health_port) is not None:
        name, host = process.service.name.value, process.settings.http_host
        siblings.append(("health", health.tell(name, process.readiness, host, port)))
    if "relay" in process.roles:
        siblings.append(("relay", persist("relay", relay_of(process).run)))
    if "consumer" in process.roles:
        siblings.append(("consumer", persist("consumer", consumer_of(process).run)))
        siblings.append(("texts", persist("texts", text_consumer_of(process).run)))
    for worker in process.service.workers:
        if process.roles & {"workers", worker.__name__}:
            task = persist(worker.__name__, functools.partial(worker, process))
            siblings.append((worker.__name__, task))
    return siblings


async def _drain(process: Running[C, S, R]) -> None:
    """What was accepted should be on the topic before the process ends; if not, the next start
    relays it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_WITHIN):
            while process.under_way:
                await asyncio.sleep(0.05)
            while "relay" in process.roles and (await process.readiness())["lag"]["to_relay"]:
                await asyncio.sleep(0.05)
