"""The sender: takes up messages that are due, says so before it calls the channel, and says what
came of it.

One replica sends at a time; the others wait for its lease. A message is claimed by `send_started`,
which the rules allow once an attempt: so nobody sends twice, even when a lease is lost unnoticed. A
sending that was begun and that nobody is at work on any more (its process died) ends as an outcome
that a person decides, never as a second sending."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

import structlog

from services.notify import views
from services.notify.channels import Delivered, NobodyKnows, NotDelivered, Result
from services.notify.domain import (
    Command,
    MarkUnknown,
    RecordDelivered,
    RecordFailure,
    StartSend,
    State,
    text_digest,
)
from services.notify.settings import channels_of
from services.notify.views import Attempt, Outgoing
from shared.contract.catalogue.notify import SendStarted
from shared.contract.decision import Actor, Context, Rejected
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.database import Connection
from shared.runtime.process.persistence import PASSING, persist
from shared.runtime.running import Running

T = TypeVar("T")

LOOK_EVERY: Final = 0.2
"""Seconds between two looks for messages that are due."""
AT_ONCE: Final = 8
"""Most messages under way: a channel that does not answer holds up itself, not the others."""
SEND_WITHIN: Final = 60.0
"""Seconds after which nobody waits for a channel any more; each step of a sending has its own,
shorter limit."""
SENDER: Final = Actor.service(ServiceName.NOTIFY)

log = structlog.get_logger(__name__)


async def send_what_is_due(process: Running[Command, State]) -> None:
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
            # The lease is lost, not what was begun: whoever has the lease now hears the result from
            # us.
            await sender.finish()
            raise
        finally:
            sender.abandon()


@dataclass(slots=True)
class Sender:
    process: Running[Command, State]
    under_way: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)

    async def look(self, connection: Connection) -> None:
        """Takes up what is due. Reads by the lease's own connection: without the lease there is
        nothing to read."""
        self._forget_what_ended()
        ours = set(self.under_way)
        for attempt in await views.begun(connection):
            if attempt.communication_id not in ours:
                await self._nobody_knows(attempt)
        room = AT_ONCE - len(ours)
        for message in await views.due(connection, self.process.now(), AT_ONCE):
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
            attempt = await self._start(message)
            if attempt is None:
                return
            result = await self._call_channel(message)
            log.info(
                "sent",
                communication_id=str(message.communication_id),
                attempt=attempt,
                result=type(result).__name__,
            )
            command = outcome(message.communication_id, attempt, result)
            # What a channel has said is known nowhere else: it is said again until the database has
            # it.
            await persist("recording a result", lambda: self._say(message.incident_id, command))

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self.process.under_way += 1
        try:
            yield
        finally:
            self.process.under_way -= 1

    async def _start(self, message: Outgoing) -> int | None:
        """The number of the attempt, once it is committed that it begins; None when there is
        nothing to send after all."""
        command = StartSend(message.communication_id, text_digest(message.title, message.text))
        try:
            carried = await self.process.ledger.carry_out(
                message.incident_id, command, self._context()
            )
        except Rejected as refusal:
            log.info("not sent", communication_id=str(message.communication_id), rule=refusal.rule)
            return None
        except PASSING as error:
            # It may be committed all the same: then the next look finds an attempt that nobody is
            # at work on.
            log.warning(
                "not sent", communication_id=str(message.communication_id), error=repr(error)
            )
            return None
        said = carried.signed[-1].recorded.event.data
        return said.attempt if isinstance(said, SendStarted) else None

    async def _call_channel(self, message: Outgoing) -> Result:
        channels = channels_of(self.process)
        title = outgoing_title(message.title, exercise=message.exercise)
        try:
            async with asyncio.timeout(SEND_WITHIN):
                return await in_thread(lambda: channels.send(message.channel, title, message.text))
        except TimeoutError:
            return NobodyKnows(f"The channel took longer than {SEND_WITHIN:.0f} s.")
        except Exception as error:  # noqa: BLE001  whatever broke, the message may have gone out
            # Its words may hold a channel's URL, and that a password.
            log.error(
                "a channel broke",
                communication_id=str(message.communication_id),
                error=type(error).__name__,
            )
            return NobodyKnows("The channel broke while it was sending.")

    async def _nobody_knows(self, attempt: Attempt) -> None:
        log.warning(
            "a sending has no result; a person decides",
            communication_id=str(attempt.communication_id),
            attempt=attempt.number,
        )
        await self._say(attempt.incident_id, MarkUnknown(attempt.communication_id, attempt.number))

    async def _say(self, incident_id: UUID, command: Command) -> None:
        try:
            await self.process.ledger.carry_out(incident_id, command, self._context())
        except Rejected as refusal:
            # A person or another replica was faster.
            log.warning("a result came too late", rule=refusal.rule, detail=refusal.detail)

    def _context(self) -> Context:
        return Context(self.process.now(), SENDER)


def outgoing_title(title: str, *, exercise: bool) -> str:
    """Nobody takes a drill for the real thing, whatever the drafter wrote."""
    return f"EXERCISE: {title}" if exercise else title


def outcome(communication_id: UUID, attempt: int, result: Result) -> Command:
    """What is said of a channel's answer."""
    match result:
        case Delivered():
            return RecordDelivered(communication_id, attempt)
        case NotDelivered(error=error):
            return RecordFailure(communication_id, attempt, error)
        case NobodyKnows():
            return MarkUnknown(communication_id, attempt)


async def in_thread(call: Callable[[], T]) -> T:
    """Runs a blocking call in a thread of its own, which no stop waits for: a channel that hangs
    holds up nobody."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(set_: Callable[[T], None] | Callable[[BaseException], None], value: object) -> None:
        if not answer.done():
            set_(value)  # type: ignore[arg-type]

    def run() -> None:
        try:
            value: object = call()
            set_: Callable[..., None] = answer.set_result
        except Exception as error:  # noqa: BLE001  it is the caller's
            set_, value = answer.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
            loop.call_soon_threadsafe(settle, set_, value)

    threading.Thread(target=run, name="channel", daemon=True).start()
    return await answer
