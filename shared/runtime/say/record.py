"""Says something about the record itself, whose subject is a partition's system subject."""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.contract.catalogue.system import SystemRecord
from shared.contract.decision import Context
from shared.contract.topics import system_subject
from shared.runtime.process.database import Connection
from shared.runtime.say.plan import UNHEARD_OF, Proposal
from shared.runtime.say.tables import lock_chains, subject_heads
from shared.runtime.say.utterance import say
from shared.runtime.say.writer import Writer

EDITION: Final = 1
"""Of the rules about the record itself."""


async def say_of_the_record(
    connection: Connection,
    writer: Writer,
    records: Mapping[int, Sequence[SystemRecord]],
    context: Context,
) -> int:
    """Says these records on their partitions, in the caller's transaction: all of it, or an
    exception. How many they are."""
    if not records:
        return 0
    # The chains first: only under their locks are the versions read here the last ones.
    await lock_chains(connection, services=[writer.service], partitions=records)
    subjects = {partition: system_subject(partition) for partition in sorted(records)}
    known = await subject_heads(connection, subjects.values())
    turn = await writer.append_within(
        connection,
        [
            Proposal(
                subject,
                known.get(subject, UNHEARD_OF).version,
                say(subject, records[partition], context, EDITION),
            )
            for partition, subject in subjects.items()
        ],
    )
    turn.require_accepted()
    return len(turn.rows)
