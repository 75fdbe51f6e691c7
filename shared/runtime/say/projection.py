"""How a view is written: a projection yields writes, the runtime applies them in the transaction of
their events."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from shared.contract.topics import is_system
from shared.runtime.process.database import Connection
from shared.runtime.say.people import forgetting_of_the_record
from shared.runtime.say.plan import Recorded, Write
from shared.runtime.say.texts import forgetting

Project: TypeAlias = Callable[[Recorded], Iterable[Write]]


def shown(project: Project, recorded: Iterable[Recorded]) -> list[Write]:
    """What these events write to views, in their order. Views show no system subject."""
    return [
        write
        for item in recorded
        if not is_system(item.event.subject_id)
        for write in project(item)
    ]


async def apply(connection: Connection, project: Project, recorded: Sequence[Recorded]) -> None:
    """Drops the texts and persons that these events erase and writes their views: in order within
    a subject, many subjects at a time. Views show no system subject."""
    await forget(connection, recorded)
    by_subject: dict[Any, list[Write]] = defaultdict(list)
    for item in recorded:
        if not is_system(item.event.subject_id):
            by_subject[item.event.subject_id].extend(project(item))
    # Round n holds the nth write of every subject: no order to keep inside a round, so equal
    # statements go together.
    for turn in itertools.zip_longest(*by_subject.values()):
        await execute(connection, [write for write in turn if write is not None])


async def forget(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Drops the texts and persons that these events erase."""
    for item in recorded:
        for write in (*forgetting(item.event), *forgetting_of_the_record(item.event)):
            await connection.execute(write.sql, *write.args)


async def execute(connection: Connection, writes: Iterable[Write]) -> None:
    """Runs writes whose order among different statements does not matter."""
    by_statement: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for write in writes:
        by_statement[write.sql].append(write.args)
    for sql, args in by_statement.items():
        if len(args) == 1:
            await connection.execute(sql, *args[0])
        else:
            await connection.executemany(sql, args)
