"""What a service's database holds about a person: events that the person said or that name the
person, and texts that mention given words. Changes nothing."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import asyncpg

from services.intake.bodies import ReporterView
from services.intake.queries import reporters_named
from shared.contract.about import TextIn, persons_in, texts_about, texts_in
from shared.contract.catalogue.intake import Reported
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Event, read
from shared.runtime.process.database import Connection
from shared.runtime.say.people import names
from shared.runtime.say.texts import Erasure, erasures_of, told_of

PAGE: Final = 1000
Progress = Callable[[int], None]


class Why(StrEnum):
    SAID = "said"
    NAMED = "named"
    REPORTER = "reporter"
    MENTIONED = "mentioned"


@dataclass(frozen=True, slots=True)
class Held:
    """An event that is about the person, why, and its texts; of one that only mentions a word,
    those that do. `erased` are those that are gone, with their names."""

    event: Event
    why: Why
    texts: tuple[TextIn, ...]
    erased: tuple[Erasure, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """Who is looked for: by pseudonym, by words, and by the references of reports that the person
    has sent and that only intake can tell."""

    person: str
    mentions: Sequence[str] = ()
    reporters: frozenset[UUID] = frozenset()


async def held_about(dsn: str, about: About, progress: Progress) -> AsyncIterator[Held]:
    """In the order in which the service came to know it; `progress` is told how many events have
    been read. The service's own role is needed: an auditor's does not read texts."""
    connection = await asyncpg.connect(dsn)
    try:
        read_so_far = 0
        async for events in _pages(connection):
            ids = [event.id for event in events]
            found, gone = await told_of(connection, ids), await erasures_of(connection, ids)
            for event in events:
                if (why := _why(event, about)) is not None:
                    yield _whole(event, why, found, gone)
                elif texts := texts_about(event, found, None, about.mentions):
                    yield Held(event, Why.MENTIONED, tuple(texts))
            read_so_far += len(events)
            progress(read_so_far)
    finally:
        await connection.close()


async def reporters(
    dsn: str, mentions: Sequence[str], references: Sequence[UUID] = ()
) -> list[ReporterView]:
    """Whom intake knows as reporters by these words or references."""
    connection = await asyncpg.connect(dsn)
    try:
        return await reporters_named(connection, mentions, references)
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
    """Those in which something about the person or with a word can be erased, each once."""
    return list(
        dict.fromkeys(
            held.event.subject_id for held in several if held.texts and held.why is not Why.REPORTER
        )
    )


def sent_by(several: Sequence[Held]) -> list[tuple[UUID, UUID]]:
    """The reports, by incident and event, that the person sent under a name or contact alone."""
    return [
        (held.event.subject_id, held.event.id)
        for held in several
        if held.why is Why.REPORTER and held.texts
    ]


def _why(event: Event, about: About) -> Why | None:
    """Why all of an event is about the person."""
    if event.actor == about.person:
        return Why.SAID
    if about.person in persons_in(event.data):
        return Why.NAMED
    if isinstance(event.data, Reported) and event.data.reporter in about.reporters:
        return Why.REPORTER
    return None


def _whole(
    event: Event, why: Why, found: Mapping[str, Disclosure], gone: Mapping[str, Erasure]
) -> Held:
    texts = texts_in(event, found)
    left = tuple(text for text in texts if text.digest not in gone)
    return Held(event, why, left, tuple(gone[one.digest] for one in texts if one.digest in gone))


async def _pages(connection: Connection) -> AsyncIterator[list[Event]]:
    position = 0
    while rows := await connection.fetch(
        "SELECT position, envelope FROM ledger WHERE position > $1 ORDER BY position LIMIT $2",
        position,
        PAGE,
    ):
        yield [read(row["envelope"]) for row in rows]
        position = rows[-1]["position"]
