"""A connection that breaks after COMMIT was sent and before its answer came: nobody knows, so
nothing is said twice."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.topics import partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from shared.runtime.say.plan import Idempotency
from shared.runtime.say.writer import WRITERS
from tests.integration.conftest import Databases, Environment
from tests.integration.runtime.processes import process

REPORTED = Reported(opens=True, channel=ReportChannel.API, description="a whiteboard")


@dataclass(slots=True)
class Wire:
    """A TCP connection to Postgres that, once armed, breaks between the next COMMIT and its
    answer."""

    host: str
    port: int
    armed: bool = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_server = await asyncio.open_connection(self.host, self.port)
        try:
            while True:
                ends = {asyncio.create_task(side.read(65_536)): side for side in (reader, there)}
                done, rest = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for task in rest:
                    task.cancel()
                await asyncio.gather(*rest, return_exceptions=True)
                for task in done:
                    if not (data := task.result()):
                        return
                    if ends[task] is reader and self.armed and b"COMMIT;" in data:
                        self.armed = False
                        to_server.write(data)
                        await there.read(1)
                        return
                    (to_server if ends[task] is reader else writer).write(data)
        finally:
            to_server.close()
            writer.close()


@dataclass(frozen=True, slots=True)
class Through:
    """An environment whose services reach Postgres by another port."""

    environment: Environment
    port: int

    @property
    def databases(self) -> Databases:
        return self.environment.databases

    def of(self, service: ServiceName) -> dict[str, str]:
        values = self.environment.of(service)
        before, _, database = values["LEDGER_DATABASE_DSN"].rpartition("/")
        return values | {
            "LEDGER_DATABASE_DSN": f"{before.rpartition('@')[0]}@127.0.0.1:{self.port}/{database}"
        }


@contextlib.asynccontextmanager
async def wired(environment: Environment) -> AsyncIterator[tuple[Wire, Environment]]:
    about = (
        environment.of(ServiceName.INTAKE)["LEDGER_DATABASE_DSN"]
        .rpartition("@")[2]
        .partition("/")[0]
    )
    wire = Wire(about.rpartition(":")[0], int(about.rpartition(":")[2]))
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    try:
        yield wire, Through(environment, server.sockets[0].getsockname()[1])  # type: ignore[misc]
    finally:
        server.close()


async def test_commands_that_shared_the_commit_fail_and_are_not_carried_out_twice(
    environment: Environment,
) -> None:
    # Of one writer: each commits for partitions of its own.
    ids = (clock.new_id() for _ in itertools.count())
    incidents = list(itertools.islice((one for one in ids if partition_of(one) % WRITERS == 0), 3))
    async with (
        wired(environment) as (wire, through),
        process(through, ServiceName.INTAKE, parts=[]) as intake,
    ):
        saying = [asyncio.create_task(intake.say(REPORTED, incident)) for incident in incidents]
        while intake.running.ledger.writer._queues[0].qsize() < 3:
            await asyncio.sleep(0.01)
        wire.armed = True
        intake.start("writer")
        answers = await asyncio.gather(*saying, return_exceptions=True)
        assert not wire.armed
        assert sorted(row["subject_id"] for row in await intake.rows()) == sorted(incidents)
    assert all(
        isinstance(answer, OSError | asyncpg.PostgresError | asyncpg.InterfaceError)
        for answer in answers
    )


async def test_with_its_key_a_command_can_be_sent_again_and_gets_its_answer(
    environment: Environment,
) -> None:
    key, incident = Idempotency("maria 1", b"d" * 32), clock.new_id()
    async with (
        wired(environment) as (wire, through),
        process(through, ServiceName.INTAKE, parts=["writer"]) as intake,
    ):
        wire.armed = True
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await intake.say(REPORTED, incident, idempotency=key)
        answer = await intake.say(REPORTED, incident, idempotency=key)
        (row,) = await intake.rows()
    assert row["hash"] == answer.signed[0].recorded.event.hash
