"""`ledger rebuild`: views from a ledger, a ledger from the topic, the topic from the ledgers."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.mend.parked import run_service
from deploy.ledger.options import or_stop
from deploy.ledger.printing import doubtful, note, say
from deploy.ledger.progress import counting
from deploy.ledger.sources import open_as_services
from deploy.local.errors import StackError
from shared.contract.vocabulary import ServiceName
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
        refilled = asyncio.run(_refill(data))
    for line in refilled.lacking:
        note(doubtful(line))
    say(f"The topic holds {refilled.events} events. Start the services.")


async def _refill(data: Path | None) -> Refilled:
    places = open_as_services(data)
    with counting() as bar:
        return await refill.refill(
            places.databases,
            places.kafka,
            places.topic,
            places.trust,
            lambda what, count: bar(what, count, None),
        )
