"""Intake's database, entered as its owner, and the persons of its deployment."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import asyncpg
import typer
from psycopg.conninfo import conninfo_to_dict

from deploy.local import state
from deploy.local.described import databases
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.secretfiles import secret_in
from shared.runtime.say.people import People

T = TypeVar("T")

OWNER_DSN: Final = "LEDGER_INTAKE_OWNER_DSN"
PSEUDONYM_KEY: Final = "LEDGER_PSEUDONYM_KEY_FILE"
WITHIN: Final = 10.0
"""Seconds to connect."""

DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data folder of a local stack (default: ./.ledger). With "
        f"{OWNER_DSN} and {PSEUDONYM_KEY} set, those instead, as the database's owner.",
    ),
]


def within(data: Path | None, work: Callable[[Any], Awaitable[T]]) -> T:
    """Does it on intake's database. Raises StackError, or OSError where there is no stack."""

    async def connected() -> T:
        connection = await asyncpg.connect(timeout=WITHIN, **_place(data))
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def people_of(data: Path | None) -> People:
    """Raises StackError, OSError; ValueError where the secret is not named."""
    if _elsewhere(data):
        if (file := os.environ.get(PSEUDONYM_KEY)) is None:
            raise ValueError(f"{PSEUDONYM_KEY} is not set: the file of the services' own setting")
        return People(secret_in(Path(file)))
    return People(secret_in(state.load(data or state.DEFAULT_DATA).keys.pseudonym_key))


def _elsewhere(data: Path | None) -> bool:
    return data is None and OWNER_DSN in os.environ


def _place(data: Path | None) -> dict[str, Any]:
    if _elsewhere(data):
        return {"dsn": os.environ[OWNER_DSN]}
    stack = state.load(data or state.DEFAULT_DATA)
    (intake,) = (
        one for one in databases(stack.admin_dsn, stack.keys) if one.service is ServiceName.INTAKE
    )
    about = conninfo_to_dict(intake.dsn(intake.owner))
    return {
        "host": about["host"],
        "port": about["port"],
        "user": about["user"],
        "password": about["password"],
        "database": about["dbname"],
    }
