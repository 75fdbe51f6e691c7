"""What a service says by itself because of what it hears, in the transaction of what it heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from shared.contract.decision import Actor, Context, Rejected
from shared.contract.envelope import Event
from shared.contract.topics import is_system
from shared.runtime.hear.judge import Heard, Parked, ParkReason
from shared.runtime.hear.parking import park
from shared.runtime.process import clock, telemetry
from shared.runtime.process.database import Connection
from shared.runtime.process.persistence import PASSING
from shared.runtime.say.keyring import KeyMissing
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.plan import Proposal
from shared.runtime.say.rules import Rules
from shared.runtime.say.utterance import say

C = TypeVar("C")
S = TypeVar("S")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reactions(Generic[C, S]):
    ledger: Ledger[C, S]
    rules: Rules[C, S]

    async def to_all(self, connection: Connection, accepted: Sequence[Heard]) -> int:
        """Reacts to each in its order; how many events were said. A reaction that fails is parked:
        it holds up nothing. Raises KeyMissing, and what passes by itself."""
        said = 0
        for heard in accepted:
            if self._is_due(heard.event):
                said += await self._to_or_park(connection, heard)
        return said

    async def to(self, connection: Connection, event: Event) -> int:
        """Reacts to one event; how many events were said. Raises what the rules and the ledger
        raise, but for a Rejected, which says that there is nothing to do."""
        said = 0
        name = f"{self.ledger.service} reacts to {event.type}"
        with telemetry.span_from(event.traceparent, name):
            loaded = await self.ledger.load(event.incident_id, connection)
            for command in self.rules.react(event, loaded.state):
                said += await self._carry_out(connection, command, event)
        return said

    def _is_due(self, event: Event) -> bool:
        return not is_system(event.incident_id) and isinstance(event.data, self.rules.reacts_to)

    async def _to_or_park(self, connection: Connection, heard: Heard) -> int:
        try:
            async with connection.transaction():
                return await self.to(connection, heard.event)
        except KeyMissing:
            raise
        except PASSING:
            raise
        except Exception as error:
            log.exception("a reaction failed", event_id=str(heard.event.id))
            failed = Parked(heard.record, ParkReason.REACTION, repr(error), heard.event)
            await park(connection, [failed])
            telemetry.parked(ParkReason.REACTION.value)
            return 0

    async def _carry_out(self, connection: Connection, command: C, cause: Event) -> int:
        incident_id = cause.incident_id
        context = Context(clock.now(), Actor.service(self.ledger.service))
        loaded = await self.ledger.load(incident_id, connection)
        try:
            decided = self.rules.decide(command, loaded.state, context)
        except Rejected as refusal:
            log.info(
                "no reaction", rule=refusal.rule, detail=refusal.detail, event_id=str(cause.id)
            )
            return 0
        said = say(incident_id, decided, context, cause)
        proposal = Proposal(incident_id, loaded.version, said)
        turn = await self.ledger.writer.append_within(connection, [proposal])
        turn.require_accepted()
        return len(said)
