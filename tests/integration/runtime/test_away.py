"""What a service sees of a server that goes away, on a real one: it must count as passing, or the
service would stop or answer 500."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest
from psycopg.conninfo import conninfo_to_dict

from shared.contract.vocabulary import ServiceName
from shared.runtime.process.persistence import PASSING, persist
from tests.integration.conftest import Databases

FATAL = b"terminating connection"


async def test_a_connection_that_was_told_of_its_end_is_a_database_that_is_away(
    databases: Databases,
) -> None:
    database = databases[ServiceName.INTAKE]
    async with _never_closing(database.service_dsn) as (dsn, told_of_its_end):
        connection = await asyncpg.connect(dsn)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(connection.terminate)
            other = await asyncpg.connect(database.admin_dsn)
            stack.push_async_callback(other.close)
            await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            await asyncio.wait_for(told_of_its_end.wait(), 20)
            await other.execute("SELECT 1")  # a round trip later our end has read it too
            with pytest.raises(asyncpg.InternalClientError) as refused:
                await connection.execute("SELECT 1")
    assert isinstance(refused.value, PASSING)


async def test_a_task_outlives_it() -> None:
    tries: list[int] = []

    async def task() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise asyncpg.InternalClientError(
                "cannot switch to state 15; another operation (2) is in progress"
            )

    await asyncio.wait_for(persist("task", task), 10)
    assert len(tries) == 3


@contextlib.asynccontextmanager
async def _never_closing(dsn: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A way to the server on which its last words arrive, and its end does not; the event tells of
    the words."""
    about, told = conninfo_to_dict(dsn), asyncio.Event()
    serving: list[asyncio.Task[None]] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                if FATAL in data:
                    told.set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server = await asyncio.open_connection(about["host"], about["port"])
        serving.append(asyncio.create_task(copy(reader, server)))
        serving.append(asyncio.create_task(copy(server_reader, writer)))

    way = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = way.sockets[0].getsockname()[1]
    yield dsn.replace(f":{about['port']}/", f":{port}/"), told
    way.close()
    for task in serving:
        task.cancel()
