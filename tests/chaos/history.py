"""Reads what a settled stack holds: ledgers, topic, sealed log and views, in the form that the
checker takes."""

import asyncio
import json
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from deploy.local.environment import of_service
from deploy.local.keys import Keys
from deploy.local.state import Stack
from shared.contract.catalogue.review import ContentErased
from shared.contract.disclosure import digests
from shared.contract.envelope import Event, read
from shared.contract.hashing import event_hash
from shared.contract.topics import disclosures_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.hear.texts import texts_of
from shared.runtime.repair.topic_messages import messages
from shared.tlog.bundles import bundle_hashes, decode_bundle
from shared.tlog.tiles import bundles_of_growth
from tests.chaos.stack import Chaos
from tests.simulation.checking import Answer, Entry, History, Texts
from tests.simulation.texts import last_told

MARK: Final = re.compile(r"chaos-\d{7}")
PAGE: Final = 2000
LOOK_EVERY: Final = 0.5


async def settled(chaos: Chaos, within: float) -> bool:
    """Whether everything is said, relayed, heard and sealed within so many seconds."""
    try:
        async with asyncio.timeout(within):
            while not await _quiet(chaos.stack):
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError:
        return False
    return True


async def _quiet(stack: Stack) -> bool:
    """All four know the same heads of all chains. What they hear they react to in the same
    transaction, so nothing more comes."""
    try:
        heads = [await _heads(service.auditor_dsn) for service in stack.services.values()]
        texts = [await _texts(service.auditor_dsn) for service in stack.services.values()]
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return (
        all(known == heads[0] for known in heads)
        and all(known == texts[0] for known in texts)
        and sealed_size(stack) == sum(head[2] for head in heads[0])
    )


def sealed_size(stack: Stack) -> int:
    """Leaves under the newest checkpoint, as its file says."""
    try:
        return int(
            (Keys.of(stack.data).log_store / "checkpoint")
            .read_text(encoding="utf-8")
            .splitlines()[1]
        )
    except FileNotFoundError:
        return 0


def sealed(stack: Stack) -> list[bytes]:
    """Leaf hashes in order, from the entry bundles; that the checkpoint commits to them is `ledger
    verify`'s to check."""
    folder, hashes = Keys.of(stack.data).log_store, []
    for bundle in bundles_of_growth(0, sealed_size(stack)):
        hashes += bundle_hashes(decode_bundle((folder / bundle.path).read_bytes(), bundle.width))
    return hashes


async def _heads(dsn: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        rows = await connection.fetch(
            "SELECT service, partition, sequence, hash FROM chain ORDER BY 1, 2"
        )
    finally:
        await connection.close()
    return [tuple(row) for row in rows]


async def _texts(dsn: str) -> tuple[int, frozenset[str]]:
    """How many events' texts are to be told again, and the digests of those that are at hand."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        held = await connection.fetch("SELECT digest FROM disclosure")
        waiting: int = await connection.fetchval("SELECT count(*) FROM retold")
    finally:
        await connection.close()
    return waiting, frozenset(row["digest"] for row in held)


async def history(
    chaos: Chaos, answers: Sequence[Answer], shown: Sequence[Sequence[bytes]]
) -> History:
    stack = chaos.stack
    told = [one async for one in messages(stack.broker.client(), disclosures_of(stack.topic))]
    known = _Entries(_marks(told))
    ledgers = {
        name: await _ledger(local.auditor_dsn, known) for name, local in stack.services.items()
    }
    topic: defaultdict[int, list[Entry]] = defaultdict(list)
    async for record in messages(stack.broker.client(), stack.topic):
        topic[record.partition].append(known.entry(record.value, None))
    waiting = {name: await _parked(local.auditor_dsn) for name, local in stack.services.items()}
    held = {
        f"{name}'s texts": (await _texts(local.auditor_dsn))[1]
        for name, local in stack.services.items()
    }
    held["the topic of texts"] = frozenset().union(*last_told(told).values())
    texts = Texts(known.said(), known.erased(), held)
    return History(answers, ledgers, topic, sealed(stack), shown, waiting, texts=texts)


def _marks(told: Sequence[Record]) -> dict[UUID, str]:
    """By event, also of what was erased: the topic is cleaned after hours, and keeps it for now."""
    return {
        event_id: found[0]
        for one in told
        for event_id, several in texts_of([one]).items()
        for text in several
        if (found := MARK.search(str(text.named()[1])))
    }


class _Entries:
    """Entries by their envelopes: each stands in five places and is read once."""

    def __init__(self, marks: Mapping[UUID, str]) -> None:
        self._marks = marks
        self._events: dict[bytes, tuple[Event, str | None]] = {}

    def entry(self, envelope: bytes, version: int | None) -> Entry:
        hash_ = event_hash(envelope)
        if hash_ not in self._events:
            self._events[hash_] = (event := read(envelope)), self._mark(event)
        event, mark = self._events[hash_]
        link = event.link
        return Entry(
            link.service.value,
            link.partition,
            link.sequence,
            hash_,
            link.prevhash,
            str(event.subject_id),
            mark,
            version,
        )

    def _mark(self, event: Event) -> str | None:
        if event.type == "incident.review_opened.v1":
            return f"review-of-{event.subject_id}"
        if isinstance(event.data, ContentErased):
            return f"erasure-{event.data.erasure_id}"
        return self._marks.get(event.id)

    def said(self) -> frozenset[str]:
        """The digests of all texts."""
        return frozenset(one for event, _ in self._events.values() for one in digests(event.data))

    def erased(self) -> frozenset[str]:
        return frozenset(
            text.digest
            for event, _ in self._events.values()
            if isinstance(event.data, ContentErased)
            for text in event.data.texts
        )


async def _ledger(dsn: str, known: _Entries) -> list[Entry]:
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(readonly=True):
            rows = connection.cursor(
                "SELECT envelope, version FROM ledger ORDER BY position", prefetch=PAGE
            )
            return [known.entry(row["envelope"], row["version"]) async for row in rows]
    finally:
        await connection.close()


async def _parked(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM parked WHERE resolved_at IS NULL"
        )
        return count
    finally:
        await connection.close()


async def views_that_differ(chaos: Chaos) -> list[str]:
    """Rebuilds every service's views from its ledger; the tables that were not the same before."""
    differing = []
    for service in ServiceName:
        before = await _views(chaos.stack, service)
        await _rebuild(chaos.stack, service)
        after = await _views(chaos.stack, service)
        differing += [f"{service}.{table}" for table in before if before[table] != after[table]]
    return differing


async def _views(stack: Stack, service: ServiceName) -> Mapping[str, Any]:
    """What each view table holds: how many rows, and a digest over all of them."""
    tables = import_module(f"services.{service}.__main__").SERVICE.rules.view_tables
    connection = await asyncpg.connect(stack.services[service].owner_dsn)
    try:
        return {table: await _digest(connection, table) for table in tables}
    finally:
        await connection.close()


async def _digest(connection: Any, table: str) -> tuple[Any, ...]:
    rows = "string_agg(t::text, chr(10) ORDER BY t::text)"
    query = f"SELECT count(*), md5({rows}) FROM {table} AS t"  # noqa: S608  ours
    return tuple(await connection.fetchrow(query))


async def verify(chaos: Chaos) -> Mapping[str, Any]:
    """What `ledger verify --json` says. Raises RuntimeError when it could not check."""
    command = str(Path(sys.executable).with_name("ledger"))
    process = await asyncio.create_subprocess_exec(
        *(command, "verify", "--data", str(chaos.stack.data), "--json"),
        env=of_service({}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await process.communicate()
    if process.returncode not in {0, 1}:
        raise RuntimeError(f"`ledger verify` could not check: {complaint.decode()[-500:]}")
    verified: Mapping[str, Any] = json.loads(said)
    return verified


async def _rebuild(stack: Stack, service: ServiceName) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}", "--rebuild-views"),
        env=of_service(stack.services[service].env),
        cwd=stack.data,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{service}'s views could not be rebuilt: {said.decode()[-500:]}")
