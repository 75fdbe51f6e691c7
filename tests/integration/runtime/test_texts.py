"""What people wrote travels beside the events that hold its digests, is joined when it is read, and
once it is erased nothing brings it back: no message, no old copy, no repair."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from psycopg import sql
from structlog.testing import capture_logs

from shared.contract.catalogue.base import WITHHELD
from shared.contract.catalogue.intake import Exposure, ReportChannel, Reported
from shared.contract.catalogue.review import ContentErased, ErasedText, ErasureGround
from shared.contract.disclosure import Disclosure, conceal
from shared.contract.envelope import Event
from shared.contract.topics import PARTITIONS, disclosures_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry import relay as relaying
from shared.runtime.carry.relay import Relay
from shared.runtime.carry.texts import NOTHING, message_of
from shared.runtime.carry.topic import ensure_topic
from shared.runtime.process import clock
from shared.runtime.repair import rebuilding, view_rebuilding
from shared.runtime.say import projection
from shared.runtime.say.plan import Recorded, Write
from shared.runtime.say.texts import found_by, revealed, take_in
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import Process, on_topic, process, rules, until
from tests.integration.runtime.test_disaster import (
    all_four,
    findings,
    lose_database,
    lose_topic,
    rebuilt,
    refilled,
    settled,
)

INTAKE, TRIAGE, NOTIFY, REVIEW = ServiceName
ALL = ("writer", "relay", "consumer", "texts")
WORDS = "a zebra under the whiteboard"
PLACE = "https://zebra.example/post"


def reported(text: str | None = WORDS, url: str | None = None) -> Reported:
    given = {"exposure": Exposure(url=url)} if url else {}
    return Reported(opens=True, channel=ReportChannel.API, description=text, **given)


@contextlib.asynccontextmanager
async def both(
    environment: Environment, *services: ServiceName
) -> AsyncIterator[tuple[Process, ...]]:
    async with contextlib.AsyncExitStack() as stack:
        yield tuple(
            [
                await stack.enter_async_context(process(environment, one, parts=ALL))
                for one in services
            ]
        )


class Said:
    """An event with its texts, as it was said."""

    def __init__(self, event: Event, texts: Sequence[Disclosure]) -> None:
        self.event = event
        self.texts = {one.named()[0]: one for one in texts}

    @property
    def key(self) -> bytes:
        return str(self.event.id).encode()

    @property
    def partition(self) -> int:
        return self.event.link.partition

    def message(self) -> bytes:
        value = message_of([one.text for one in self.texts.values()])
        assert value is not None
        return value

    def erased(self, *names: str) -> ContentErased:
        return ContentErased(
            erasure_id=clock.new_id(),
            ground=ErasureGround.COURT_ORDER,
            texts=tuple(
                ErasedText(event_id=self.event.id, name=name, digest=self.texts[name].digest)
                for name in names or self.texts
            ),
            requested_by="service:review",
        )


async def says(at: Process, data: Reported, incident: UUID | None = None) -> Said:
    carried = await at.say(data, incident or clock.new_id())
    (signed,) = carried.signed
    return Said(signed.recorded.event, signed.disclosures)


async def erase(review: Process, said: Said, *names: str) -> None:
    await review.say(said.erased(*names), said.event.subject_id)


async def reads(at: Process, said: Said) -> Any:
    async with at.running.read() as connection:
        (data,) = await revealed(connection, [said.event.data])
    assert isinstance(data, Reported)
    return data.description


async def keeps(at: Process) -> set[str]:
    """The fields and values of all texts that the service has."""
    rows = await at.running.pool.fetch("SELECT digest, content FROM disclosure")
    return {str(Disclosure(row["digest"], row["content"]).named()[1]) for row in rows}


async def until_reads(at: Process, said: Said, expected: object) -> None:
    async def does() -> bool:
        return bool(await reads(at, said) == expected)

    await until(does, f"{at.running.service.name} reads {expected}")


async def until_gone(at: Process, text: str = WORDS) -> None:
    async def gone() -> bool:
        rows = await at.running.pool.fetchval("SELECT count(*) FROM erased")
        return rows > 0 and text not in await keeps(at)

    await until(gone, f"{at.running.service.name} has forgotten")


async def told(environment: Environment, said: Said) -> list[list[str] | None]:
    """What the topic says of the event's texts, message by message."""
    messages = await on_topic(environment, disclosures_of(environment.topic))
    return [
        None if one.value is None else json.loads(one.value)
        for one in messages
        if one.key == said.key
    ]


async def until_told(environment: Environment, said: Said, last: list[str] | None) -> None:
    async def is_last() -> bool:
        messages = await told(environment, said)
        return bool(messages) and messages[-1] == last

    await until(is_last, f"the topic says last of {said.event.id}: {last and len(last)}")


async def put(environment: Environment, partition: int, key: bytes, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=environment.bootstrap)
    await producer.start()
    topic = disclosures_of(environment.topic)
    await producer.send_and_wait(topic, value, key, partition)
    await producer.stop()


async def read_to(at: Process, count: int) -> None:
    async def passed() -> bool:
        query = "SELECT sum(next_offset) FROM told_offset"
        return bool(await at.running.pool.fetchval(query) == count)

    await until(passed, f"{at.running.service.name} has read {count} messages")


async def forgets(at: Process, erasure: ContentErased) -> None:
    """As when it hears the event."""
    async with at.running.pool.acquire() as connection, connection.transaction():
        await forget(connection, erasure)


async def forget(connection: Any, erasure: ContentErased) -> None:
    from tests.unit.given import event

    await projection.forget(connection, [Recorded(event(erasure), 1)])


# Travelling


async def test_texts_travel_to_every_service_and_stand_in_no_event(
    environment: Environment,
) -> None:
    async with both(environment, *ServiceName) as four:
        intake, *others = four
        said = await says(intake, reported())
        for other in others:
            await until_reads(other, said, WORDS)
            await until(lambda other=other: holds(other, said), "the event is heard")
        for one in four:
            rows = await one.rows()
            assert WORDS.encode() not in b"".join(row["envelope"] for row in rows)
    (message,) = await on_topic(environment)
    assert b"zebra" not in message.value + repr(message.headers).encode()


async def holds(at: Process, said: Said) -> bool:
    return said.event.id in [row["event_id"] for row in await at.rows()]


@pytest.mark.parametrize("first", ["consumer", "texts"])
async def test_an_event_waits_for_no_text_and_a_text_for_no_event(
    environment: Environment, first: str
) -> None:
    (second,) = {"consumer", "texts"} - {first}
    async with (
        both(environment, INTAKE) as (intake,),
        process(environment, TRIAGE, parts=("writer", first)) as triage,
    ):
        said = await says(intake, reported())
        if first == "consumer":
            await until(lambda: holds(triage, said), "triage hears the event")
            assert await reads(triage, said) is WITHHELD
        else:
            await until_reads(triage, said, WORDS)
            assert await triage.rows() == []
        triage.start(second)
        await until(lambda: holds(triage, said), "triage hears the event")
        await until_reads(triage, said, WORDS)


async def test_a_text_that_never_comes_is_withheld_and_not_called_erased(
    environment: Environment,
) -> None:
    async with process(environment, INTAKE, parts=["writer"]) as intake:
        said = await says(intake, reported())
        await intake.running.pool.execute("DELETE FROM disclosure")
        intake.start("relay")
        async with both(environment, TRIAGE) as (triage,):
            await until(lambda: holds(triage, said), "triage hears the event")
            assert await reads(triage, said) is WITHHELD
            digest = said.texts["description"].digest
            async with triage.running.read() as connection:
                found = await found_by(connection, [digest])
            assert (found.of(digest), found.erasure(digest)) == (None, None)
    assert await told(environment, said) == [], "an event without texts needs no message"


MALFORMED: list[tuple[bytes, bytes]] = [
    (b"01960000-0000-7000-8000-000000000001", b"{"),
    (b"01960000-0000-7000-8000-000000000001", b"{}"),
    (b"01960000-0000-7000-8000-000000000001", b'"zebra"'),
    (b"01960000-0000-7000-8000-000000000001", b"[1]"),
    (b"01960000-0000-7000-8000-000000000001", b'["zebra"]'),
    (b"01960000-0000-7000-8000-000000000001", b'["WyJ6ZWJyYSJd"]'),
    (b"01960000-0000-7000-8000-000000000001", b"[" * 50_000),
    (b"01960000-0000-7000-8000-000000000001", b"\xff\xfe"),
    (b"zebra", b"[]"),
    (b"\xff", b"[]"),
]


async def test_what_is_no_message_is_counted_and_never_shown(environment: Environment) -> None:
    async with both(environment, INTAKE, TRIAGE) as (intake, triage):
        with capture_logs() as logs:
            for key, value in MALFORMED:
                await put(environment, 0, key, value)
            await read_to(triage, len(MALFORMED))
            await read_to(intake, len(MALFORMED))
        warned = [one for one in logs if one["event"] == "a message of the topic of texts is none"]
        assert len(warned) == 2 * len(MALFORMED)
        assert "zebra" not in repr(warned)
        assert await keeps(triage) == set()
        said = await says(intake, reported())
        await until_reads(triage, said, WORDS)


def forged(value: str) -> Disclosure:
    _, (made, *_) = conceal(reported(value), lambda: b"0" * 16)
    return made


async def test_a_forged_text_is_never_shown_whether_it_comes_first_or_last(
    environment: Environment,
) -> None:
    lie = json.dumps([forged("a horse").text]).encode()
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        both(environment, TRIAGE) as (triage,),
    ):
        said = await says(intake, reported())
        await put(environment, said.partition, said.key, lie)
        await read_to(triage, 1)
        assert await reads(triage, said) is WITHHELD
        intake.start("relay")
        await until_reads(triage, said, WORDS)
        await put(environment, said.partition, said.key, lie)
        await read_to(triage, 3)
        assert await reads(triage, said) == WORDS


async def test_a_text_told_under_another_event_keeps_it_from_neither(
    environment: Environment,
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        both(environment, TRIAGE) as (triage,),
    ):
        said, other = await says(intake, reported()), await says(intake, reported("an oak"))
        await put(environment, other.partition, other.key, said.message())
        await until_reads(triage, said, WORDS)
        assert await reads(triage, other) is WITHHELD
        intake.start("relay")
        await until_reads(triage, other, "an oak")
        rows = await triage.running.pool.fetch(
            "SELECT digest FROM disclosure WHERE event_id = $1", said.event.id
        )
        assert [row["digest"] for row in rows] == [said.texts["description"].digest]


async def test_a_relay_that_dies_between_an_event_and_its_texts_tells_both_again(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths: list[int] = []
    whole = Relay._send_one

    async def dies_once(self: Relay, producer: AIOKafkaProducer, batch: Any) -> None:
        if deaths:
            return await whole(self, producer, batch)
        deaths.append(1)
        await (await producer.send_batch(batch.packed, self.topic, partition=batch.partition))
        raise ConnectionResetError

    monkeypatch.setattr(Relay, "_send_one", dies_once)
    async with both(environment, INTAKE, TRIAGE) as (intake, triage):
        said = await says(intake, reported())
        await until_reads(triage, said, WORDS)
        assert len(await triage.rows()) == 1
    assert len(await on_topic(environment)) == 2
    assert len(await told(environment, said)) == 1


# Forgetting


async def test_the_topic_is_told_fewer_texts_and_then_none(environment: Environment) -> None:
    async with both(environment, *ServiceName) as four:
        intake, *_, review = four
        said = await says(intake, reported(WORDS, PLACE))
        for one in four:
            await until_reads(one, said, WORDS)
        await erase(review, said, "description")
        await until_told(environment, said, [said.texts["url"].text])
        for one in four:
            await until_gone(one)
            assert PLACE in await keeps(one)
            async with one.running.read() as connection:
                gone = (await found_by(connection, [said.texts["description"].digest])).erasure(
                    said.texts["description"].digest
                )
            assert gone is not None
            assert (gone.event_id, gone.name) == (said.event.id, "description")
            assert gone.ground is ErasureGround.COURT_ORDER
        await erase(review, said, "url")
        await until_told(environment, said, None)
        for one in four:
            await until_gone(one, PLACE)
            assert await keeps(one) == set()


async def test_what_is_relayed_again_after_an_erasure_brings_nothing_back(
    environment: Environment,
) -> None:
    async with both(environment, INTAKE, TRIAGE, REVIEW) as (intake, triage, review):
        said, kept = await says(intake, reported()), await says(intake, reported("an oak"))
        await until_reads(triage, said, WORDS)
        await erase(review, said)
        await until_told(environment, said, None)
        await until_gone(triage)
        await intake.stop()
        await intake.running.pool.execute("UPDATE relay_cursor SET sequence = 0")
        intake.start(*ALL)

        async def again() -> bool:
            return len(await told(environment, kept)) == 2

        await until(again, "all is relayed again")
        assert (await told(environment, said))[-1] is None
        assert await keeps(triage) == await keeps(intake) == {"an oak"}


async def test_a_round_that_was_read_before_an_erasure_is_not_sent_after_it(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay reads the next round while one travels: here an erasure commits in between."""
    monkeypatch.setattr(relaying, "BATCH", 1)
    rounds, read, goes_on = [], asyncio.Event(), asyncio.Event()
    send, next_ = Relay._send, Relay._next

    async def held_up(self: Relay, *arguments: Any) -> Any:
        rounds.append(1)
        await goes_on.wait()
        return await send(self, *arguments)

    async def noticed(self: Relay, *arguments: Any) -> Any:
        batches = await next_(self, *arguments)
        if rounds:
            read.set()
        return batches

    monkeypatch.setattr(Relay, "_send", held_up)
    monkeypatch.setattr(Relay, "_next", noticed)
    incident = clock.new_id()
    async with process(environment, INTAKE, parts=["writer"]) as intake:
        oak, zebra, ash = [
            await says(intake, reported(text), incident) for text in ("an oak", WORDS, "an ash")
        ]
        intake.start("relay")
        async with asyncio.timeout(20):
            await read.wait()
        await forgets(intake, zebra.erased())
        goes_on.set()
        await until(lambda: relayed(environment, 3), "all three events are on the topic")
        await until_told(environment, zebra, None)
        for one in (oak, ash):
            await until_told(environment, one, [one.texts["description"].text])
    assert await told(environment, zebra) == [None], "the text never left the service"


async def relayed(environment: Environment, count: int) -> bool:
    return len(await on_topic(environment)) == count


async def test_an_erased_text_that_still_stands_on_the_topic_is_found(
    environment: Environment,
) -> None:
    async with both(environment, INTAKE, REVIEW) as (intake, review):
        said = await says(intake, reported(WORDS, PLACE))
        await until_reads(review, said, WORDS)
        await erase(review, said, "description")
        await until_told(environment, said, [said.texts["url"].text])
        await until(lambda: relayed(environment, 2), "the erasure is relayed")
        await intake.stop()
        assert await findings(environment) == []
        await put(environment, said.partition, said.key, said.message())
        assert await findings(environment) == [], "intake has not read it, and may tell it away"
        await intake.running.pool.execute("UPDATE told_offset SET next_offset = 9")
        (finding,) = await findings(environment)
    assert finding.startswith(f"disclosure_erased topic of texts, partition {said.partition}")
    assert finding.endswith("1 of 2 texts")


async def test_what_a_replaced_relay_tells_of_erased_texts_is_told_away_again(
    environment: Environment,
) -> None:
    async with both(environment, INTAKE, TRIAGE, REVIEW) as (intake, triage, review):
        said, other = await says(intake, reported()), await says(intake, reported("an oak"))
        await until_reads(triage, said, WORDS)
        await erase(review, said)
        await until_told(environment, said, None)
        await until_gone(triage)
        await put(environment, said.partition, said.key, said.message())
        await until_told(environment, said, None)
        # Under another event's key it displaced that one's own texts too.
        await put(environment, other.partition, other.key, said.message())
        await until_told(environment, other, [other.texts["description"].text])
        for one in (intake, triage):
            assert await reads(one, said) is WITHHELD
            assert await keeps(one) == {"an oak"}


@pytest.mark.parametrize("first", ["take in", "erase"])
async def test_a_text_that_comes_while_it_is_erased_does_not_outlive_it(
    environment: Environment, first: str
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        said = await says(intake, reported())
        pool = triage.running.pool
        steps: dict[str, Callable[[Any], Any]] = {
            "take in": lambda at: take_in(at, {said.event.id: list(said.texts.values())}),
            "erase": lambda at: forget(at, said.erased()),
        }
        (second,) = steps.keys() - {first}
        async with pool.acquire() as one, pool.acquire() as other:
            pid = await other.fetchval("SELECT pg_backend_pid()")

            async def waits() -> bool:
                query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
                return bool(await pool.fetchval(query, pid))

            async def in_a_transaction() -> None:
                async with other.transaction():
                    await steps[second](other)

            async with one.transaction():
                await steps[first](one)
                waiting = asyncio.create_task(in_a_transaction())
                await until(waits, "the other waits")
                # Nobody who says something waits for them.
                await triage.say(reported("an oak"), clock.new_id())
            await waiting
        assert await keeps(triage) == {"an oak"}


async def test_many_turns_that_say_texts_and_erase_others_do_not_hold_each_other_up(
    environment: Environment,
) -> None:
    async with both(environment, INTAKE, REVIEW) as (intake, review):
        told = [await says(intake, reported(f"zebra {number}")) for number in range(24)]
        await until_reads(review, told[-1], "zebra 23")
        await asyncio.gather(*(erase(review, one) for one in told))
        await until(lambda: empty(intake), "intake has forgotten all")
        await until(lambda: empty(review), "review has forgotten all")


async def empty(at: Process) -> bool:
    return await keeps(at) == set()


async def test_a_view_that_fails_on_an_erasure_does_not_keep_the_text(
    environment: Environment,
) -> None:
    def project(recorded: Recorded) -> list[Write]:
        if isinstance(recorded.event.data, ContentErased):
            return [Write("SELECT 1 / $1::int", (0,))]
        return []

    async with (
        both(environment, INTAKE, REVIEW) as (intake, review),
        process(environment, TRIAGE, rules(project=project), parts=ALL) as triage,
    ):
        said = await says(intake, reported())
        await until_reads(triage, said, WORDS)
        await erase(review, said)
        await until_gone(triage)
        assert await triage.parked() == [("projection", None)]


# What was away, and what is put back


async def test_a_service_that_was_away_during_an_erasure_forgets_when_it_comes_back(
    environment: Environment,
) -> None:
    async with both(environment, INTAKE, REVIEW) as (intake, review):
        async with both(environment, TRIAGE) as (triage,):
            said = await says(intake, reported())
            await until_reads(triage, said, WORDS)
            await until(lambda: holds(triage, said), "triage hears the event")
        await erase(review, said)
        await until_told(environment, said, None)
        async with both(environment, TRIAGE) as (triage,):
            await until_gone(triage)
            # All that the topic ever said, once more.
            await triage.stop()
            await triage.running.pool.execute("UPDATE told_offset SET next_offset = 0")
            await triage.running.pool.execute("UPDATE heard_offset SET next_offset = 0")
            triage.start(*ALL)
            await read_to(triage, len(await told(environment, said)))
            assert await keeps(triage) == set()


async def test_a_service_that_first_comes_after_an_erasure_takes_in_what_is_left(
    environment: Environment,
) -> None:
    """Its texts come before the event that erases one of them: nothing is cleaned away yet."""
    async with both(environment, INTAKE, REVIEW) as (intake, review):
        said, kept = await says(intake, reported()), await says(intake, reported("an oak"))
        await until_reads(review, said, WORDS)
        await erase(review, said)
        await until_told(environment, said, None)
        async with process(environment, TRIAGE, parts=("writer", "texts")) as triage:
            await until_reads(triage, said, WORDS)
            triage.start("consumer")
            await until_gone(triage)
            await until_reads(triage, kept, "an oak")


def copied(environment: Environment, service: ServiceName, back: str | None = None) -> str:
    """A copy of the service's database as it stands; or the copy put back in its place."""
    database = environment.databases[service]
    copy = back or f"{database.name}_copy"
    source, target = (copy, database.name) if back else (database.name, copy)
    with psycopg.connect(database.admin_dsn.rpartition("/")[0] + "/postgres", autocommit=True) as a:
        if back:
            a.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
            )
        a.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(target),
                sql.Identifier(f"{service}_owner"),
                sql.Identifier(source),
            )
        )
        if back:
            a.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(copy)))
    return copy


@pytest.mark.parametrize("restored", [INTAKE, TRIAGE])
async def test_a_database_that_is_restored_from_before_an_erasure_forgets_again(
    environment: Environment, restored: ServiceName
) -> None:
    async with both(environment, INTAKE, TRIAGE) as (intake, triage):
        said, kept = await says(intake, reported()), await says(intake, reported("an oak"))
        for one in (said, kept):
            await until_reads(triage, one, str(await reads(intake, one)))
            await until(lambda one=one: holds(triage, one), "triage hears the event")
    copy = copied(environment, restored)
    async with both(environment, INTAKE, TRIAGE, REVIEW) as (intake, triage, review):
        await until_reads(review, said, WORDS)
        await until(lambda: holds(review, said), "review hears the event")
        await erase(review, said)
        await until_gone(intake)
        await until_gone(triage)
        await until_told(environment, said, None)
    copied(environment, restored, copy)
    async with both(environment, restored) as (again,):
        await until_gone(again)
        await until_reads(again, kept, "an oak")
        async with both(environment, *({INTAKE, TRIAGE} - {restored})):
            await until_told(environment, said, None)


async def test_texts_come_back_with_a_lost_database_and_erased_ones_do_not(
    environment: Environment,
) -> None:
    async with four_with_texts(environment) as four:
        said = await story(four)
    for service in (TRIAGE, INTAKE):
        lose_database(environment, service)
        await rebuilt(environment, service)
        async with process(environment, service, parts=[]) as alone:
            await as_it_should_be([alone], said)
    assert await findings(environment) == []
    async with four_with_texts(environment) as four:
        await settled(four)
        await all_told(four)
        await as_it_should_be(list(four.values()), said)
    await topic_as_it_should_be(environment, said)


async def test_texts_come_back_with_lost_topics_and_erased_ones_do_not(
    environment: Environment,
) -> None:
    async with four_with_texts(environment) as four:
        said = await story(four)
    await lose_both_topics(environment)
    lose_database(environment, TRIAGE)
    await refilled(environment)
    await rebuilt(environment, TRIAGE)
    async with four_with_texts(environment) as four:
        await settled(four)
        await all_told(four)
        await until_reads(four[TRIAGE], said[1], "an oak")
        await as_it_should_be(list(four.values()), said)
    await topic_as_it_should_be(environment, said)
    assert await findings(environment) == []


async def test_one_who_reads_on_notices_that_the_topic_is_to_be_read_from_its_beginning(
    environment: Environment,
) -> None:
    """Where the broker lost the end of it, and others stand there now."""
    async with both(environment, INTAKE, TRIAGE) as (intake, triage):
        said, next_ = await says(intake, reported()), await says(intake, reported("an oak"))
        for one in (said, next_):
            await until_reads(triage, one, str(await reads(intake, one)))
        # As if others had stood there.
        await triage.running.pool.execute("DELETE FROM disclosure")
        await rebuilding.relay_again(triage.running.pool)
        await until_reads(triage, said, WORDS)
        await until_reads(triage, next_, "an oak")


async def test_a_view_that_is_rebuilt_brings_no_text_back_and_tells_none_again(
    environment: Environment,
) -> None:
    async with both(environment, INTAKE, REVIEW) as (intake, review):
        said = await says(intake, reported())
        await until_reads(review, said, WORDS)
        await erase(review, said)
        await until_gone(intake)
        await until_told(environment, said, None)
        owner = await asyncpg.connect(environment.databases[INTAKE].owner_dsn)
        await owner.execute("CREATE TABLE seen (x int); GRANT ALL ON seen TO intake_service")
        await owner.close()
        await view_rebuilding.rebuild_views(intake.running.pool, intake.running.service.rules)
        assert await intake.running.pool.fetchval("SELECT count(*) FROM retold") == 0
        assert await keeps(intake) == set()


@contextlib.asynccontextmanager
async def four_with_texts(environment: Environment) -> AsyncIterator[dict[ServiceName, Process]]:
    async with all_four(environment) as four:
        for one in four.values():
            one.start("texts")
        yield four


async def story(four: dict[ServiceName, Process]) -> tuple[Said, Said, Said]:
    """An event whose text is erased, one whose text stays, and one of which one of two goes."""
    intake, review = four[INTAKE], four[REVIEW]
    gone = await says(intake, reported())
    kept = await says(intake, reported("an oak"))
    part = await says(intake, reported(f"{WORDS} 2", PLACE))
    for one in (gone, kept, part):
        await until(lambda one=one: holds(review, one), "review hears the event")
    await erase(review, gone)
    await erase(review, part, "description")
    await settled(four)
    await all_told(four)
    await as_it_should_be(list(four.values()), (gone, kept, part))
    return gone, kept, part


async def all_told(four: dict[ServiceName, Process]) -> None:
    """Nothing of texts is on its way any more."""

    async def nothing_waits() -> bool:
        for one in four.values():
            if await one.running.pool.fetchval("SELECT count(*) FROM retold"):
                return False
            if (await one.running.readiness())["lag"]["texts_to_hear"] != 0:
                return False
        return True

    await until(nothing_waits, "all texts are told and heard")


async def as_it_should_be(services: Sequence[Process], said: Sequence[Said]) -> None:
    gone, kept, part = said
    for one in services:
        assert await keeps(one) == {"an oak", PLACE}, one.running.service.name
        assert [await reads(one, each) for each in (gone, kept, part)] == [
            WITHHELD,
            "an oak",
            WITHHELD,
        ]


async def topic_as_it_should_be(environment: Environment, said: Sequence[Said]) -> None:
    """What stands on the topic of texts once it is compacted."""
    gone, kept, part = said
    assert (await told(environment, gone) or [None])[-1] is None
    assert (await told(environment, kept))[-1] == [kept.texts["description"].text]
    assert (await told(environment, part))[-1] == [part.texts["url"].text]


async def lose_both_topics(environment: Environment) -> None:
    kafka = {"bootstrap_servers": environment.bootstrap}
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    topic = disclosures_of(environment.topic)
    await admin.delete_topics([topic])

    async def gone() -> bool:
        return topic not in await admin.list_topics()

    await until(gone, "the topic of texts is gone")
    await admin.close()
    await lose_topic(environment)
    await ensure_topic(kafka, environment.topic)


# Of the topic itself


async def test_every_partition_is_written_to_from_time_to_time_so_that_it_is_cleaned(
    environment: Environment,
) -> None:
    async with (
        process(environment, INTAKE, parts=()) as intake,
        both(environment, TRIAGE) as (triage,),
    ):
        intake.relay.nudge_every = timedelta(seconds=0.2)
        intake.start("relay")

        async def nudged() -> bool:
            messages = await on_topic(environment, disclosures_of(environment.topic))
            assert {(one.key, one.value) for one in messages} <= {(NOTHING, None)}
            return {one.partition for one in messages} == set(range(PARTITIONS))

        await until(nudged, "every partition has a message that tells nothing")

        async def read() -> bool:
            query = "SELECT min(next_offset) FROM told_offset"
            return bool(await triage.running.pool.fetchval(query) > 0)

        with capture_logs() as logs:
            await until(read, "triage passes over them")
        assert [one for one in logs if one["log_level"] != "info"] == []
        assert await intake.running.pool.fetchval("SELECT count(*) FROM relay_lease") == 1


async def test_one_who_was_just_started_writes_nothing_for_the_sake_of_cleaning(
    environment: Environment,
) -> None:
    async with both(environment, INTAKE, TRIAGE) as (intake, triage):
        said = await says(intake, reported())
        await until_reads(triage, said, WORDS)
    messages = await on_topic(environment, disclosures_of(environment.topic))
    assert [one.key for one in messages] == [said.key]


async def test_lag_tells_how_far_texts_are_behind(environment: Environment) -> None:
    async with process(environment, TRIAGE, parts=("texts",)) as triage:

        async def lag() -> int | None:
            value: int | None = (await triage.running.readiness())["lag"]["texts_to_hear"]
            return value

        async def known() -> bool:
            return await lag() == 0

        await until(known, "all is read")
        await triage.stop()
        assert await lag() is None, "nobody reads"
