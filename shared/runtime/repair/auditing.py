"""Reading a whole ledger for an auditor: every database with a read-only role, every message of the
topic. Changes nothing."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from aiokafka import TopicPartition

from shared.chain.findings import Finding
from shared.chain.trust import Trust
from shared.contract.envelope import Event
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.topic import follower
from shared.runtime.hear.judge import Heard, Record, examine
from shared.runtime.hear.messages import record_of
from shared.runtime.repair.verifying import LedgerCheck, TopicCheck, compare

PAGE: Final = 2000
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the history stands: an auditor's DSN for each service, the broker, the topic, and whom
    to trust."""

    databases: Mapping[ServiceName, str]
    kafka: Mapping[str, Any]
    topic: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Verification:
    topic: TopicCheck
    ledgers: tuple[LedgerCheck, ...]
    findings: tuple[Finding, ...]


async def verify(sources: Sources, progress: Progress) -> Verification:
    """Checks every database and the topic, and each against the other. `progress` hears what is
    read, and how much of it."""
    ledgers, relayed = [], {}
    for service, dsn in sources.databases.items():
        # The database first: what the relay had sent by then must stand on the topic when that is
        # read afterwards.
        check, cursor = await _check_ledger(service, dsn, sources.trust, progress)
        ledgers.append(check)
        relayed[service] = cursor
    topic = TopicCheck(sources.trust)
    async for record in messages(sources.kafka, sources.topic):
        topic.take(record)
        progress("topic", topic.messages)
    topic.finish()
    findings = [*topic.findings]
    for check in ledgers:
        findings += [*check.findings, *compare(topic, check, relayed[check.owner])]
    return Verification(topic, tuple(ledgers), tuple(findings))


async def _check_ledger(
    service: ServiceName, dsn: str, trust: Trust, progress: Progress
) -> tuple[LedgerCheck, dict[int, int]]:
    check = LedgerCheck(service, trust)
    connection = await asyncpg.connect(dsn)
    try:
        # One snapshot: heads, cursor and rows as of the same moment, while the service goes on.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            heads = await connection.fetch("SELECT service, partition, sequence FROM chain")
            cursor = await connection.fetch("SELECT partition, sequence FROM relay_cursor")
            parked = await connection.fetch(
                "SELECT reason, count(*) AS count FROM parked WHERE resolved_at IS NULL GROUP BY 1"
            )
            query = "SELECT * FROM ledger ORDER BY service, partition, sequence"
            async for row in connection.cursor(query, prefetch=PAGE):
                check.take(row)
                progress(service.value, check.rows)
    finally:
        await connection.close()
    check.finish(
        {(ServiceName(row["service"]), row["partition"]): row["sequence"] for row in heads},
        {row["reason"]: row["count"] for row in parked},
    )
    return check, {row["partition"]: row["sequence"] for row in cursor}


async def messages(kafka: Mapping[str, Any], topic: str) -> AsyncIterator[Record]:
    """Every message of the topic as of now, each partition from its first."""
    consumer = follower(kafka, at_once=PAGE)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        ends = {place: end for place, end in (await consumer.end_offsets(places)).items() if end}
        while ends:
            for place, batch in (await consumer.getmany(*ends, timeout_ms=200)).items():
                for message in batch:
                    if message.offset < ends[place]:
                        yield record_of(message)
            ends = {
                place: end for place, end in ends.items() if await consumer.position(place) < end
            }
    finally:
        await consumer.stop()


async def events(sources: Sources) -> list[Event]:
    """The history as the topic has it: every trusted event once, in the order of time."""
    history: dict[bytes, Event] = {}
    trust = sources.trust
    async for record in messages(sources.kafka, sources.topic):
        if isinstance(heard := examine(record, trust), Heard):
            history[heard.event.hash] = heard.event
            trust = trust.after(heard.event)
    return sorted(
        history.values(),
        key=lambda event: (event.time, event.service, event.link.partition, event.link.sequence),
    )


async def parked(dsn: str, *, resolved: bool) -> list[dict[str, Any]]:
    """The parked messages of one service, oldest first; with `resolved`, also those that were
    settled."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT * FROM parked WHERE $1 OR resolved_at IS NULL ORDER BY parked_id", resolved
        )
    finally:
        await connection.close()
    return [dict(row) for row in rows]
