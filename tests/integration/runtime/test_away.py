"""What a service sees of a server that goes away, on a real one: it must count as passing, or the service would stop or answer 500."""

import asyncio
import contextlib

import asyncpg
import pytest
from psycopg.conninfo import conninfo_to_dict

from shared.contract.vocabulary import ServiceName
from shared.runtime.persistence import DATABASE_AWAY, PASSING, persist
from shared.runtime.problems import describe
from tests.integration.conftest import Databases


async def test_a_connection_that_was_told_of_its_end_and_is_not_yet_closed_is_a_database_that_is_away(
    databases: Databases,
) -> None:
    database = databases[ServiceName.INTAKE]
    async with _never_closing(database.service_dsn) as dsn:
        told = await asyncpg.connect(dsn)
        other = await asyncpg.connect(database.admin_dsn)
        await other.execute("SELECT pg_terminate_backend($1)", told.get_server_pid())
        with pytest.raises(DATABASE_AWAY):
            while True:
                await asyncio.wait_for(told.execute("SELECT 1"), 5)
        with pytest.raises(asyncpg.InternalClientError) as refused:
            await told.execute("SELECT 1")
        assert isinstance(refused.value, PASSING)
        assert describe(refused.value) is None
        await other.close()
        told.terminate()


async def test_a_task_outlives_it() -> None:
    tries: list[int] = []

    async def task() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")

    await asyncio.wait_for(persist("task", task), 10)
    assert len(tries) == 3


@contextlib.asynccontextmanager
async def _never_closing(dsn: str):  # type: ignore[no-untyped-def]
    """A way to the server on which its last words arrive, and its end does not."""
    about = conninfo_to_dict(dsn)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server = await asyncio.open_connection(about["host"], about["port"])
        with contextlib.suppress(OSError):
            await asyncio.gather(copy(reader, server), copy(server_reader, writer))

    way = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = way.sockets[0].getsockname()[1]
    yield dsn.replace(f":{about['port']}/", f":{port}/")
    way.close()
