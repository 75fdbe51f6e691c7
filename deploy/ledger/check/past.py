"""The events up to a moment: of a log, or of the topic."""

import asyncio
from pathlib import Path
from uuid import UUID

from deploy.ledger.check import believing
from deploy.ledger.check.believing import Pinned
from deploy.ledger.check.stacklog import log_at, pinned_by_stack
from deploy.ledger.progress import counting
from deploy.ledger.sources import open_sources
from shared.audit.history import Until, history
from shared.audit.subjects import Sealed
from shared.contract.topics import is_system
from shared.runtime.repair import topic_messages


def from_log(
    source: str | None,
    data: Path | None,
    token: str | None,
    moment: Until,
    incident: UUID | None = None,
    vkey: Path | None = None,
) -> list[Sealed]:
    """The events of a log up to the moment, with the texts that were handed over with it. Raises
    StackError, NotALog and Unreachable."""
    pinned, files = Pinned(vkey), log_at(source, data, token)
    if source is None:
        pinned = pinned_by_stack(data, pinned)
    with counting() as bar:
        return list(
            history(
                files,
                believing.believe(files, pinned).anchors.log,
                moment,
                incident,
                lambda done, total: bar("leaves", done, total),
            )
        )


def from_topic(data: Path | None, moment: Until, incident: UUID | None) -> list[Sealed]:
    """The events of the topic up to the moment. Raises what `open_sources` raises."""
    sources = open_sources(data)
    events = asyncio.run(topic_messages.events(sources.kafka, sources.topic, sources.trust))
    found = (
        Sealed(number, event)
        for number, event in enumerate(events)
        if not is_system(event.subject_id)
    )
    return [
        one for one in found if moment.includes(one) and incident in {None, one.event.subject_id}
    ]
