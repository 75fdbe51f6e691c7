"""Reads a whole ledger for an auditor: every database with a read-only role, every message of the
topic. Changes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from shared.chain.findings import Finding
from shared.chain.trust import Trust
from shared.contract.topics import disclosures_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair.ledger_check import LedgerCheck
from shared.runtime.repair.topic_check import TextTopicCheck, TopicCheck
from shared.runtime.repair.topic_messages import messages
from shared.runtime.repair.verifying import compare

PAGE: Final = 2000
_ROWS: Final = """
    SELECT ledger.*, texts, gone FROM ledger
    LEFT JOIN (
        SELECT event_id, array_agg(digest) AS texts FROM disclosure GROUP BY event_id
    ) AS held USING (event_id)
    LEFT JOIN (
        SELECT event_id, array_agg(digest) AS gone FROM erased GROUP BY event_id
    ) AS forgotten USING (event_id)
    ORDER BY service, partition, sequence
"""
"""An auditor's role reads of the texts their digests alone."""
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the history is kept: an auditor's DSN for each service, the broker and its topic; and
    the keys to trust."""

    databases: Mapping[ServiceName, str]
    kafka: Mapping[str, Any]
    topic: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Verification:
    topic: TopicCheck
    texts: TextTopicCheck
    ledgers: tuple[LedgerCheck, ...]
    findings: tuple[Finding, ...]


async def verify(sources: Sources, progress: Progress) -> Verification:
    """Checks every database and the topic, and each against the other. `progress` is told the name
    of each source and how many of its events have been read."""
    ledgers, relayed = [], {}
    erased: dict[str, Mapping[int, int]] = {}
    for service, dsn in sources.databases.items():
        # The database first: everything that its relay had sent by then must be on the topic, which
        # is read afterwards.
        check, cursor = await _check_ledger(service, dsn, sources.trust, progress)
        ledgers.append(check)
        relayed[service] = cursor
        erased |= await _told_away(dsn)
    topic = TopicCheck(sources.trust)
    async for record in messages(sources.kafka, sources.topic):
        topic.take(record)
        progress("topic", topic.messages)
    topic.finish()
    texts = TextTopicCheck(erased)
    async for record in messages(sources.kafka, disclosures_of(sources.topic)):
        texts.take(record)
        progress("texts", texts.messages)
    findings = [*topic.findings, *texts.findings]
    for check in ledgers:
        findings += [*check.findings, *compare(topic, check, relayed[check.owner])]
    return Verification(topic, texts, tuple(ledgers), tuple(findings))


async def _told_away(dsn: str) -> dict[str, Mapping[int, int]]:
    """The service's own texts that are erased, and of which the topic has been told; with them, how
    far it has read that topic."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(
                """SELECT DISTINCT digest FROM erased JOIN ledger USING (event_id)
                   WHERE kafka_offset IS NULL
                   AND NOT EXISTS (SELECT FROM retold WHERE retold.event_id = erased.event_id)"""
            )
            offsets = await connection.fetch("SELECT partition, next_offset FROM told_offset")
    finally:
        await connection.close()
    read = {row["partition"]: row["next_offset"] for row in offsets}
    return {row["digest"]: read for row in rows}


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
            async for row in connection.cursor(_ROWS, prefetch=PAGE):
                check.take(row)
                progress(service.value, check.rows)
    finally:
        await connection.close()
    check.finish(
        {(ServiceName(row["service"]), row["partition"]): row["sequence"] for row in heads},
        {row["reason"]: row["count"] for row in parked},
    )
    return check, {row["partition"]: row["sequence"] for row in cursor}


async def parked(dsn: str, *, resolved: bool) -> list[dict[str, Any]]:
    """The parked messages of one service, oldest first; with `resolved`, the resolved ones too."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT * FROM parked WHERE $1 OR resolved_at IS NULL ORDER BY parked_id", resolved
        )
    finally:
        await connection.close()
    return [dict(row) for row in rows]
