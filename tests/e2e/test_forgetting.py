"""A story in unmistakable words, searched for in everything that is kept: they stand in the tables
and on the topic of texts alone; and once two persons have erased them, nowhere, on no disk."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.ledger.run.demo.cast import COLIN, LEA, NORA, RASHID, Person
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.contract.topics import DISCLOSURES_CONFIG, PARTITIONS, disclosures_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.texts import NOTHING
from tests.e2e.conftest import Collector
from tests.e2e.world import REVIEW, TRIAGE, World, ledger_json
from tests.searching import found

CLEANED_WITHIN: Final = 150.0
PETRA: Final = Person("petra", Role.PRIVACY)
FAST: Final = DISCLOSURES_CONFIG | {
    "segment.ms": "1000",
    "max.compaction.lag.ms": "2000",
    "delete.retention.ms": "1000",
    "file.delete.delay.ms": "100",
}
REPORTED: Final = {"quokkas on a slide", "quokkagram", "https://quokka.example/post/17"}
PERSON: Final = {"Quillan Zvorkin", "quillan@zvorkin.example"}
SAID_OF: Final = {"Zvorkin left it in the train", "heard of Zvorkin in the lift"}
KEPT: Final = {"wombats in the cellar", "a wombat told us", "wombatgram desk"}
TOLD: Final = REPORTED | PERSON | SAID_OF | KEPT
TEXTS: Final = ("disclosure", "person", "reporter")
"""The tables in which texts may stand; the last is intake's alone, and what it holds travels to
nobody."""


async def tell(world: World) -> UUID:
    office = world.office
    description, platform, url = sorted(
        REPORTED, key=lambda word: (":" in word, word[-4:] == "gram")
    )
    assert (platform, url[:5]) == ("quokkagram", "https")
    name, contact = sorted(PERSON)
    answer = await office.http.post(
        f"{office.urls[ServiceName.INTAKE]}/reports",
        headers=bearer(world, Person("quill", Role.SOURCE)),
        json={
            "description": description,
            "exposure": {"platform": platform, "url": url},
            "reporter": {"name": name, "contact": contact},
        },
    )
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    incident = UUID(receipt["incident_id"])
    office.last[incident] = UUID(receipt.get("events", [receipt])[-1]["event_id"])
    await world.settled()
    left, lift = sorted(SAID_OF)
    for key, value, source in (
        ("information_kind", "wombats in the cellar", "a wombat told us"),
        ("where", left, lift),
    ):
        body = {
            "key": key,
            "value": value,
            "confidence": "high",
            "source": source,
            "observed_at": "2026-03-01T08:00:00Z",
        }
        await office.give(RASHID, TRIAGE, incident, "/facts", body)
    action = {"kind": "platform_report", "target": "wombatgram desk"}
    await office.give(RASHID, TRIAGE, incident, "/actions", action)
    await office.give(
        LEA, TRIAGE, incident, "/seats", {"seat": "communications", "holder": COLIN.name}
    )
    await world.settled()
    return incident


def bearer(world: World, person: Person) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {issue(Keys.of(world.stack.data), person.name, [person.role])}"
    }


async def ask(world: World, by: Person, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    url = world.office.urls[REVIEW]
    answer = await world.office.http.post(f"{url}{path}", json=body, headers=bearer(world, by))
    assert answer.status_code == 201, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


async def erase(world: World, incident: UUID, **what: Any) -> None:
    """One person asks, for privacy; another confirms, for legal."""
    body = {**what, "ground": "objection", "reason": "asked for by letter"}
    receipt = await ask(world, PETRA, f"/incidents/{incident}/erasures", body)
    for event in receipt["events"]:
        erasure = event["data"]["erasure_id"]
        path = f"/incidents/{incident}/erasures/{erasure}/confirmation"
        await ask(world, NORA, path, None)
    await world.settled()


def files(*within: Path) -> Iterator[tuple[str, bytes]]:
    for place in within:
        for path in sorted(place.rglob("*")):
            try:
                if path.is_file() and (content := path.read_bytes().strip(b"\0")):
                    yield str(path), content
            except FileNotFoundError:
                continue  # cleaned away meanwhile


def segments(world: World, topic: str) -> bytes:
    log = world.stack.data / "kafka" / "log"
    folders = list(log.glob(f"{topic}-[0-9]"))
    assert len(folders) == PARTITIONS
    return b"\n".join(content for _, content in files(*folders))


async def dump(world: World, service: ServiceName) -> dict[str, bytes]:
    """Every table of the service's database, as a backup would hold it."""
    connection = await connected(world, service)
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace"
        )
        dumped = {}
        for row in tables:
            parts: list[bytes] = []

            async def keep(part: bytes, parts: list[bytes] = parts) -> None:
                parts.append(part)

            await connection.copy_from_table(row["relname"], output=keep)
            dumped[row["relname"]] = b"".join(parts)
        return dumped
    finally:
        await connection.close()


async def connected(world: World, service: ServiceName) -> "asyncpg.Connection[Any]":
    dsn = world.stack.admin_dsn.rpartition("/")[0]
    return await asyncpg.connect(f"{dsn}/incident_{service}")


async def data_directory(world: World) -> str:
    connection = await connected(world, REVIEW)
    folder: str = await connection.fetchval("SHOW data_directory")
    await connection.close()
    return folder


async def everywhere_else(world: World, collector: Collector) -> dict[str, bytes]:
    """All that is kept but the tables and the topic of texts."""
    kept = {"main topic": segments(world, world.stack.topic)}
    kept |= dict(files(world.stack.data / "logs", Keys.of(world.stack.data).log_store))
    kept["spans"] = b"".join(one.SerializeToString() for one in collector.traces)
    kept["metrics"] = b"".join(one.SerializeToString() for one in collector.metrics)
    for service in ServiceName:
        for table, content in (await dump(world, service)).items():
            if table not in TEXTS:
                kept[f"{service}.{table}"] = content
    return kept


async def in_the_tables_of_texts(world: World, service: ServiceName) -> set[str]:
    dumped = await dump(world, service)
    return found(TOLD, b"\n".join(dumped.get(table, b"") for table in TEXTS))


async def configured(world: World, config: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(**world.stack.broker.client())
    await admin.start()
    topic = disclosures_of(world.stack.topic)
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])
    await admin.close()


async def nudge(world: World) -> None:
    """What the relay does once an hour."""
    async with AIOKafkaProducer(**world.stack.broker.client()) as producer:
        for number in range(PARTITIONS):
            topic = disclosures_of(world.stack.topic)
            await producer.send_and_wait(topic, key=NOTHING, partition=number)


async def cleaned(world: World) -> None:
    """Databases and topic, as they clean themselves in time."""
    for service in ServiceName:
        connection = await connected(world, service)
        for table in TEXTS if service is ServiceName.INTAKE else TEXTS[:-1]:
            await connection.execute(f"VACUUM FULL {table}")
        await connection.execute("CHECKPOINT")
        await connection.close()


@pytest.fixture
async def quick(world: World) -> Any:
    """The topic of texts is cleaned in seconds."""
    await configured(world, FAST)
    yield world
    await configured(world, DISCLOSURES_CONFIG)


async def test_words_stand_where_they_can_be_erased_and_then_nowhere(
    quick: World, collector: Collector
) -> None:
    world, texts = quick, disclosures_of(quick.stack.topic)
    incident = await tell(world)
    for where, content in (await everywhere_else(world, collector)).items():
        assert found(TOLD, content) == set(), where
    for service in ServiceName:
        known = TOLD if service is ServiceName.INTAKE else TOLD - PERSON
        assert await in_the_tables_of_texts(world, service) == known, service
    assert found(TOLD, segments(world, texts)) == TOLD - PERSON
    read = await world.office.http.get(
        f"{world.office.urls[TRIAGE]}/incidents/{incident}", headers=bearer(world, RASHID)
    )
    assert "wombats in the cellar" in json.dumps(read.json())

    reported = next(
        event
        for event in await world.events(REVIEW, incident)
        if event["type"] == "incident.reported.v1"
    )
    await erase(world, incident, event_id=reported["event_id"])
    await erase(world, incident, mentions=["zvorkin"])

    for service in ServiceName:
        assert await in_the_tables_of_texts(world, service) == KEPT, service
    await cleaned(world)
    async with asyncio.timeout(CLEANED_WITHIN):
        while found(TOLD, segments(world, texts)) != KEPT:
            await nudge(world)
            await asyncio.sleep(2)
    for where, content in (await everywhere_else(world, collector)).items():
        assert found(TOLD, content) == set(), where
    base = Path(await data_directory(world)) / "base"
    assert list(base.iterdir())
    for where, content in files(base, world.stack.data / "kafka" / "log"):
        assert found(TOLD - KEPT, content) == set(), where
    verified = ledger_json("verify", world.stack.data)
    assert verified["findings"] == []
