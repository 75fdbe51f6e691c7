"""One command by itself is one statement: event, head, view and key are written in one round trip,
all of it or nothing."""

import asyncpg
import pytest

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from shared.runtime.say import tables
from shared.runtime.say.plan import Idempotency
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import process

REPORTED = Reported(opens=True, channel=ReportChannel.API)


async def test_a_command_by_itself_is_one_round_trip(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetchval, begun = asyncpg.Connection.fetchval, asyncpg.Connection.transaction

    async def noting(self: object, query: str, *args: object, **more: object) -> object:
        asked.append(query)
        return await fetchval(self, query, *args, **more)  # type: ignore[arg-type]

    def beginning(self: object, **more: object) -> object:
        asked.append("BEGIN")
        return begun(self, **more)  # type: ignore[arg-type]

    async with process(environment, ServiceName.INTAKE, parts=["writer"]) as intake:
        await intake.say(REPORTED, incident := clock.new_id())
        monkeypatch.setattr(asyncpg.Connection, "fetchval", noting)
        monkeypatch.setattr(asyncpg.Connection, "transaction", beginning)
        await intake.say(REPORTED, incident, expected=1, idempotency=Idempotency("k", b"d" * 32))
        monkeypatch.undo()
        assert [query.endswith(tables.AT_ONCE) for query in asked] == [True], asked
        assert len(await intake.rows()) == 2
