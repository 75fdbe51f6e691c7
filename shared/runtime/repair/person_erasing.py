"""Erases a person from the directory: two persons answer for it, and review says so, so that every
service drops the entry."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg
from asyncpg.pool import Pool

from shared.contract.catalogue.system import PersonErased
from shared.contract.decision import Actor, Context
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from shared.runtime.say import projection
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.people import Person, keeping
from shared.runtime.say.record import say_of_the_record

PARTITION: Final = 0
"""Whose system subject is the subject: a person has no partition."""


class CannotErase(ValueError):
    """The person is not erased; the message says why."""


async def erase_person(
    pool: "Pool[asyncpg.Record]",
    ledger: Ledger[Any, Any],
    erasure: PersonErased,
    persons: Sequence[Person] = (),
) -> str:
    """Says it once; those who answer for it enter the directory. Raises CannotErase."""
    if ledger.service is not ServiceName.REVIEW:
        raise CannotErase("a person is review's to erase: run this as review")
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(
            "SELECT EXISTS (SELECT FROM forgotten_person WHERE pseudonym = $1)", erasure.person
        ):
            return f"{erasure.person}: erased already"
        context = Context(clock.now(), Actor.service(ledger.service))
        await say_of_the_record(connection, ledger.writer, {PARTITION: [erasure]}, context)
        await projection.execute(connection, keeping(persons))
    return f"{erasure.person}: erased from the directory"
