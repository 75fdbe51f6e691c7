"""The worker of retention: says 14, 7 and 1 days before that a kind of text will be erased, and
erases it when its time has ended.

The table of retention says how long each kind is kept after its incident was closed; the rules
decide what is due. Any number of processes may run the worker; one at a time holds the lease. A
closed incident is looked at when something may be due, and when nothing is, once in a while, for
texts that came late."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from services.review.domain import State
from services.review.domain.commands import Command
from services.review.erasures import queries
from services.review.erasures.due import due_commands, looks_after, texts_by_kind
from shared.contract.decision import Actor, Context, Rejected
from shared.runtime.running import Running
from shared.runtime.say.conflicts import Conflict
from shared.runtime.say.texts import told_of

LOOK_EVERY: Final = 60.0
"""Seconds between two looks for incidents that are due."""
AT_ONCE: Final = 100
HELD: Final = timedelta(hours=1)
"""Until an incident on hold is looked at again."""
LATEST: Final = timedelta(days=7)
"""Until any closed incident is looked at again, for texts that came late."""

log = structlog.get_logger(__name__)


async def retention(process: Running[Command, State, Any]) -> None:
    """Looks until the process is told to stop; raises when database or lease are lost, and may then
    be run again."""
    worker = Retention(process, process.now)
    async with process.lease("retention"):
        while not process.stopping.is_set():
            while await worker.look():
                pass
            await asyncio.sleep(LOOK_EVERY)


@dataclass(frozen=True, slots=True)
class Retention:
    process: Running[Command, State, Any]
    now: Callable[[], datetime]

    async def look(self) -> int:
        """Takes up the incidents that are due. How many they were."""
        async with self.process.read() as connection:
            due = await queries.to_look_at(connection, self.now(), AT_ONCE)
        for incident_id in due:
            at = await self._look_at(incident_id)
            async with self.process.read() as connection:
                await queries.look_again(connection, incident_id, at)
        return len(due)

    async def _look_at(self, incident_id: UUID) -> datetime:
        """Says what is due; when to look again."""
        ledger, now = self.process.ledger, self.now()
        state = (await ledger.load(incident_id)).state
        if state.forgetting.holds:
            return now + HELD
        events = [recorded.event for recorded in await ledger.history(incident_id)]
        async with self.process.read() as connection:
            found = await told_of(connection, [event.id for event in events])
        kept = texts_by_kind(events, found, state)
        try:
            for command in due_commands(kept, state, now, self.process.new_id):
                context = Context(now, Actor.service(self.process.service.name))
                await ledger.carry_out(incident_id, command, context)
        except (Rejected, Conflict) as error:
            # A hold was placed, or somebody else erased, between the look and the word.
            log.info("retention waits", incident=str(incident_id), reason=type(error).__name__)
            return now + HELD
        later = looks_after(now, kept, (await ledger.load(incident_id)).state)
        return min([now + LATEST, *later])
