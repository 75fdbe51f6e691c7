"""Rows about saying something: the ledger itself, without HTTP."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from statistics import median
from typing import Final
from uuid import UUID

import asyncpg

from services.triage.__main__ import SERVICE as TRIAGE
from services.triage.domain.commands import RecordFact
from shared.contract.authority import Role
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.decision import Actor, Context
from shared.contract.vocabulary import Confidence, ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.process import clock
from shared.runtime.say.plan import Proposal
from shared.runtime.say.utterance import say
from tests.bench import peers
from tests.bench.callers import CALLERS
from tests.bench.measure import Sides
from tests.bench.world import World
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import Process, process

TOGETHER: Final = 18
"""Events of one commit when 64 callers wait; they share a signature."""
REPORTED = Reported(
    opens=True,
    channel=ReportChannel.API,
    description="A photo of a whiteboard with a roadmap on it",
)
"""About 1 000 bytes once it is an envelope."""


@contextlib.asynccontextmanager
async def append_and_pgbench(world: World) -> AsyncIterator[Sides]:
    async with (
        world.ground() as ground,
        process(ground, ServiceName.INTAKE, parts=["writer"]) as intake,
    ):
        admin = ground.databases[ServiceName.NOTIFY].admin_dsn
        await peers.make_table(admin)
        yield Sides(
            lambda: append_by_callers(intake, world.count(20_000)),
            lambda: peers.pgbench(admin, CALLERS, world.seconds(4)),
        )


@contextlib.asynccontextmanager
async def append_and_library(world: World) -> AsyncIterator[Sides]:
    async with (
        world.ground() as ground,
        process(ground, ServiceName.INTAKE, parts=["writer"]) as intake,
        peers.library(ground.databases[ServiceName.NOTIFY].admin_dsn) as library,
    ):
        yield Sides(
            lambda: append_by_callers(intake, world.count(20_000)),
            lambda: library.save_one_by_one(world.count(3_000)),
        )


@contextlib.asynccontextmanager
async def bulk_and_library(world: World) -> AsyncIterator[Sides]:
    async with (
        world.ground() as ground,
        process(ground, ServiceName.INTAKE, parts=[]) as intake,
        peers.library(ground.databases[ServiceName.NOTIFY].admin_dsn) as library,
    ):
        count = world.count(20_000)
        yield Sides(lambda: append_in_bulk(intake, count), lambda: library.save_together(count))


@contextlib.asynccontextmanager
async def command_and_insert(world: World) -> AsyncIterator[Sides]:
    async with world.ground() as ground:
        incidents = await reported_to_triage(ground, 20)
        admin = ground.databases[ServiceName.NOTIFY].admin_dsn
        await peers.make_table(admin)
        async with process(ground, ServiceName.TRIAGE, TRIAGE.rules, parts=["writer"]) as triage:
            connection = await asyncpg.connect(admin)
            count = world.count(1_000)

            async def commands() -> float:
                return 1000 * median(
                    [await _record_fact(triage, incidents[n % 20]) for n in range(count)]
                )

            async def inserts() -> float:
                return 1000 * median(await peers.one_row_inserts(connection, count))

            yield Sides(commands, inserts)
            await connection.close()


async def append_by_callers(intake: Process, count: int, callers: int = CALLERS) -> float:
    """Events a second: so many callers, each saying its next one when the last is durable."""

    each = max(1, count // callers)

    async def caller() -> None:
        for _ in range(each):
            await intake.say(REPORTED, clock.new_id())

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return each * callers / (time.perf_counter() - start)


async def append_in_bulk(intake: Process, count: int, at_once: int = 1000) -> float:
    context = Context(clock.now(), Actor("maria"))
    start = time.perf_counter()
    for first in range(0, count, at_once):
        proposals = []
        for _ in range(min(at_once, count - first)):
            incident = clock.new_id()
            proposals.append(Proposal(incident, 0, say(incident, [REPORTED], context, 1)))
        async with intake.running.pool.acquire() as connection, connection.transaction():
            await intake.running.ledger.writer.append_within(connection, proposals)
    return count / (time.perf_counter() - start)


async def reported_to_triage(ground: Environment, incidents: int) -> list[UUID]:
    """Incidents that triage has heard of from intake, without a broker between them."""
    async with process(ground, ServiceName.INTAKE, parts=["writer"]) as intake:
        ids = [clock.new_id() for _ in range(incidents)]
        for incident in ids:
            await intake.say(REPORTED, incident)
        rows = await intake.rows()
    async with process(ground, ServiceName.TRIAGE, TRIAGE.rules, parts=[]) as triage:
        for row in rows:
            record = Record(
                row["partition"], row["sequence"], None, row["envelope"], (), row["signature"]
            )
            await triage.receiver.hear(row["partition"], [record])
    return ids


async def _record_fact(triage: Process, incident: UUID) -> float:
    """Seconds from command to answer."""
    context = Context(clock.now(), Actor("maria", frozenset({Role.RESPONDER})))
    command = RecordFact(
        clock.new_id(), "where", "a public post", Confidence.HIGH, "seen", context.now
    )
    start = time.perf_counter()
    await triage.running.ledger.carry_out(incident, command, context)  # type: ignore[arg-type]
    return time.perf_counter() - start
