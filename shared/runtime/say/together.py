"""Writes of many subjects as parts of one statement, so that a turn and its views are one round
trip.

All parts see the tables as they were before the statement. So no two writes of one subject may be
to one table; those of different subjects never touch one row, whatever they are. Equal statements
become one part, which takes a row for each from the columns of its parameters."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from shared.runtime.process.database import Connection
from shared.runtime.say.plan import Write

_TARGET: Final = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_INSERT: Final = re.compile(r"\s*(INSERT INTO \w+\s*\([^)]*\))\s*VALUES \((.*)\)\s*", re.DOTALL)
_UPDATE: Final = re.compile(r"\s*(UPDATE \w+\s+SET .*)\s(WHERE .*)", re.DOTALL)
_PLACE: Final = re.compile(r"\$(\d+)")

Types = Mapping[str, tuple[str, ...] | None]
"""The types of a statement's parameters; None where it cannot take many rows at once."""


@dataclass(frozen=True, slots=True)
class Together:
    """Parts of a statement, each under a name of its own, with their parameters, which come behind
    those that the statement has already."""

    parts: str
    args: tuple[Any, ...]


def targets_differ(writes: Sequence[Write]) -> bool:
    """Whether these writes of one subject are each to a table of its own."""
    found = [_TARGET.match(write.sql) for write in writes]
    tables = [one[1] for one in found if one is not None]
    return len(tables) == len(found) == len(set(tables))


def repeated(writes: Sequence[Sequence[Write]]) -> list[str]:
    """The statements that more than one subject needs."""
    count: dict[str, int] = defaultdict(int)
    for of_one in writes:
        for write in of_one:
            count[write.sql] += 1
    return [sql for sql, times in count.items() if times > 1]


async def types_of(connection: Connection, sql: str) -> tuple[str, ...] | None:
    """Asks the database. None where the statement is neither a plain INSERT nor a plain UPDATE, or
    takes a list: a column of lists cannot be taken apart again."""
    if _rows(sql, ("text",) * 99, 0) is None:
        return None
    prepared = await connection.prepare(sql)
    types = prepared.get_parameters()
    if any(one.kind == "array" for one in types):
        return None
    return tuple(one.name for one in types)


def together(writes: Sequence[Sequence[Write]], types: Types, taken: int) -> Together | None:
    """The writes of each subject as parts of a statement that has `taken` parameters already; None
    where they cannot be. `types` has what is repeated."""
    if not all(map(targets_differ, writes)):
        return None
    by_statement: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for of_one in writes:
        for write in of_one:
            by_statement[write.sql].append(write.args)
    parts: list[str] = []
    args: list[Any] = []
    for sql, rows in by_statement.items():
        part = _part(sql, rows, types, taken + len(args))
        if part is None:
            return None
        parts.append(f"part_{len(parts)} AS ({part})")
        args += rows[0] if len(rows) == 1 else map(list, zip(*rows, strict=True))
    return Together(", ".join(parts), tuple(args))


def _part(sql: str, rows: Sequence[tuple[Any, ...]], types: Types, places: int) -> str | None:
    if len(rows) == 1:
        return _moved(sql, places)
    known = types.get(sql)
    return None if known is None else _rows(sql, known, places)


@lru_cache(256)
def _moved(sql: str, places: int) -> str:
    return _PLACE.sub(lambda found: f"${int(found[1]) + places}", sql)


@lru_cache(256)
def _rows(sql: str, types: tuple[str, ...], places: int) -> str | None:
    """The statement for as many rows as its columns hold; None where it has another shape."""
    columns = ", ".join(f"${places + at}::{type_}[]" for at, type_ in enumerate(types, start=1))
    names = ", ".join(f"given_{at}" for at in range(1, len(types) + 1))
    given = f"unnest({columns}) AS given ({names})"
    wanted, conflict, rest = sql.partition("ON CONFLICT")
    named = _PLACE.sub(lambda found: f"given_{found[1]}", wanted)
    if (insert := _INSERT.fullmatch(named)) is not None and "$" not in rest:
        end = f"{conflict}{rest}"
        return f"{insert[1]} SELECT {insert[2]} FROM {given} {end}"  # noqa: S608  our own text
    if not conflict and " FROM " not in named and (update := _UPDATE.fullmatch(named)) is not None:
        return f"{update[1]} FROM {given} {update[2]}"
    return None
