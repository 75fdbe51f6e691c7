"""The ledger on a real Postgres: it only grows, numbers are gapless, one command's conflict is
nobody else's."""

import asyncio

import asyncpg
import pytest

from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.decision import Actor, Context
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS, partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from shared.runtime.say.conflicts import IdempotencyMismatch, Stale
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.plan import Idempotency
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import Process, process, rules

REPORTED = Reported(opens=True, channel=ReportChannel.API, description="a whiteboard")


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET version = 7", "DELETE FROM ledger", "TRUNCATE ledger"]
)
@pytest.mark.parametrize("role", ["service", "owner"])
async def test_nobody_changes_what_was_said(
    environment: Environment, statement: str, role: str
) -> None:
    database = environment.databases[ServiceName.INTAKE]
    async with process(environment, ServiceName.INTAKE, parts=["writer"]) as intake:
        await intake.say(REPORTED, clock.new_id())
    connection = await asyncpg.connect(
        database.service_dsn if role == "service" else database.owner_dsn
    )
    try:
        with pytest.raises(
            asyncpg.InsufficientPrivilegeError,
            match="only grows" if role == "owner" else "permission denied",
        ):
            await connection.execute(statement)
        assert await connection.fetchval("SELECT count(*) FROM ledger") == 1
    finally:
        await connection.close()


async def test_replica_mode_does_not_get_round_the_trigger(environment: Environment) -> None:
    connection = await asyncpg.connect(environment.databases[ServiceName.INTAKE].admin_dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only grows"):
            await connection.execute("DELETE FROM ledger")
    finally:
        await connection.close()


async def test_the_service_is_no_superuser_and_owns_nothing(environment: Environment) -> None:
    connection = await asyncpg.connect(environment.databases[ServiceName.INTAKE].service_dsn)
    try:
        row = await connection.fetchrow(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE "
            "rolname = current_user"
        )
        assert row is not None
        assert list(row.values()) == [False] * 4
        assert (
            await connection.fetchval(
                "SELECT count(*) FROM pg_tables WHERE tableowner = current_user"
            )
            == 0
        )
    finally:
        await connection.close()


async def test_the_database_refuses_a_hash_that_is_not_the_envelopes(
    environment: Environment,
) -> None:
    connection = await asyncpg.connect(environment.databases[ServiceName.INTAKE].service_dsn)
    try:
        with pytest.raises(asyncpg.CheckViolationError, match="hash_is_the_envelopes"):
            await connection.execute(
                """INSERT INTO ledger (service, partition, sequence, event_id, subject_id,
                                       version, type, envelope, signature, hash)
                   VALUES ('intake', 0, 1, gen_random_uuid(), gen_random_uuid(),
                               1, 't', 'x', $1, $2)""",
                bytes(64),
                bytes(32),
            )
    finally:
        await connection.close()


async def test_many_at_once_share_commits_and_every_chain_is_gapless_and_linked(
    environment: Environment,
) -> None:
    async with process(environment, ServiceName.INTAKE, parts=["writer"]) as intake:
        answers = await asyncio.gather(*(intake.say(REPORTED, clock.new_id()) for _ in range(200)))
        transactions = await intake.running.pool.fetchval(
            "SELECT count(DISTINCT xmin::text) FROM ledger"
        )
        await assert_chains(intake, 200)
    assert all(answer.version == 1 for answer in answers)
    assert transactions < 100


async def test_two_replicas_on_one_database_make_one_gapless_history(
    environment: Environment,
) -> None:
    incident = clock.new_id()
    async with (
        process(environment, ServiceName.INTAKE, parts=["writer"]) as one,
        process(environment, ServiceName.INTAKE, parts=["writer"]) as other,
    ):
        answers = await asyncio.gather(
            *(
                replica.say(REPORTED, incident if number % 3 else clock.new_id())
                for number in range(60)
                for replica in (one, other)
            )
        )
        await assert_chains(one, 120)
    on_incident = sorted(answer.version for answer in answers if answer.subject_id == incident)
    assert on_incident == list(range(1, len(on_incident) + 1))


async def test_what_a_process_remembers_of_a_chain_makes_no_gap_after_a_backup_was_put_back(
    environment: Environment,
) -> None:
    """The process runs on while its database goes back; who plans on what he remembers would link
    to what is not there."""
    async with process(environment, ServiceName.INTAKE, parts=["writer"]) as intake:
        incident = clock.new_id()
        await intake.say(REPORTED, incident)
        await intake.say(REPORTED, incident)
        owner = await asyncpg.connect(environment.databases[ServiceName.INTAKE].owner_dsn)
        try:
            await owner.execute(
                """ALTER TABLE ledger DISABLE TRIGGER only_grows;
                   DELETE FROM ledger;
                   ALTER TABLE ledger ENABLE ALWAYS TRIGGER only_grows;
                   DELETE FROM subject_head;
                   UPDATE chain SET sequence = 0, hash = decode(repeat('00', 32), 'hex')"""
            )
        finally:
            await owner.close()
        other = next(
            made
            for made in iter(clock.new_id, None)
            if partition_of(made) == partition_of(incident)
        )
        (said,) = (await intake.say(REPORTED, other)).signed
    assert (said.recorded.event.link.sequence, said.recorded.event.link.prevhash) == (1, ZERO_HASH)


async def test_a_key_used_at_once_on_two_replicas_says_one_thing_and_gets_one_answer(
    environment: Environment,
) -> None:
    key = Idempotency("maria 1", b"d" * 32)
    async with (
        process(environment, ServiceName.INTAKE, parts=["writer"]) as one,
        process(environment, ServiceName.INTAKE, parts=["writer"]) as other,
    ):
        answers = await asyncio.gather(
            *(
                replica.say(REPORTED, clock.new_id(), idempotency=key)
                for _ in range(20)
                for replica in (one, other)
            )
        )
        assert len({answer.signed[0].recorded.event.hash for answer in answers}) == 1
        assert len({answer.signed[0].signature for answer in answers}) == 1
        assert len(await one.rows()) == 1
        with pytest.raises(IdempotencyMismatch):
            await other.say(REPORTED, clock.new_id(), idempotency=Idempotency("maria 1", b"e" * 32))


async def test_a_command_on_an_old_version_is_stale(environment: Environment) -> None:
    incident = clock.new_id()
    async with process(environment, ServiceName.INTAKE, parts=["writer"]) as intake:
        await intake.say(REPORTED, incident)
        with pytest.raises(Stale):
            await intake.say(REPORTED, incident, expected=0)
        assert (await intake.say(REPORTED, incident, expected=1)).version == 2


async def test_a_command_that_cannot_be_written_fails_alone(environment: Environment) -> None:
    def project(recorded: object) -> list[object]:
        from shared.runtime.say.plan import Recorded, Write

        assert isinstance(recorded, Recorded)
        data = recorded.event.data
        assert isinstance(data, Reported)
        return [Write("SELECT 1 / $1::int", (0,))] if data.exercise else []

    from tests.integration.runtime.processes import rules

    bad = Reported(opens=True, channel=ReportChannel.API, exercise=True)
    async with process(
        environment, ServiceName.INTAKE, rules(project=project), parts=["writer"]
    ) as intake:  # type: ignore[arg-type]
        answers = await asyncio.gather(
            *(intake.say(bad if number == 5 else REPORTED, clock.new_id()) for number in range(20)),
            return_exceptions=True,
        )
        assert [
            number for number, answer in enumerate(answers) if isinstance(answer, BaseException)
        ] == [5]
        await assert_chains(intake, 19)


async def assert_chains(replica: Process, events: int) -> None:
    rows = await replica.rows()
    assert len(rows) == events
    for partition in range(PARTITIONS):
        before, expected = ZERO_HASH, 1
        for row in rows:
            if row["partition"] == partition:
                assert row["sequence"] == expected
                assert before.hex().encode() in row["envelope"]
                before, expected = row["hash"], expected + 1


async def test_all_who_wait_for_a_database_that_hangs_are_told_together(
    environment: Environment,
) -> None:
    """To try each of them by itself would take the time-out once for each."""
    dsn = environment.databases[ServiceName.INTAKE].service_dsn
    holder = await asyncpg.connect(dsn)
    try:
        async with (
            process(environment, ServiceName.INTAKE, parts=[]) as intake,
            asyncpg.create_pool(dsn, min_size=1, command_timeout=0.5) as impatient,
        ):
            hung = holder.transaction()
            await hung.start()
            await holder.execute("SELECT FROM chain WHERE service = 'intake' FOR UPDATE")
            ledger: Ledger[EventData, int] = Ledger(
                impatient, intake.running.ledger.keyring, rules()
            )
            context = Context(clock.now(), Actor("maria"))
            incident = clock.new_id()
            one_lane = [
                one
                for one in (clock.new_id() for _ in range(2000))
                if partition_of(one) == partition_of(incident)
            ]
            waiting = [
                asyncio.create_task(ledger.carry_out(one, REPORTED, context, must_exist=False))
                for one in one_lane
            ]
            await asyncio.sleep(0)
            writer = asyncio.create_task(ledger.run())
            async with asyncio.timeout(0.5 * len(one_lane) / 2):
                answers = await asyncio.gather(*waiting, return_exceptions=True)
            assert len(answers) > 20
            assert {type(answer) for answer in answers} == {TimeoutError}
            await hung.rollback()
            assert (
                await ledger.carry_out(incident, REPORTED, context, must_exist=False)
            ).version == 1
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
    finally:
        await holder.close()
