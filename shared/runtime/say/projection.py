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


async def apply(connection: Connection, project: Project, recorded: Sequence[Recorded]) -> None:
    """Writes the views of these events, and drops the texts and persons that they erase: in order
    within an incident, many incidents at a time. Views show no system incident."""
    by_incident: dict[Any, list[Write]] = defaultdict(list)
    for item in recorded:
        writes = by_incident[item.event.incident_id]
        if is_system(item.event.incident_id):
            writes.extend(forgetting_of_the_record(item.event))
        else:
            writes.extend((*forgetting(item.event), *project(item)))
    # Round n holds the nth write of every incident: no order to keep inside a round, so equal
    # statements go together.
    for turn in itertools.zip_longest(*by_incident.values()):
        await execute(connection, [write for write in turn if write is not None])


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
