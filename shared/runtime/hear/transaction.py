"""One batch within its transaction: from the locks on its partition's chains to the last reaction.

What counts as heard is decided on the locked rows, so that a second replica, or one that was
replaced and does not know it, can double nothing. `judge` decides; this module does the I/O."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.chain.link import Head
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear import tables
from shared.runtime.hear.batch import Batch, HeardPart
from shared.runtime.hear.judge import Heard, Parked, Received, examine_together, placed, receive
from shared.runtime.hear.parking import park, resolve, waited
from shared.runtime.hear.reactions import Reactions
from shared.runtime.hear.views import show, show_each
from shared.runtime.process.database import Connection
from shared.runtime.say.plan import Recorded
from shared.runtime.say.projection import Project
from shared.runtime.say.tables import lock_chains, mark_rotations, rotations, subject_heads

WAITED: Final = 2000
"""Most messages of a chain that waited and are taken up in one transaction."""


@dataclass(frozen=True, slots=True)
class HearTransaction:
    connection: Connection
    service: ServiceName
    project: Project
    reactions: Reactions | None
    """None while a lost ledger is rebuilt: the service's own events are taken from the topic too,
    and nothing is reacted to."""
    careful: bool
    """Whether a view is known to fail: every batch would pay for the savepoints that it takes to
    undo its writes alone."""

    async def hear(self, batch: Batch) -> list[HeardPart]:
        """Hears the batch to its end, in parts: each change of key begins another. Raises Fenced,
        ViewFailed."""
        parts: list[HeardPart] = []
        rest: Batch | None = batch
        while rest is not None:
            part, rest = await self._hear_part(rest)
            parts.append(part)
        return parts

    async def _hear_part(self, batch: Batch) -> tuple[HeardPart, Batch | None]:
        chains = await lock_chains(self.connection, partitions=[batch.partition])
        # Under the locks: a replica that was not told of a new key must not trust the old one any
        # more.
        if learned := await rotations(self.connection, batch.trust, chains):
            batch = batch.after(learned)
        heads = {ServiceName(row["service"]): Head(row["sequence"], row["hash"]) for row in chains}
        seen = await tables.look(self.connection, batch.partition, _spoken_of(batch.examined))
        early, refused = await self._waited(batch, heads) if seen.waits else ([], [])
        received = await self._judge(batch, heads, early, refused)
        recorded = await self._record(batch, received, seen)
        await park(self.connection, received.parked)
        if seen.waits or received.parked:
            await resolve(self.connection, batch.partition, received)
        await self._show(received.accepted, recorded)
        reacted = await self._react(received.accepted)
        more_waits = _more_waits(early, received.accepted)
        part = HeardPart(received.accepted, received.parked, learned, reacted, more_waits)
        return part, batch.rest(received) if received.rotated else None

    async def _waited(
        self, batch: Batch, heads: Mapping[ServiceName, Head]
    ) -> tuple[list[Heard], list[Parked]]:
        """What came too early before and may be due, examined again."""
        connection, partition = self.connection, batch.partition
        records = await waited(connection, partition, batch.examined, heads, WAITED)
        again = examine_together(records, batch.trust)
        return (
            [item for item in again if isinstance(item, Heard)],
            [item for item in again if isinstance(item, Parked)],
        )

    async def _judge(
        self,
        batch: Batch,
        heads: Mapping[ServiceName, Head],
        early: Sequence[Heard],
        refused: Sequence[Parked],
    ) -> Received:
        repeated = [
            item.event
            for item in (*batch.examined, *early)
            if isinstance(item, Heard)
            and item.event.link.sequence <= heads[item.event.service].sequence
        ]
        known = await tables.hashes_of(self.connection, batch.partition, repeated)
        own = None if self.reactions is None else self.service
        return receive(own, heads, known, early, [*refused, *batch.examined])

    async def _record(
        self, batch: Batch, received: Received, seen: tables.PartitionState
    ) -> Sequence[Recorded]:
        connection, partition = self.connection, batch.partition
        if not received.accepted:
            if batch.stretch is not None:
                await tables.heard_to(connection, partition, batch.stretch)
            return ()
        accepted = _spoken_of(received.accepted)
        subjects = {one: head for one, head in seen.subjects.items() if one in accepted}
        if had_waited := accepted - _spoken_of(batch.examined):
            subjects |= await subject_heads(connection, had_waited)
        signed, subjects = placed(self.service, received.accepted, subjects)
        events = [heard.event for heard in received.accepted]
        offsets = [
            None if heard.event.service == self.service else heard.record.offset
            for heard in received.accepted
        ]
        heads = {
            (service, partition): head for service, head in received.heads.items() if head.sequence
        }
        await tables.record(connection, signed, offsets, heads, subjects, partition, batch.stretch)
        await mark_rotations(connection, events)
        return [row.recorded for row in signed]

    async def _show(self, accepted: Sequence[Heard], recorded: Sequence[Recorded]) -> None:
        if self.careful:
            await show_each(self.connection, self.project, accepted, recorded)
        else:
            await show(self.connection, self.project, recorded)

    async def _react(self, accepted: Sequence[Heard]) -> int:
        return await self.reactions.to_all(self.connection, accepted) if self.reactions else 0


def _spoken_of(items: Sequence[Heard | Parked]) -> frozenset[UUID]:
    """The subjects of what may be heard."""
    return frozenset(item.event.subject_id for item in items if isinstance(item, Heard))


def _more_waits(early: Sequence[Heard], accepted: Sequence[Heard]) -> bool:
    """Whether a chain has moved of which a full page was taken up: more of it may wait."""
    pages = Counter(item.event.service for item in early)
    moved = {heard.event.service for heard in accepted}
    return any(pages[service] == WAITED for service in moved)
