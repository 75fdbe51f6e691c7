"""`ledger rebuild`: views from a ledger, a ledger from the topic, the topic from the ledgers."""

import asyncio
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.ledger.mend.parked import run_service
from deploy.ledger.printing import doubtful, note, say
from deploy.ledger.progress import counting
from deploy.ledger.sources import or_stop
from deploy.local import state
from deploy.local.errors import StackError
from shared.chain.trust import Trust
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.keyfiles import load_trust
from shared.runtime.process.settings import KafkaSettings
from shared.runtime.repair import refill
from shared.runtime.repair.refill import Refilled


class What(StrEnum):
    INTAKE = "intake"
    TRIAGE = "triage"
    NOTIFY = "notify"
    REVIEW = "review"
    KAFKA = "kafka"


def rebuild(
    what: Annotated[What, typer.Argument(help="A service, or kafka: the topic.")],
    heard: Annotated[
        bool,
        typer.Option(
            "--heard", help="Not the views: what the service's ledger lacks, from the topic."
        ),
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Data folder of a local stack (default: ./.ledger).")
    ] = None,
) -> None:
    """Make again what was lost from what is left.

    ledger rebuild SERVICE: empty its views and write them again from its ledger. They come out
    equal, or were wrong before.

    ledger rebuild SERVICE --heard: into an empty or an old database (ledger migrate makes one),
    with the service stopped, take from the topic all that it heard and all that it said, each event
    checked by its chain and signature; views follow. Nothing is reacted to. What it had said and
    not yet relayed is not on the topic, nor are its private tables and the keys of requests it has
    answered.

    ledger rebuild kafka: fill an empty topic (ledger migrate makes one) from the four databases,
    with all services stopped: the same bytes, each chain in its order, among services in the order
    in which they were heard. Relays and receivers go on from there. Where the databases are not a
    local stack's: LEDGER_<SERVICE>_DSN for each, LEDGER_KAFKA_* and LEDGER_TRUST_FILE.

    A local stack without its services: ledger up --no-services.
    """
    if what is not What.KAFKA:
        run_service(
            data, ServiceName(what.value), "--rebuild-ledger" if heard else "--rebuild-views"
        )
    with or_stop():
        if heard:
            raise StackError("--heard goes with a service: the topic hears nothing")
        refilled = asyncio.run(_refill(*_places(data)))
    for line in refilled.lacking:
        note(doubtful(line))
    say(f"The topic holds {refilled.events} events. Start the services.")


async def _refill(
    dsns: Mapping[ServiceName, str], kafka: Mapping[str, Any], topic: str, trusted: Trust
) -> Refilled:
    with counting() as bar:
        return await refill.refill(
            dsns, kafka, topic, trusted, lambda what, count: bar(what, count, None)
        )


def _places(
    data: Path | None,
) -> tuple[Mapping[ServiceName, str], Mapping[str, Any], str, Trust]:
    """Raises StackError, or KeyError naming the variable that is not set."""
    if data is None and "LEDGER_INTAKE_DSN" in os.environ:
        kafka = KafkaSettings()
        dsns = {service: os.environ[f"LEDGER_{service.upper()}_DSN"] for service in ServiceName}
        return dsns, kafka.kafka(), kafka.topic, load_trust(Path(os.environ["LEDGER_TRUST_FILE"]))
    stack = state.load(data or state.DEFAULT_DATA)
    dsns = {
        service: stack.services[service.value].env["LEDGER_DATABASE_DSN"] for service in ServiceName
    }
    return (
        dsns,
        stack.broker.client(),
        stack.topic,
        load_trust(stack.trust_file),
    )
