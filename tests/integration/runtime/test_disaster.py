"""The disaster drill, on a real broker and database: the topic is lost, a database is lost, both
are lost; nothing heard is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from fastapi import APIRouter
from psycopg import sql

from deploy.local.keys import Keys
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import CommunicationRequired
from shared.contract.catalogue.review import LessonRecorded
from shared.contract.catalogue.triage import SeatFilled
from shared.contract.hashing import event_hash
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import Audience, Seat, ServiceName
from shared.runtime.carry.topic import ensure_topic
from shared.runtime.process import clock
from shared.runtime.process.keyfiles import load_trust
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.repair import auditing, rebuilding, refill, rotation
from shared.runtime.repair.refill import Refilled
from shared.runtime.repair.refill_databases import CannotRefill
from shared.runtime.service import Service, receiver_of, running
from shared.tlog.note import Signer, generate_key
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import Process, on_topic, process, rules, until

INTAKE, TRIAGE, NOTIFY, REVIEW = ServiceName
REPORTED = Reported(opens=True, channel=ReportChannel.API, description="a whiteboard")
SAYS: dict[ServiceName, EventData] = {
    INTAKE: REPORTED,
    TRIAGE: SeatFilled(seat=Seat.LEGAL, holder="nora"),
    REVIEW: LessonRecorded(text="wipe it"),
}
REACTING = rules(
    reacts_to=(Reported,),
    react=lambda _event, _state: [CommunicationRequired(audience=Audience.PRESS, rule="test")],
)


@pytest.fixture
def environment(environment: Environment, tmp_path: Path) -> Environment:
    """With keys of this test's own: it changes them."""
    keys = Keys.of(tmp_path)
    keys.make()
    return replace(environment, keys=keys)


@contextlib.asynccontextmanager
async def all_four(environment: Environment) -> AsyncIterator[dict[ServiceName, Process]]:
    async with contextlib.AsyncExitStack() as stack:
        yield {
            service: await stack.enter_async_context(
                process(environment, service, REACTING if service is NOTIFY else rules())
            )
            for service in ServiceName
        }


async def live(four: dict[ServiceName, Process], incidents: int = 8) -> None:
    """Everybody says something of every incident, while the others' words arrive."""
    ids = [clock.new_id() for _ in range(incidents)]
    await asyncio.gather(
        *(four[service].say(data, one) for one in ids for service, data in SAYS.items())
    )
    await asyncio.gather(
        *(four[service].say(data, one) for service, data in SAYS.items() for one in ids)
    )
    await settled(four)


async def settled(four: dict[ServiceName, Process]) -> None:
    async def all_know_the_same() -> bool:
        held = [
            {(row["service"], row["partition"], row["sequence"]) for row in await one.rows()}
            for one in four.values()
        ]
        return all(one == held[0] for one in held)

    await until(all_know_the_same, "all four hold the same events")
    for one in four.values():
        assert await one.parked() == []


async def change_key(
    environment: Environment, four: dict[ServiceName, Process], service: ServiceName
) -> None:
    file = environment.keys.signing_key(service)
    new = Signer.parse(generate_key(f"incident-ledger/{service}")[0])
    file.write_text(file.read_text() + new.skey + "\n")
    await rotation.rotate(four[service].running.pool, four[service].running.ledger)
    file.write_text(new.skey + "\n")


async def order(environment: Environment) -> list[list[bytes]]:
    """The hashes of what stands on the topic, by partition; a copy stands for its first."""
    hashes: list[dict[bytes, None]] = [{} for _ in range(PARTITIONS)]
    for message in await on_topic(environment):
        hashes[message.partition][event_hash(message.value)] = None
    return [list(one) for one in hashes]


async def content(environment: Environment, service: ServiceName) -> list[Any]:
    """What a service's ledger holds, whatever the order in which it came to know it."""
    async with await psycopg.AsyncConnection.connect(
        environment.databases[service].auditor_dsn
    ) as connection:
        found = await connection.execute(
            """SELECT service, partition, sequence, event_id, subject_id, type,
                          envelope, signature, hash
               FROM ledger ORDER BY service, partition, sequence"""
        )
        return await found.fetchall()


async def lose_topic(environment: Environment) -> None:
    kafka = {"bootstrap_servers": environment.bootstrap}
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    await admin.delete_topics([environment.topic])

    async def gone() -> bool:
        return environment.topic not in await admin.list_topics()

    await until(gone, "the topic is gone")
    await admin.close()
    assert await ensure_topic(kafka, environment.topic)


def lose_database(environment: Environment, service: ServiceName) -> None:
    lost = environment.databases.made.pop(service)
    with psycopg.connect(environment.databases.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(lost.name)))


async def refilled(environment: Environment) -> Refilled:
    return await refill.refill(
        {service: environment.databases[service].service_dsn for service in ServiceName},
        {"bootstrap_servers": environment.bootstrap},
        environment.topic,
        load_trust(environment.keys.trust_file),
        lambda _what, _count: None,
    )


async def rebuilt(environment: Environment, service: ServiceName) -> str:
    values = {
        name.removeprefix("LEDGER_").lower(): value
        for name, value in environment.of(service).items()
    }
    settings = ServiceSettings(
        **{name: value for name, value in values.items() if name in ServiceSettings.model_fields}
    )

    definition = Service(service, "a service of the tests", REACTING, APIRouter())
    async with running(definition, settings, speaks=False) as opened:
        receiver = receiver_of(opened, rebuilding=True)
        return await rebuilding.rebuild_ledger(
            opened.pool, receiver, settings.kafka(), settings.topic
        )


async def findings(environment: Environment) -> list[str]:
    sources = auditing.Sources(
        {service: environment.databases[service].auditor_dsn for service in ServiceName},
        {"bootstrap_servers": environment.bootstrap},
        environment.topic,
        load_trust(environment.keys.trust_file),
    )
    verification = await auditing.verify(sources, lambda _name, _count: None)
    return [f"{finding.code} {finding.where} {finding.detail}" for finding in verification.findings]


async def test_the_topic_is_lost_and_comes_back_in_the_same_order_and_the_services_go_on(
    environment: Environment,
) -> None:
    async with all_four(environment) as four:
        await live(four)
        await change_key(environment, four, INTAKE)
        await live(four)
        # Copies, as a relay that dies before its cursor moves leaves them: the offsets of the old
        # topic are not those of the new.
        await four[INTAKE].stop()
        await four[INTAKE].running.pool.execute("UPDATE relay_cursor SET sequence = 0")
        four[INTAKE].start("writer", "relay", "consumer")
        await live(four, 2)
    before = await order(environment)
    assert len(await on_topic(environment)) > sum(map(len, before))
    await lose_topic(environment)
    done = await refilled(environment)
    assert done == Refilled(sum(map(len, before)), [])
    assert await order(environment) == before
    assert await findings(environment) == []
    async with all_four(environment) as four:
        await settled(four)
        await live(four, 4)
    after = await order(environment)
    assert [new[: len(old)] for new, old in zip(after, before, strict=True)] == before
    assert len(await on_topic(environment)) == sum(map(len, after)), (
        "nothing was sent or heard twice"
    )
    assert await findings(environment) == []


async def test_a_service_that_was_given_a_key_late_does_not_keep_the_topic_from_coming_back(
    environment: Environment,
) -> None:
    """It remembers another order than the others, and may: it says itself what it had parked."""
    file, incident = environment.keys.trust_file, clock.new_id()
    whole = file.read_text()
    file.write_text("".join(line for line in whole.splitlines(True) if "intake" not in line))
    async with process(environment, REVIEW) as review:
        file.write_text(whole)
        async with process(environment, INTAKE) as intake, process(environment, TRIAGE) as triage:
            await intake.say(SAYS[INTAKE], incident)
            await until(lambda: holds(triage, 1), "triage hears intake")
            await until(lambda: parks(review, "untrusted"), "review does not know intake's key")
            await triage.say(SAYS[TRIAGE], incident)
            await until(lambda: holds(review, 1), "review hears triage")
    async with process(environment, REVIEW) as review, process(environment, NOTIFY) as notify:
        await until(lambda: holds(review, 2), "review hears intake now that it knows the key")
        await until(lambda: holds(notify, 2), "notify hears both")
        assert [row["service"] for row in await review.rows()] == [TRIAGE, INTAKE]
    before = await order(environment)
    await lose_topic(environment)
    assert await refilled(environment) == Refilled(2, [])
    assert await order(environment) == before
    assert await findings(environment) == []


async def holds(one: Process, count: int) -> bool:
    return len(await one.rows()) == count


async def parks(one: Process, reason: str) -> bool:
    return (reason, None) in await one.parked()


async def test_what_was_not_relayed_and_not_heard_is_on_the_new_topic_and_heard_from_there(
    environment: Environment,
) -> None:
    async with all_four(environment) as four:
        await live(four, 4)
        before = await order(environment)
        await four[REVIEW].stop()
        await four[INTAKE].say(REPORTED, clock.new_id())

        async def triage_heard() -> bool:
            return len(await four[TRIAGE].rows("service = 'intake'")) == 9

        await until(triage_heard, "triage hears what review does not")
        await four[TRIAGE].stop()
        four[TRIAGE].start("writer")
        await four[TRIAGE].say(SAYS[TRIAGE], clock.new_id())
    await lose_topic(environment)
    await refilled(environment)
    after = await order(environment)
    assert [new[: len(old)] for new, old in zip(after, before, strict=True)] == before
    async with all_four(environment) as four:
        await settled(four)
    assert await findings(environment) == []


async def test_a_database_is_lost_and_comes_back_from_the_topic(environment: Environment) -> None:
    async with all_four(environment) as four:
        await live(four)
        await change_key(environment, four, NOTIFY)
        await live(four, 2)
    before = await content(environment, NOTIFY)
    lose_database(environment, NOTIFY)
    said = await rebuilt(environment, NOTIFY)
    assert (
        said
        == f"notify: {len(before)} events taken from the topic, {len(before)} in its ledger now, "
        "0 messages parked"
    )
    assert await content(environment, NOTIFY) == before
    assert (await rebuilt(environment, NOTIFY)).startswith("notify: 0 events taken")
    assert await findings(environment) == []
    messages = len(await on_topic(environment))
    async with all_four(environment) as four:
        await settled(four)
        assert len(await on_topic(environment)) == messages, "nothing is said or reacted to again"
        await live(four, 2)
    assert await findings(environment) == []


async def test_topic_and_one_database_are_lost_together(environment: Environment) -> None:
    async with all_four(environment) as four:
        await live(four)
    order_before, before = await order(environment), await content(environment, TRIAGE)
    await lose_topic(environment)
    lose_database(environment, TRIAGE)
    done = await refilled(environment)
    assert done.lacking
    assert all(
        line.endswith("before triage starts: ledger rebuild triage --heard")
        for line in done.lacking
    )
    assert await order(environment) == order_before
    await rebuilt(environment, TRIAGE)
    assert await content(environment, TRIAGE) == before
    async with all_four(environment) as four:
        await settled(four)
        await live(four, 2)
    assert await findings(environment) == []


async def test_rebuilding_a_whole_ledger_keeps_what_is_not_relayed_yet(
    environment: Environment,
) -> None:
    async with process(environment, INTAKE, parts=["writer"]) as intake:
        await intake.say(REPORTED, clock.new_id())
    assert (await rebuilt(environment, INTAKE)).startswith(
        "intake: 0 events taken from the topic, 1 in its ledger now"
    )
    async with all_four(environment) as four:
        await settled(four)
        assert len(await four[REVIEW].rows("service = 'intake'")) == 1


async def test_a_topic_that_is_not_empty_or_not_there_is_refused_and_nothing_is_touched(
    environment: Environment,
) -> None:
    async with all_four(environment) as four:
        await live(four, 1)
    places = await offsets(environment)
    with pytest.raises(CannotRefill, match="is not empty, it has had 8 messages"):
        await refilled(environment)
    with pytest.raises(CannotRefill, match="does not exist"):
        await refilled(replace(environment, topic="nowhere"))
    assert await offsets(environment) == places


async def offsets(environment: Environment) -> list[Any]:
    found = []
    for service in ServiceName:
        async with await psycopg.AsyncConnection.connect(
            environment.databases[service].auditor_dsn
        ) as connection:
            query = "SELECT * FROM relay_cursor JOIN heard_offset USING (partition) ORDER BY 1"
            found += await (await connection.execute(query)).fetchall()
    return found


async def test_a_service_that_runs_is_refused(environment: Environment) -> None:
    async with process(environment, INTAKE, parts=[]):
        with pytest.raises(
            CannotRefill, match="intake runs on its database: stop all services first"
        ):
            await refilled(environment)
        with pytest.raises(
            rebuilding.StillRuns, match="intake runs on its database: stop it first"
        ):
            await rebuilt(environment, INTAKE)


async def test_a_tampered_row_is_named_and_services_can_still_start(
    environment: Environment,
) -> None:
    async with all_four(environment) as four:
        await live(four, 2)
    await lose_topic(environment)
    with psycopg.connect(environment.databases[TRIAGE].owner_dsn) as owner:
        owner.execute("ALTER TABLE ledger DISABLE TRIGGER only_grows")
        owner.execute(
            "UPDATE ledger SET signature = decode(repeat('00', 64), 'hex') WHERE service = 'triage'"
        )
    with pytest.raises(CannotRefill, match=r"triage/\d number 1: the signature does not verify"):
        await refilled(environment)


async def test_cut_off_in_the_middle_the_services_fill_the_rest_themselves(
    environment: Environment,
) -> None:
    async with all_four(environment) as four:
        await live(four, 6)
    before = await order(environment)
    await lose_topic(environment)

    class CutOff(Exception):
        pass

    filled = [partition for partition, events in enumerate(before) if events]
    middle = f"partition {filled[len(filled) // 2]}"

    def cut_off_in_the_middle(what: str, _count: int) -> None:
        if what == middle:
            raise CutOff

    with pytest.raises(CutOff):
        await refill.refill(
            {service: environment.databases[service].service_dsn for service in ServiceName},
            {"bootstrap_servers": environment.bootstrap},
            environment.topic,
            load_trust(environment.keys.trust_file),
            cut_off_in_the_middle,
        )
    async with all_four(environment) as four:
        await settled(four)

        async def all_relayed() -> bool:
            return not any(
                [(await one.running.readiness())["lag"]["to_relay"] for one in four.values()]
            )

        await until(all_relayed, "the relays send what is missing")
    after = await order(environment)
    assert [set(one) for one in after] == [set(one) for one in before]
    assert await findings(environment) == []


async def test_what_is_parked_keeps_its_bytes_and_leaves_its_place_to_others(
    environment: Environment,
) -> None:
    async with all_four(environment) as four:
        producer = AIOKafkaProducer(bootstrap_servers=environment.bootstrap)
        await producer.start()
        await producer.send_and_wait(environment.topic, b"{", None, 0)

        async def parked() -> bool:
            return await four[TRIAGE].parked() == [("malformed", None)]

        await until(parked, "triage parks it")
    await lose_topic(environment)
    await refilled(environment)
    async with all_four(environment) as four:
        await producer.send_and_wait(environment.topic, b"[", None, 0)
        await producer.stop()

        async def both_parked() -> bool:
            return await four[TRIAGE].parked() == [("malformed", None)] * 2

        await until(both_parked, "the new message at the old place is parked too")
        rows = await four[TRIAGE].running.pool.fetch(
            "SELECT value, kafka_offset FROM parked ORDER BY parked_id"
        )
    assert [(row["value"], row["kafka_offset"]) for row in rows] == [(b"{", -1), (b"[", 0)]
