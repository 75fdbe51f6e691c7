"""One sending: it is said that it begins, the channel is called, and it is said what came of it."""

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from services.notify.channels.file import Channels
from services.notify.channels.results import Delivered, NobodyKnows, NotDelivered, Payload, Result
from services.notify.domain import (
    Command,
    MarkUnknown,
    RecordDelivered,
    RecordFailure,
    StartSend,
    State,
)
from services.notify.queries import BegunSending, Outgoing
from shared.contract.catalogue.notify import SendStarted
from shared.contract.decision import Actor, Context, Rejected
from shared.runtime.process.logging import said
from shared.runtime.process.persistence import PASSING, persist
from shared.runtime.running import Running

SEND_WITHIN: Final = 60.0
"""Seconds after which nobody waits for a channel any more; each step of a sending has its own,
shorter limit."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends for one process."""

    process: Running[Command, State, Channels]

    async def send(self, message: Outgoing) -> None:
        """Sends a message once, unless the rules refuse that it begins."""
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
        # What a channel has said is known nowhere else: it is said again until the database has it.
        await persist("recording a result", lambda: self._say(message.incident_id, command))

    async def leave_to_a_person(self, attempt: BegunSending) -> None:
        """Says of a sending that nobody is at work on that its outcome is unknown."""
        log.warning(
            "a sending has no result; a person decides",
            communication_id=str(attempt.communication_id),
            attempt=attempt.number,
        )
        await self._say(attempt.incident_id, MarkUnknown(attempt.communication_id, attempt.number))

    async def _start(self, message: Outgoing) -> int | None:
        """The number of the attempt, once it is committed that it begins; None when there is
        nothing to send after all."""
        command = StartSend(message.communication_id, message.texts)
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
                "not sent", communication_id=str(message.communication_id), error=said(error)
            )
            return None
        begun = carried.signed[-1].recorded.event.data
        return begun.attempt if isinstance(begun, SendStarted) else None

    async def _call_channel(self, outgoing: Outgoing) -> Result:
        try:
            async with asyncio.timeout(SEND_WITHIN):
                return await self.process.resources.send(outgoing.channel, message_of(outgoing))
        except TimeoutError:
            return NobodyKnows(f"The channel took longer than {SEND_WITHIN:.0f} s.")
        except Exception as error:  # noqa: BLE001  whatever broke, the message may have gone out
            # Its words may hold a channel's URL, and that a password.
            log.error(
                "a channel broke",
                communication_id=str(outgoing.communication_id),
                error=type(error).__name__,
            )
            return NobodyKnows("The channel broke while it was sending.")

    async def _say(self, incident_id: UUID, command: Command) -> None:
        try:
            await self.process.ledger.carry_out(incident_id, command, self._context())
        except Rejected as refusal:
            # A person or another replica was faster.
            log.warning("a result came too late", rule=refusal.rule, detail=refusal.detail)

    def _context(self) -> Context:
        return Context(self.process.now(), Actor.service(self.process.service.name))


def message_of(outgoing: Outgoing) -> Payload:
    """What goes out. Nobody takes a drill for the real thing, whatever the drafter wrote."""
    title = f"EXERCISE: {outgoing.title}" if outgoing.exercise else outgoing.title
    return Payload(outgoing.communication_id, title, outgoing.text)


def outcome(communication_id: UUID, attempt: int, result: Result) -> Command:
    """What is said of a channel's answer."""
    match result:
        case Delivered():
            return RecordDelivered(communication_id, attempt)
        case NotDelivered(error=error):
            return RecordFailure(communication_id, attempt, error)
        case NobodyKnows():
            return MarkUnknown(communication_id, attempt)
