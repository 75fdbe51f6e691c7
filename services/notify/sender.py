"""The sender: takes up messages that are due, says so before it calls the channel, and says what
came of it.

One replica sends at a time; the others wait for its lease. A message is claimed by `send_started`,
which the rules allow once an attempt: so nobody sends twice, even when a lease is lost unnoticed. A
sending that was begun and that nobody is at work on any more (its process died) ends as an outcome
that a person decides, never as a second sending."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from services.notify import queries
from services.notify.channels.file import Channels
from services.notify.domain import Command, State
from services.notify.queries import Outgoing
from services.notify.sending import Sending
from shared.runtime.process.database import Connection
from shared.runtime.process.persistence import PASSING
from shared.runtime.running import Running

LOOK_EVERY: Final = 0.2
"""Seconds between two looks for messages that are due."""
AT_ONCE: Final = 8
"""Most messages under way: a channel that does not answer holds up itself, not the others."""


async def send_what_is_due(process: Running[Command, State, Channels]) -> None:
    """Sends until the process is told to stop; raises when database or lease are lost, and may then
    be run again."""
    async with process.lease("sender") as connection:
        sender = Sender(process)
        try:
            while not process.stopping.is_set():
                await sender.look(connection)
                await asyncio.sleep(LOOK_EVERY)
            await sender.finish()
        except PASSING:
            # The lease is lost, not what was begun: its result is known to this process alone.
            await sender.finish()
            raise
        finally:
            sender.abandon()


@dataclass(slots=True)
class Sender:
    process: Running[Command, State, Channels]
    under_way: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)

    async def look(self, connection: Connection) -> None:
        """Takes up what is due. Reads by the lease's own connection: without the lease there is
        nothing to read."""
        self._forget_what_ended()
        ours = set(self.under_way)
        for attempt in await queries.begun(connection):
            if attempt.communication_id not in ours:
                await Sending(self.process).leave_to_a_person(attempt)
        room = AT_ONCE - len(ours)
        for message in await queries.due(connection, self.process.now(), AT_ONCE):
            if message.communication_id not in ours and room > 0:
                room -= 1
                self.under_way[message.communication_id] = asyncio.create_task(self._send(message))

    def _forget_what_ended(self) -> None:
        for communication_id, task in list(self.under_way.items()):
            if task.done():
                del self.under_way[communication_id]
                if (error := task.exception()) is not None:
                    raise error

    async def finish(self) -> None:
        """Waits for what is under way."""
        if self.under_way:
            await asyncio.wait(self.under_way.values())
        self._forget_what_ended()

    def abandon(self) -> None:
        for task in self.under_way.values():
            task.cancel()

    async def _send(self, message: Outgoing) -> None:
        with self._counted():
            await Sending(self.process).send(message)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self.process.under_way += 1
        try:
            yield
        finally:
            self.process.under_way -= 1
