"""The directory: who stands behind a pseudonym. Fed by the tokens of persons who say something and
by the persons whom they name; read to show names; erased by the event that says so.

It is no part of the record: a pseudonym without an entry stays what it is, and every rule compares
pseudonyms."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.contract import pseudonym
from shared.contract.catalogue.system import PersonErased
from shared.contract.envelope import Event
from shared.runtime.process.database import Connection
from shared.runtime.say.plan import Idempotency, Write

REMEMBERED: Final = 10_000
"""Persons whom a process knows to be in the directory."""

_EXCLUDE: Final = "LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE"
_KEEP: Final = """
    INSERT INTO person AS known (pseudonym, subject, name)
    SELECT new.* FROM unnest($1::text[], $2::text[], $3::text[]) AS new (pseudonym, subject, name)
    WHERE NOT EXISTS (SELECT FROM forgotten_person AS gone WHERE gone.pseudonym = new.pseudonym)
    ORDER BY new.pseudonym
    ON CONFLICT (pseudonym) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at
    WHERE excluded.name IS NOT NULL AND excluded.name IS DISTINCT FROM known.name
    RETURNING pseudonym"""
"""A name replaces another; a person who is named without one keeps it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a token or a request has named. Neither subject nor name may reach a log."""

    pseudonym: str
    subject: str = field(repr=False)
    name: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class People:
    """The persons of a deployment, as one process knows them."""

    secret: bytes = field(repr=False)
    """The deployment's, under which persons have their pseudonyms."""
    _kept: set[Person] = field(default_factory=set, repr=False)

    def person(self, subject: str, name: str | None = None) -> Person:
        return Person(pseudonym.pseudonym(self.secret, subject), subject, name)

    def named(self, *texts: str) -> list[Person]:
        """Those who are named by their subjects; pseudonyms name nobody who is not known."""
        return [self.person(text) for text in texts if not pseudonym.is_pseudonym(text)]

    def pseudonym_of(self, text: str) -> str:
        """Of somebody who is named by subject or by pseudonym."""
        return text if pseudonym.is_pseudonym(text) else self.person(text).pseudonym

    def is_of(self, person: Person) -> bool:
        """Whether the pseudonym is the subject's: nobody without the secret can claim so."""
        return person == self.person(person.subject, person.name)

    def key(self, owner: str, key: str, asked: bytes) -> Idempotency:
        """What is kept of a caller's idempotency key: neither the key nor what was asked for can
        be found by trying."""
        under = pseudonym.keyed(self.secret, b"key\0" + json.dumps([owner, key]).encode())
        return Idempotency(under.hex(), pseudonym.keyed(self.secret, b"asked\0" + asked))

    def new(self, persons: Iterable[Person]) -> tuple[Person, ...]:
        """Those whom this process has not put into the directory yet."""
        return tuple(one for one in dict.fromkeys(persons) if one not in self._kept)

    def remember(self, persons: Iterable[Person]) -> None:
        """Once their entries are committed."""
        if len(self._kept) > REMEMBERED:
            self._kept.clear()
        self._kept.update(persons)


def keeping(persons: Sequence[Person]) -> Iterator[Write]:
    """Puts persons into the directory, but for those who were erased, and has the other services
    told."""
    if persons:
        yield Write(
            f"""WITH kept AS ({_KEEP})
                INSERT INTO untold_person (pseudonym) SELECT pseudonym FROM kept
                ON CONFLICT DO NOTHING""",  # noqa: S608  nothing but our own text
            _columns(persons),
        )


async def keep(connection: Connection, persons: Sequence[Person]) -> None:
    """The same at once, where no event is written with it."""
    for write in keeping(persons):
        await connection.execute(write.sql, *write.args)


async def take_in(connection: Connection, persons: Sequence[Person]) -> None:
    """Keeps persons of whom another service told, but for those who were erased: of them the
    topic is told once more that they are gone."""
    if not persons:
        return
    await connection.execute(_KEEP, *_columns(persons))
    await connection.execute(
        """INSERT INTO untold_person (pseudonym)
           SELECT pseudonym FROM forgotten_person WHERE pseudonym = ANY($1)
           ON CONFLICT DO NOTHING""",
        [one.pseudonym for one in persons],
    )


def forgetting_person(pseudonym: str, event_id: UUID, at: datetime) -> Iterator[Write]:
    """What the event that erases a person does to this service's directory; the relay puts a
    tombstone in the person's place. Comes after `texts.forgetting`, if both do: that is the order
    of the locks."""
    yield Write(_EXCLUDE)
    yield Write(
        """INSERT INTO forgotten_person (pseudonym, forgotten_by, forgotten_at)
           VALUES ($1, $2, $3) ON CONFLICT DO NOTHING""",
        (pseudonym, event_id, at),
    )
    yield Write("DELETE FROM person WHERE pseudonym = $1", (pseudonym,))
    yield Write(
        "INSERT INTO untold_person (pseudonym) VALUES ($1) ON CONFLICT DO NOTHING", (pseudonym,)
    )


def forgetting_of_the_record(event: Event) -> Iterator[Write]:
    """What the event does to this service's directory, whoever said it."""
    if isinstance(event.data, PersonErased):
        yield from forgetting_person(event.data.person, event.id, event.time)


async def names(connection: Connection, pseudonyms: Iterable[str]) -> dict[str, str]:
    """The name of each person whom the directory knows, or the subject where there is no name."""
    wanted = sorted(set(pseudonyms))
    if not wanted:
        return {}
    rows = await connection.fetch(
        """SELECT pseudonym, coalesce(name, subject) AS shown FROM person
           WHERE pseudonym = ANY($1) ORDER BY pseudonym""",
        wanted,
    )
    return {row["pseudonym"]: row["shown"] for row in rows}


def _columns(persons: Sequence[Person]) -> tuple[list[str], list[str], list[str | None]]:
    # One row a person: a statement may not update one twice.
    last = {one.pseudonym: one for one in sorted(persons, key=lambda one: one.name is not None)}
    return (
        list(last),
        [one.subject for one in last.values()],
        [one.name for one in last.values()],
    )
