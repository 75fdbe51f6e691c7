"""The directory on a real database and broker: it is fed, travels, and forgets for good."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

from aiokafka import AIOKafkaProducer

from shared.contract.topics import disclosures_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.people import key_of, partition_of
from shared.runtime.carry.topic import follower
from shared.runtime.process import clock
from shared.runtime.process.persistence import persist
from shared.runtime.say import people, projection
from shared.runtime.say.people import Person, forgetting_person, keeping
from shared.runtime.siblings import text_consumer_of
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import Process, process, until

TRIAGE, NOTIFY = ServiceName.TRIAGE, ServiceName.NOTIFY
ERASURE = UUID(int=0xE5)


@contextlib.asynccontextmanager
async def replica(environment: Environment, service: ServiceName) -> AsyncIterator[Process]:
    async with process(environment, service, parts=("relay",)) as opened:
        texts = asyncio.create_task(persist("texts", text_consumer_of(opened.running).run))
        try:
            yield opened
        finally:
            texts.cancel()
            await asyncio.gather(texts, return_exceptions=True)


async def names(of: Process, *persons: Person) -> dict[str, str]:
    async with of.running.read() as connection:
        return await people.names(connection, [one.pseudonym for one in persons])


async def keep(at: Process, *persons: Person) -> None:
    async with at.running.pool.acquire() as connection, connection.transaction():
        await projection.execute(connection, keeping(persons))


async def forget(at: Process, person: Person) -> None:
    async with at.running.pool.acquire() as connection, connection.transaction():
        for write in forgetting_person(person.pseudonym, ERASURE, clock.now()):
            await connection.execute(write.sql, *write.args)


async def untold(at: Process) -> int:
    count: int = await at.running.pool.fetchval("SELECT count(*) FROM untold_person")
    return count


async def on_topic(environment: Environment, person: Person) -> list[bytes | None]:
    """All that the topic of texts says of the person."""
    reader = follower({"bootstrap_servers": environment.bootstrap})
    reader.subscribe([disclosures_of(environment.topic)])
    await reader.start()
    found: list[bytes | None] = []
    try:
        while messages := await reader.getmany(timeout_ms=3000):
            found += [
                one.value
                for several in messages.values()
                for one in several
                if one.key == key_of(person.pseudonym)
            ]
        return found
    finally:
        await reader.stop()


async def put(environment: Environment, person: Person, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=environment.bootstrap)
    await producer.start()
    await producer.send_and_wait(
        disclosures_of(environment.topic),
        value,
        key_of(person.pseudonym),
        partition_of(person.pseudonym),
    )
    await producer.stop()


async def until_known(at: Process, expected: dict[str, str], *persons: Person) -> None:
    async def known() -> bool:
        return await names(at, *persons) == expected

    await until(known, f"{at.running.service.name} knows {len(expected)} of them")


async def until_told(at: Process) -> None:
    async def told() -> bool:
        return await untold(at) == 0

    await until(told, "the relay has told of all")


async def test_a_person_is_known_to_every_service_by_the_name_or_else_the_subject(
    environment: Environment,
) -> None:
    async with replica(environment, TRIAGE) as triage, replica(environment, NOTIFY) as notify:
        ana = triage.running.people.person("ana@corp", "Ana Example")
        monitor = triage.running.people.person("monitor")
        assert notify.running.people.person("ANA@corp").pseudonym == ana.pseudonym
        await keep(triage, ana, monitor)
        shown = {ana.pseudonym: "Ana Example", monitor.pseudonym: "monitor"}
        assert await names(triage, ana, monitor) == shown
        await until_known(notify, shown, ana, monitor)
        assert await untold(notify) == 0, "who heard of a person tells nobody"
        await keep(notify, notify.running.people.person("Ana@Corp"))
        assert await names(notify, ana) == {ana.pseudonym: "Ana Example"}, "a name stays"
        assert await untold(notify) == 0, "nothing new was learned"
        married = triage.running.people.person("ana@corp", "Ana Other")
        await keep(triage, married)
        await until_known(notify, {ana.pseudonym: "Ana Other"}, ana)


async def test_who_was_erased_is_gone_for_good(environment: Environment) -> None:
    async with replica(environment, TRIAGE) as triage, replica(environment, NOTIFY) as notify:
        ana, bo = (triage.running.people.person(f"{one}@corp", one) for one in ("ana", "bo"))
        await keep(triage, ana, bo)
        await until_known(notify, {ana.pseudonym: "ana", bo.pseudonym: "bo"}, ana, bo)
        said, *_ = await on_topic(environment, ana)
        assert said is not None
        assert b"ana@corp" in said
        await forget(triage, ana)
        await until_told(triage)
        assert (await on_topic(environment, ana))[-1] is None
        # Anybody may write a tombstone: only the event erases, and notify has not heard it yet.
        assert await names(notify, ana) == {ana.pseudonym: "ana"}
        await forget(notify, ana)
        await until_told(notify)
        for service in (triage, notify):
            await keep(service, ana)
            assert await names(service, ana, bo) == {bo.pseudonym: "bo"}, "also who speaks again"
        # As a relay does that was stopped before the erasure.
        await put(environment, ana, said)

        async def replaced() -> bool:
            return (await on_topic(environment, ana))[-1] is None

        await until(replaced, "the tombstone is told again")
        for service in (triage, notify):
            assert await names(service, ana, bo) == {bo.pseudonym: "bo"}


async def test_nobody_is_taken_for_somebody_else(environment: Environment) -> None:
    async with replica(environment, TRIAGE) as triage:
        ana, bo = (triage.running.people.person(one) for one in ("ana@corp", "bo@corp"))
        await put(environment, ana, b'{"subject":"mallory","name":"Ana Example"}')
        await put(environment, bo, b'{"subject":"bo@corp","name":null}')
        await until_known(triage, {bo.pseudonym: "bo@corp"}, ana, bo)

        async def passed() -> bool:
            read: int = await triage.running.pool.fetchval(
                "SELECT sum(next_offset) FROM told_offset"
            )
            return read == 2

        await until(passed, "both are read")
        assert await names(triage, ana, bo) == {bo.pseudonym: "bo@corp"}
