"""A service changes its key while it runs, on a real broker and database: nobody loses an event,
and the old key counts no more."""

import base64
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.keys import Keys
from shared.chain.link import Head, next_link
from shared.chain.statements import ChainHeads, SubjectStatement, open_statement
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Said, read, write
from shared.contract.hashing import ZERO_HASH, signed_bytes
from shared.contract.topics import HEADER_SIGNATURE, PARTITIONS, is_system, key_of, partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear import consumer
from shared.runtime.hear.messages import record_of
from shared.runtime.process import clock
from shared.runtime.process.keyfiles import load_keys, load_trust
from shared.runtime.repair import auditing, rotation
from shared.runtime.repair.auditing import Sources
from shared.runtime.say import words
from shared.runtime.say.keyring import KeyMissing
from shared.tlog.note import Signer, generate_key
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import Process, on_topic, process, until

REPORTED = Reported(opens=True, channel=ReportChannel.API, description="a whiteboard")
INTAKE, TRIAGE = ServiceName.INTAKE, ServiceName.TRIAGE


@pytest.fixture
def environment(environment: Environment, tmp_path: Path) -> Environment:
    """With keys of this test's own: it changes them."""
    keys = Keys.of(tmp_path)
    keys.make()
    return replace(environment, keys=keys)


def key_file(environment: Environment) -> Path:
    return environment.keys.signing_key(INTAKE)


def hold_also(environment: Environment, signer: Signer) -> None:
    key_file(environment).write_text(key_file(environment).read_text() + signer.skey + "\n")


def hold_only(environment: Environment, signer: Signer) -> None:
    key_file(environment).write_text(signer.skey + "\n")


@pytest.fixture
def old(environment: Environment) -> Signer:
    return load_keys(key_file(environment))[0]


@pytest.fixture
def new(environment: Environment) -> Signer:
    """The key to change to; the key file holds it beside the old one."""
    signer = Signer.parse(generate_key("incident-ledger/intake")[0])
    hold_also(environment, signer)
    return signer


async def rotate(replica: Process) -> str:
    return await rotation.rotate(replica.running.pool, replica.running.ledger)


async def heard(replica: Process, count: int) -> bool:
    return len(await replica.rows()) >= count


def signers(rows: list[dict[str, object]]) -> set[str]:
    return {read(row["envelope"]).keyid for row in rows if isinstance(row["envelope"], bytes)}


async def findings(environment: Environment) -> set[str]:
    sources = Sources(
        {service: environment.databases[service].auditor_dsn for service in ServiceName},
        {"bootstrap_servers": environment.bootstrap},
        environment.topic,
        load_trust(environment.keys.trust_file),
    )
    return {
        finding.code
        for finding in (await auditing.verify(sources, lambda _name, _count: None)).findings
    }


async def test_replicas_that_run_on_change_their_key_and_are_heard_without_a_gap(
    environment: Environment, old: Signer, new: Signer
) -> None:
    incidents = [clock.new_id() for _ in range(12)]
    async with (
        process(environment, INTAKE) as intake,
        process(environment, INTAKE) as other,
        process(environment, TRIAGE) as triage,
        process(environment, TRIAGE) as second,
    ):
        for incident in incidents:
            await intake.say(REPORTED, incident)
        said = await rotate(other)
        assert (
            said == f"intake signed with {old.key_id.hex()} until now, and signs with "
            f"{new.key_id.hex()} from now on"
        )
        for incident in incidents:
            await intake.say(REPORTED, incident)
        assert (
            await rotate(intake)
            == f"intake signs with {new.key_id.hex()} already, the last key of its key file"
        )
        await until(lambda: heard(second, 24 + PARTITIONS), "triage hears all")
        assert await triage.parked() == []
        rows = await triage.rows()
        assert await until_relayed(intake)
    assert await findings(environment) == set()
    for partition in range(PARTITIONS):
        chain = [read(row["envelope"]) for row in rows if row["partition"] == partition]
        (at,) = [number for number, event in enumerate(chain) if isinstance(event.data, KeyRotated)]
        assert {event.keyid for event in chain[: at + 1]} == {old.key_id.hex()}
        assert {event.keyid for event in chain[at + 1 :]} <= {new.key_id.hex()}
        assert is_system(chain[at].subject_id)


async def until_relayed(replica: Process) -> bool:
    async def relayed() -> bool:
        return (await replica.running.readiness())["lag"]["to_relay"] == 0

    await until(relayed, "all is relayed")
    return True


@pytest.mark.parametrize("crashed", ["before the event", "after the event", "after the tidying"])
async def test_a_crash_at_any_step_leaves_a_service_that_starts_and_is_heard(
    environment: Environment, old: Signer, crashed: str
) -> None:
    """The steps: the file holds both keys; the event is said; the file holds the new key alone."""
    new = Signer.parse(generate_key("incident-ledger/intake")[0])
    incident = clock.new_id()
    async with process(environment, INTAKE) as intake:
        await intake.say(REPORTED, incident)
    hold_also(environment, new)
    if crashed != "before the event":
        async with process(environment, INTAKE, parts=[]) as once:
            await rotate(once)
    if crashed == "after the tidying":
        hold_only(environment, new)
    async with process(environment, INTAKE) as intake, process(environment, TRIAGE) as triage:
        said = (await intake.say(REPORTED, incident)).signed[0].recorded.event
        expected = old if crashed == "before the event" else new
        assert said.keyid == expected.key_id.hex()
        await until(
            lambda: heard(triage, 2 if expected is old else 2 + PARTITIONS), "triage hears all"
        )
        assert await triage.parked() == []


async def test_a_service_that_does_not_hold_the_key_in_force_does_not_start(
    environment: Environment, old: Signer, new: Signer
) -> None:
    async with process(environment, INTAKE, parts=[]) as once:
        await rotate(once)
    hold_only(environment, old)
    with pytest.raises(
        SystemExit, match=f"must sign intake/. from . on with key {new.key_id.hex()}"
    ):
        async with process(environment, INTAKE, parts=[]):
            pass


async def test_a_service_that_runs_on_without_the_new_key_stops_rather_than_sign_with_the_old_one(
    environment: Environment, old: Signer
) -> None:
    async with process(environment, INTAKE, parts=["writer"]) as stale:
        new = Signer.parse(generate_key("incident-ledger/intake")[0])
        hold_also(environment, new)
        async with process(environment, INTAKE, parts=[]) as once:
            await rotate(once)
        hold_only(environment, old)
        with pytest.raises(KeyMissing, match=new.key_id.hex()):
            await stale.say(REPORTED, clock.new_id())
        (writer,) = stale.tasks

        async def ended() -> bool:
            return writer.done()

        await until(ended, "the writer ends, and with it the process")
        assert isinstance(writer.exception(), KeyMissing)
        assert len(await stale.rows()) == PARTITIONS


async def test_what_a_stolen_old_key_signs_later_is_parked_and_a_finding(
    environment: Environment, old: Signer, new: Signer
) -> None:
    async with process(environment, INTAKE) as intake, process(environment, TRIAGE) as triage:
        incident = clock.new_id()
        await intake.say(REPORTED, incident)
        await rotate(intake)
        await until(lambda: heard(triage, 1 + PARTITIONS), "triage hears the change")
        await forge(environment, intake, old, incident)

        async def is_parked() -> bool:
            return ("untrusted", None) in await triage.parked()

        await until(is_parked, "triage parks it")
        assert len(await triage.rows()) == 1 + PARTITIONS
        (parked,) = await triage.running.pool.fetch("SELECT * FROM parked")
        assert (
            parked["detail"]
            == f"signed with key {old.key_id.hex()}, in force is {new.key_id.hex()}"
        )
        said = (await intake.say(REPORTED, incident)).signed[0].recorded.event
        await until(lambda: heard(triage, 2 + PARTITIONS), "triage hears the true one")
        assert (await triage.rows())[-1]["hash"] == said.hash
    assert await findings(environment) == {"untrusted", "waiting_parked"}


async def forge(environment: Environment, intake: Process, thief: Signer, incident: UUID) -> None:
    """The next event of the chain, rightly linked, signed with a key that is not in force any
    more."""
    partition = partition_of(incident)
    row = await intake.running.pool.fetchrow(
        "SELECT sequence, hash FROM chain WHERE service = 'intake' AND partition = $1", partition
    )
    assert row is not None
    link = next_link(INTAKE, partition, Head(row["sequence"], row["hash"]), ZERO_HASH)
    envelope = write(
        Said(clock.new_id(), incident, clock.now(), "a thief", REPORTED, "c"),
        link,
        thief.key_id.hex(),
    )
    signature = base64.b64encode(thief.sign(signed_bytes(envelope)))
    producer = AIOKafkaProducer(bootstrap_servers=environment.bootstrap)
    await producer.start()
    await producer.send_and_wait(
        environment.topic,
        envelope,
        key_of(incident),
        partition,
        headers=[(HEADER_SIGNATURE, signature)],
    )
    await producer.stop()


async def test_a_replica_that_was_not_told_trusts_the_old_key_no_more(
    environment: Environment, old: Signer, new: Signer
) -> None:
    """Both replicas of triage hear the same partition: one the change, the other what comes after
    it."""
    async with (
        process(environment, INTAKE) as intake,
        process(environment, TRIAGE) as triage,
        process(environment, TRIAGE, parts=[]) as stale,
    ):
        incident = clock.new_id()
        await intake.say(REPORTED, incident)
        await rotate(intake)
        await until(lambda: heard(triage, 1 + PARTITIONS), "triage hears the change")
        await triage.stop()
        await forge(environment, intake, old, incident)
        await intake.say(REPORTED, incident)
        await until_relayed(intake)
        partition = partition_of(incident)
        messages = [
            message for message in await on_topic(environment) if message.partition == partition
        ]

        await stale.receiver.hear(partition, [record_of(message) for message in messages])
        assert await stale.parked() == [("untrusted", None)]
        assert len(await stale.rows()) == 2 + PARTITIONS
        assert stale.running.trust.in_force(INTAKE, partition, 99) == new.verifier


async def test_what_came_before_its_key_waits_parked_and_is_taken_up_with_it(
    environment: Environment, new: Signer
) -> None:
    async with (
        process(environment, INTAKE) as intake,
        process(environment, TRIAGE, parts=[]) as triage,
    ):
        incident = clock.new_id()
        await rotate(intake)
        for _ in range(3):
            await intake.say(REPORTED, incident)
        await until_relayed(intake)

        partition = partition_of(incident)
        change, *after = [
            record_of(message)
            for message in await on_topic(environment)
            if message.partition == partition
        ]
        await triage.receiver.hear(partition, after)
        assert await triage.parked() == [("untrusted", None)] * 3
        await triage.receiver.hear(partition, [change])
        assert await triage.parked() == [("untrusted", "heard")] * 3
        assert len(await triage.rows()) == 4


async def test_what_was_read_ahead_with_the_key_of_before_is_heard_with_the_new_one(
    environment: Environment, new: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "BATCH", 3)
    incident = clock.new_id()
    async with process(environment, INTAKE) as intake:
        for _ in range(4):
            await intake.say(REPORTED, incident)
        await rotate(intake)
        for _ in range(20):
            await intake.say(REPORTED, incident)
        assert await until_relayed(intake)
    async with process(environment, TRIAGE, parts=["consumer"]) as triage:
        await until(
            lambda: heard(triage, 24 + PARTITIONS),
            "triage hears all, some of it examined before it had the key",
        )
        assert await triage.parked() == []
    assert await findings(environment) == set()


async def test_views_lists_and_timelines_leave_the_change_out(
    environment: Environment, new: Signer
) -> None:
    from shared.contract.decision import Missing
    from shared.contract.topics import system_subject
    from shared.runtime.say.plan import Recorded
    from tests.integration.runtime.processes import rules

    seen: list[Recorded] = []

    def project(recorded: Recorded) -> tuple[()]:
        seen.append(recorded)
        return ()

    reacting = replace(
        rules(project=project, reacts_to=(KeyRotated,), react=never), view_tables=("parked",)
    )
    async with (
        process(environment, INTAKE) as intake,
        process(environment, TRIAGE, reacting) as triage,
    ):
        await rotate(intake)
        await until(lambda: heard(triage, PARTITIONS), "triage hears the change")
        assert (await triage.running.ledger.load(system_subject(0))).version == 0
        with pytest.raises(Missing):
            await triage.say(REPORTED, system_subject(0))
        assert await triage.parked() == []
    assert seen == []


def never(_event: object, _state: int) -> list[Reported]:
    raise AssertionError("nobody reacts to a system incident")


async def test_statements_are_signed_with_the_key_in_force_and_need_nobody_else(
    environment: Environment, old: Signer, new: Signer
) -> None:
    known = load_trust(environment.keys.trust_file)
    async with process(environment, INTAKE, parts=["writer"]) as intake:
        incident = clock.new_id()
        pool, keyring = intake.running.pool, intake.running.ledger.keyring
        said = [(await intake.say(REPORTED, incident)).signed[0].recorded.event for _ in range(3)]
        before = open_statement(await intake.running.chain_checkpoint(), known)
        assert isinstance(before, ChainHeads)
        assert before.heads[partition_of(incident)] == Head(3, said[-1].hash)
        await rotate(intake)
        async with pool.acquire() as connection:
            after = await words.chain_checkpoint(connection, keyring, clock.now())
            head = await words.subject_head(connection, keyring, incident, clock.now())
            none = await words.subject_head(connection, keyring, clock.new_id(), clock.now())
            changes = await intake.rows("type = 'ledger.key_rotated.v1'")
        known = known.after(*(read(row["envelope"]) for row in changes))
        stated = open_statement(after, known)
        assert isinstance(stated, ChainHeads)
        assert [head.sequence for head in stated.heads] == [
            4 if number == partition_of(incident) else 1 for number in range(PARTITIONS)
        ]
        of_incident, of_none = open_statement(head, known), open_statement(none, known)
    assert isinstance(of_incident, SubjectStatement)
    assert isinstance(of_none, SubjectStatement)
    assert (of_incident.count, of_incident.last_hash) == (3, said[-1].hash)
    assert of_incident.head == stated.heads[partition_of(incident)]
    assert (of_none.count, of_none.last_hash) == (0, ZERO_HASH)


async def test_a_checkpoint_is_signed_at_most_once_a_second(environment: Environment) -> None:
    async with process(environment, INTAKE, parts=["writer"]) as intake:
        first = await intake.running.chain_checkpoint()
        await intake.say(REPORTED, clock.new_id())
        assert await intake.running.chain_checkpoint() is first

        async def anew() -> bool:
            return await intake.running.chain_checkpoint() != first

        await until(anew, "a new one is made")
