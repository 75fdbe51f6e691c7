"""What one service says, every other hears: once, in order, in the same bytes, whatever dies on the
way."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from shared.chain.trust import Trust
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import CommunicationRequired
from shared.contract.envelope import read
from shared.contract.topics import PARTITIONS, key_of, partition_of
from shared.contract.vocabulary import Audience, ServiceName
from shared.runtime.carry.relay import move
from shared.runtime.hear.consumer import Consumer
from shared.runtime.hear.judge import Record
from shared.runtime.hear.tables import Stretch, set_back
from shared.runtime.process import clock
from shared.runtime.process.lease import Fenced
from shared.runtime.repair import rebuilding, replaying, view_rebuilding
from shared.runtime.say.plan import Recorded, Write
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import Process, on_topic, process, rules, until

REPORTED = Reported(opens=True, channel=ReportChannel.API, description="a whiteboard")
INTAKE, TRIAGE, NOTIFY = ServiceName.INTAKE, ServiceName.TRIAGE, ServiceName.NOTIFY


async def heard(replica: Process, count: int) -> bool:
    """It holds so many events, its own among them."""
    return len(await replica.rows()) >= count


async def test_the_bytes_that_were_said_are_the_bytes_on_the_topic_and_in_the_receiver(
    environment: Environment,
) -> None:
    incident = clock.new_id()
    async with process(environment, INTAKE) as intake, process(environment, TRIAGE) as triage:
        said = (await intake.say(REPORTED, incident)).signed[0].recorded.event
        await until(lambda: heard(triage, 1), "triage hears")
        (row,) = await triage.rows()
    (message,) = await on_topic(environment)
    assert row["envelope"] == message.value == said.envelope
    assert message.key == key_of(incident)
    assert message.partition == partition_of(incident)
    assert dict(message.headers)["content-type"] == b"application/cloudevents+json; charset=UTF-8"
    assert dict(message.headers)["traceparent"].decode() == said.traceparent
    assert row["kafka_offset"] == message.offset


async def test_two_replicas_of_both_ends_double_and_reorder_nothing(
    environment: Environment,
) -> None:
    incidents = [clock.new_id() for _ in range(12)]
    async with (
        process(environment, INTAKE) as one,
        process(environment, INTAKE) as other,
        process(environment, TRIAGE) as hearer,
        process(environment, TRIAGE) as second,
    ):
        await asyncio.gather(
            *(
                replica.say(REPORTED, incident)
                for _ in range(8)
                for incident in incidents
                for replica in (one, other)
            )
        )
        await until(lambda: heard(hearer, 192), "triage hears all")
        said, found = await one.rows(), await second.rows()
        assert await second.parked() == []
    order_said = {(row["partition"], row["sequence"]): row["hash"] for row in said}
    assert len(found) == len(order_said) == 192
    assert {(row["partition"], row["sequence"]): row["hash"] for row in found} == order_said
    for incident in incidents:
        versions = [row["version"] for row in found if row["subject_id"] == incident]
        assert versions == list(range(1, len(versions) + 1))


async def test_a_relay_that_died_before_its_cursor_moved_sends_again_and_nobody_hears_twice(
    environment: Environment,
) -> None:
    async with process(environment, INTAKE) as intake, process(environment, TRIAGE) as triage:
        for _ in range(3):
            await intake.say(REPORTED, clock.new_id())
        await until(lambda: heard(triage, 3), "triage hears")
        await intake.stop()
        await intake.running.pool.execute("UPDATE relay_cursor SET sequence = 0")
        intake.start("writer", "relay")
        await intake.say(REPORTED, clock.new_id())
        await until(lambda: heard(triage, 4), "triage hears the fourth")
        assert len(await triage.rows()) == 4
        assert await triage.parked() == []
    assert len(await on_topic(environment)) == 7


async def test_a_consumer_that_lost_its_place_hears_all_again_and_keeps_each_once(
    environment: Environment,
) -> None:
    async with process(environment, INTAKE) as intake, process(environment, TRIAGE) as triage:
        for _ in range(3):
            await intake.say(REPORTED, clock.new_id())
        await until(lambda: heard(triage, 3), "triage hears")
        await triage.stop()
        await triage.running.pool.execute("UPDATE heard_offset SET next_offset = 0")
        triage.start("consumer")
        await intake.say(REPORTED, clock.new_id())
        await until(lambda: heard(triage, 4), "triage hears the fourth")
        assert len(await triage.rows()) == 4


async def test_a_reaction_commits_with_what_it_reacts_to(environment: Environment) -> None:
    reacting = rules(
        reacts_to=(Reported,),
        react=lambda _event, _state: [CommunicationRequired(audience=Audience.PRESS, rule="test")],
    )
    incident = clock.new_id()
    async with (
        process(environment, INTAKE) as intake,
        process(environment, NOTIFY, reacting) as notify,
    ):
        said = (await intake.say(REPORTED, incident)).signed[0].recorded.event

        async def both_or_nothing() -> bool:
            seen = len(await notify.rows())
            assert seen in {0, 2}, "heard and reaction commit together"
            return seen == 2

        await until(both_or_nothing, "notify hears and reacts")
        await until(lambda: heard(intake, 2), "intake hears the reaction")
        heard_row, reaction_row = await notify.rows()
    reaction = read(reaction_row["envelope"])
    assert (heard_row["version"], reaction_row["version"]) == (1, 2)
    assert reaction.causation_id == said.id
    assert reaction.correlation_id == said.correlation_id
    assert reaction.actor == "service:notify"
    assert said.traceparent is not None
    assert reaction.traceparent is not None
    assert reaction.traceparent.split("-")[1] == said.traceparent.split("-")[1]


async def test_a_failing_reaction_is_parked_and_can_be_tried_again(
    environment: Environment,
) -> None:
    broken = [True]

    def react(_event: object, _state: int) -> list[CommunicationRequired]:
        if broken[0]:
            raise RuntimeError("a bug in a reaction")
        return [CommunicationRequired(audience=Audience.PRESS, rule="test")]

    async with (
        process(environment, INTAKE) as intake,
        process(environment, NOTIFY, rules(reacts_to=(Reported,), react=react)) as notify,
    ):
        await intake.say(REPORTED, clock.new_id())
        await until(lambda: heard(notify, 1), "notify hears in spite of it")
        assert await notify.parked() == [("reaction", None)]
        broken[0] = False
        parked_id = await notify.running.pool.fetchval("SELECT parked_id FROM parked")
        (answer,) = await replaying.replay_parked(notify.running.pool, notify.receiver, [parked_id])
        assert answer.endswith("reacted with 1 events")
        assert len(await notify.rows("service = 'notify'")) == 1


async def test_a_failing_view_is_parked_never_holds_up_the_chain_and_comes_back_by_a_rebuild(
    environment: Environment,
) -> None:
    broken = [True]
    poison = Reported(opens=True, channel=ReportChannel.API, exercise=True)

    def project(recorded: Recorded) -> list[Write]:
        if broken[0] and isinstance(recorded.event.data, Reported) and recorded.event.data.exercise:
            return [Write("SELECT 1 / $1::int", (0,))]
        return [
            Write("INSERT INTO seen VALUES ($1, $2)", (recorded.event.subject_id, recorded.version))
        ]

    import asyncpg

    owner = await asyncpg.connect(environment.databases[TRIAGE].owner_dsn)
    await owner.execute(
        "CREATE TABLE seen (incident_id uuid, version bigint); GRANT ALL ON seen TO triage_service"
    )
    await owner.close()
    async with (
        process(environment, INTAKE) as intake,
        process(environment, TRIAGE, rules(project=project)) as triage,
    ):
        pool = triage.running.pool
        for data in (REPORTED, poison, REPORTED):
            await intake.say(data, clock.new_id())
        await until(lambda: heard(triage, 3), "triage hears all three")
        assert await pool.fetchval("SELECT count(*) FROM seen") == 2
        assert await triage.parked() == [("projection", None)]
        broken[0] = False
        await view_rebuilding.rebuild_views(pool, triage.running.service.rules)
        assert await pool.fetchval("SELECT count(*) FROM seen") == 3
        assert await triage.parked() == [("projection", "rebuilt")]


@pytest.mark.parametrize("where", ["view", "reaction"])
async def test_a_database_that_does_not_answer_in_time_parks_nothing_and_the_batch_is_heard_again(
    environment: Environment, where: str
) -> None:
    tries: list[int] = []

    def slow_once() -> None:
        tries.append(1)
        if len(tries) < 4:
            raise TimeoutError

    def project(_: Recorded) -> list[Write]:
        if where == "view":
            slow_once()
        return []

    def react(_event: object, _state: int) -> list[CommunicationRequired]:
        slow_once()
        return []

    reacts_to = (Reported,) if where == "reaction" else ()
    slow = rules(project=project, reacts_to=reacts_to, react=react)
    async with process(environment, INTAKE) as intake, process(environment, NOTIFY, slow) as notify:
        await intake.say(REPORTED, clock.new_id())
        await until(lambda: heard(notify, 1), "notify hears in the end")
        assert await notify.parked() == []
    assert len(tries) == 4


async def test_what_comes_too_early_waits_parked_and_is_taken_up(environment: Environment) -> None:
    incident = clock.new_id()
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        for _ in range(3):
            await intake.say(REPORTED, incident)
        one, two, three = [as_record(row, offset) for offset, row in enumerate(await intake.rows())]
        await triage.receiver.hear(one.partition, [one, three], Stretch(0, 3))
        assert await triage.parked() == [("gap", None)]
        assert len(await triage.rows()) == 1
        await triage.receiver.hear(one.partition, [two])
        assert await triage.parked() == [("gap", "heard")]
        assert [row["version"] for row in await triage.rows()] == [1, 2, 3]


async def test_a_forged_message_is_parked_with_its_bytes_and_stays_parked_when_tried_again(
    environment: Environment,
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        await intake.say(REPORTED, clock.new_id())
        (row,) = await intake.rows()
        forged = as_record(
            {**row, "envelope": row["envelope"].replace(b'"exercise":false', b'"exercise":true')}, 0
        )
        await triage.receiver.hear(forged.partition, [forged], Stretch(0, 1))
        assert await triage.parked() == [("untrusted", None)]
        parked_id = await triage.running.pool.fetchval(
            "SELECT parked_id FROM parked WHERE value = $1", forged.value
        )
        (answer,) = await replaying.replay_parked(triage.running.pool, triage.receiver, [parked_id])
        assert "still parked, untrusted" in answer
        assert await triage.rows() == []


async def test_copies_that_were_parked_before_their_key_was_trusted_are_all_settled_by_a_replay(
    environment: Environment,
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        await intake.say(REPORTED, clock.new_id())
        (row,) = await intake.rows()
        one, copy = as_record(row, 0), as_record(row, 1)
        trusted, triage.receiver.trust = triage.receiver.trust, Trust(())
        await triage.receiver.hear(one.partition, [one, copy], Stretch(0, 2))
        triage.receiver.trust = trusted
        ids = [
            row["parked_id"]
            for row in await triage.running.pool.fetch("SELECT parked_id FROM parked ORDER BY 1")
        ]
        await replaying.replay_parked(triage.running.pool, triage.receiver, ids)
        assert await triage.parked() == [
            ("untrusted", "heard"),
            ("untrusted", "heard by another copy"),
        ]
        assert len(await triage.rows()) == 1


async def test_what_a_broker_lost_is_relayed_again_and_nobody_hears_it_twice(
    environment: Environment,
) -> None:
    async with process(environment, INTAKE) as intake, process(environment, TRIAGE) as triage:
        for _ in range(3):
            await intake.say(REPORTED, clock.new_id())
        await until(lambda: heard(triage, 3), "triage hears")
        answer = await rebuilding.relay_again(intake.running.pool)
        assert answer == "3 events will be relayed again, and all of the topic heard"

        async def sent_again() -> bool:
            # A relay that was at rest sends once more before it finds itself fenced, and then from
            # the beginning.
            return len(await on_topic(environment)) >= 6

        await until(sent_again, "the relay begins again")
        await intake.say(REPORTED, clock.new_id())
        await until(lambda: heard(triage, 4), "triage hears the fourth")
        assert len(await triage.rows()) == 4
        assert await triage.parked() == []


async def test_a_relay_that_waits_for_relay_again_to_commit_does_not_move_the_cursor_after_it(
    environment: Environment,
) -> None:
    async with process(environment, INTAKE, parts=["writer"]) as intake:
        pool = intake.running.pool
        epoch = await pool.fetchval("UPDATE relay_lease SET epoch = epoch + 1 RETURNING epoch")
        async with pool.acquire() as operator, pool.acquire() as relays:
            pid = await relays.fetchval("SELECT pg_backend_pid()")

            async def waits() -> bool:
                sql = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
                return bool(await operator.fetchval(sql, pid))

            async with operator.transaction():
                await set_back(operator)
                moving = asyncio.create_task(move(relays, epoch, {0: 0}, {0: 5}))
                await until(waits, "the relay waits")
            with pytest.raises(Fenced):
                await moving
        assert await pool.fetchval("SELECT max(sequence) FROM relay_cursor") == 0


async def test_a_consumer_replaced_while_paused_neither_moves_the_offset_nor_keeps_its_batch(
    environment: Environment,
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        incident = clock.new_id()
        for _ in range(2):
            await intake.say(REPORTED, incident)
        one, two = [as_record(row, offset) for offset, row in enumerate(await intake.rows())]
        await triage.receiver.hear(one.partition, [one], Stretch(0, 1))
        for records, stretch in (
            ([one, two], Stretch(0, 2)),
            ([one], Stretch(0, 9)),
            ([], Stretch(2, 3)),
        ):
            with pytest.raises(Fenced, match=f"partition {one.partition}"):
                await triage.receiver.hear(one.partition, records, stretch)
        assert len(await triage.rows()) == 1
        assert await heard_to(triage, one.partition) == 1
        await triage.receiver.hear(one.partition, [two], Stretch(1, 2))
        assert len(await triage.rows()) == 2


async def test_what_a_broker_lost_is_heard_after_relay_again_though_nothing_more_comes(
    environment: Environment,
) -> None:
    incident = clock.new_id()
    async with (
        process(environment, INTAKE) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        for _ in range(3):
            await intake.say(REPORTED, incident)
        await until(lambda: relayed(environment, 3), "all is on the topic")
        # As of a topic that was cut at 0 and filled again behind the consumer's back.
        partition = partition_of(incident)
        await triage.running.pool.execute(
            "UPDATE heard_offset SET next_offset = 3 WHERE partition = $1", partition
        )
        triage.start("consumer")
        await until(lambda: joined(triage), "triage has nothing to hear")
        assert await triage.rows() == []
        await rebuilding.relay_again(triage.running.pool)
        await until(lambda: heard(triage, 3), "triage hears all")
        assert await heard_to(triage, partition) == 3


async def test_who_is_given_partitions_while_the_database_is_away_for_a_moment_hears_all_the_same(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka logs what fails in its listener, and goes on from the beginning of the topic."""
    asked: list[int] = []
    go_on = Consumer.go_on

    async def away_at_first(*arguments: Any) -> None:
        asked.append(1)
        if len(asked) == 1:
            raise OSError("the database is away")
        await go_on(*arguments)

    monkeypatch.setattr(Consumer, "go_on", away_at_first)
    async with process(environment, INTAKE) as intake, process(environment, TRIAGE) as triage:
        await intake.say(REPORTED, clock.new_id())
        await until(lambda: heard(triage, 1), "triage hears")
    assert len(asked) > 1


async def heard_to(replica: Process, partition: int) -> int:
    offset: int = await replica.running.pool.fetchval(
        "SELECT next_offset FROM heard_offset WHERE partition = $1", partition
    )
    return offset


async def relayed(environment: Environment, count: int) -> bool:
    return len(await on_topic(environment)) == count


async def joined(replica: Process) -> bool:
    lag = replica.running.lag
    return len(lag.by_partition) == PARTITIONS and lag.to_hear == 0


@pytest.mark.parametrize("value", [b"", b"{", b"\x00" * 100, b"x" * 70_000])
async def test_what_nobody_can_read_is_parked_and_the_partition_goes_on(
    environment: Environment, value: bytes
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        await intake.say(REPORTED, clock.new_id())
        (row,) = await intake.rows()
        good = as_record(row, 1)
        await triage.receiver.hear(
            good.partition, [Record(good.partition, 0, None, value, (), b""), good], Stretch(0, 2)
        )
        assert await triage.parked() == [("malformed", None)]
        assert len(await triage.rows()) == 1


def as_record(row: dict[str, object], offset: int) -> Record:
    partition, envelope, signature = row["partition"], row["envelope"], row["signature"]
    assert isinstance(partition, int)
    assert isinstance(envelope, bytes)
    assert isinstance(signature, bytes)
    incident = row["subject_id"]
    assert isinstance(incident, UUID)
    import base64

    return Record(
        partition,
        offset,
        key_of(incident),
        envelope,
        (("signature", base64.b64encode(signature)),),
        signature,
    )
