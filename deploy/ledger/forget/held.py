"""What a service's database holds about a person: events that the person said or that name the
person, and texts that mention given words. Changes nothing."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import asyncpg

from shared.contract.about import TextIn, persons_in, texts_about, texts_in
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Event, read
from shared.runtime.process.database import Connection
from shared.runtime.say.people import names
from shared.runtime.say.texts import told_of

PAGE: Final = 1000
Progress = Callable[[int], None]


class Why(StrEnum):
    SAID = "said"
    NAMED = "named"
    MENTIONED = "mentioned"


@dataclass(frozen=True, slots=True)
class Held:
    """An event that is about the person, why, and its texts; of one that only mentions a word,
    those that do."""

    event: Event
    why: Why
    texts: tuple[TextIn, ...]


async def held_about(
    dsn: str, person: str, mentions: Sequence[str], progress: Progress
) -> AsyncIterator[Held]:
    """In the order in which the service came to know it; `progress` is told how many events have
    been read. The service's own role is needed: an auditor's does not read texts."""
    connection = await asyncpg.connect(dsn)
    try:
        read_so_far = 0
        async for events in _pages(connection):
            found = await told_of(connection, [event.id for event in events])
            for event in events:
                if (held := _held(event, found, person, mentions)) is not None:
                    yield held
            read_so_far += len(events)
            progress(read_so_far)
    finally:
        await connection.close()


async def in_directory(dsn: str, person: str) -> str | None:
    """The name that the directory holds of the person."""
    connection = await asyncpg.connect(dsn)
    try:
        return (await names(connection, [person])).get(person)
    finally:
        await connection.close()


def incidents_of(several: Sequence[Held]) -> list[UUID]:
    """Those in which something can be erased, each once."""
    return list(dict.fromkeys(held.event.incident_id for held in several if held.texts))


def _held(
    event: Event, found: dict[str, Disclosure], person: str, mentions: Sequence[str]
) -> Held | None:
    if event.actor == person:
        return Held(event, Why.SAID, tuple(texts_in(event, found)))
    if person in persons_in(event.data):
        return Held(event, Why.NAMED, tuple(texts_in(event, found)))
    if texts := texts_about(event, found, None, mentions):
        return Held(event, Why.MENTIONED, tuple(texts))
    return None


async def _pages(connection: Connection) -> AsyncIterator[list[Event]]:
    position = 0
    while rows := await connection.fetch(
        "SELECT position, envelope FROM ledger WHERE position > $1 ORDER BY position LIMIT $2",
        position,
        PAGE,
    ):
        yield [read(row["envelope"]) for row in rows]
        position = rows[-1]["position"]
