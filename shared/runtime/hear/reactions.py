"""What a service says by itself because of what it hears, in the transaction of what it heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from shared.contract.decision import Rejected
from shared.contract.envelope import Event
from shared.contract.topics import kind_of
from shared.runtime.hear.attempt import attempt
from shared.runtime.hear.judge import Heard, ParkReason
from shared.runtime.process import telemetry
from shared.runtime.process.database import Connection
from shared.runtime.say.ledger import Ledger

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reactions:
    ledger: Ledger[Any, Any]

    async def to_all(self, connection: Connection, accepted: Sequence[Heard]) -> int:
        """Reacts to each in its order; how many events were said. A reaction that fails is parked:
        it holds up nothing. Raises KeyMissing, and what passes by itself."""
        said = 0
        for heard in accepted:
            if self.is_due(heard.event):
                work = partial(self.to, connection, heard.event)
                said += await attempt(connection, heard, ParkReason.REACTION, work) or 0
        return said

    def is_due(self, event: Event) -> bool:
        """Whether the service may react to such an event at all."""
        ledger = self.ledger.of(kind_of(event.type))
        return ledger is not None and isinstance(event.data, ledger.rules.reacts_to)

    async def to(self, connection: Connection, event: Event) -> int:
        """Reacts to one event; how many events were said. Raises what the rules and the ledger
        raise, but for a Rejected, which says that there is nothing to do."""
        said = 0
        ledger = self.ledger.of(kind_of(event.type))
        assert ledger is not None, "it is due"
        name = f"{self.ledger.service} reacts to {event.type}"
        with telemetry.span_from(event.traceparent, name):
            loaded = await ledger.load(event.subject_id, connection)
            for command in ledger.rules.react(event, loaded.state):
                try:
                    said += await ledger.carry_out_within(connection, command, event)
                except Rejected as refusal:
                    log.info(
                        "no reaction",
                        rule=refusal.rule,
                        detail=refusal.detail,
                        event_id=str(event.id),
                    )
        return said
