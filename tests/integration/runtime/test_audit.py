"""The tamperer: a database's owner with the triggers off, and a stranger at the broker. Each is
found by name."""

import base64
import re

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.process import clock
from shared.runtime.process.keyfiles import load_trust
from shared.runtime.repair import auditing
from shared.runtime.repair.auditing import Sources, Verification
from shared.runtime.repair.ledger_check import TextsHeld
from shared.runtime.repair.settlement import CannotSettle, Settlement
from shared.runtime.repair.settling import settle
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import Process, on_topic, process, until

REPORTED = Reported(opens=True, channel=ReportChannel.API, description="a whiteboard")
INTAKE, TRIAGE = ServiceName.INTAKE, ServiceName.TRIAGE


@pytest.fixture
async def history(environment: Environment) -> Environment:
    """Two incidents, three events each, said by intake and heard by triage."""
    incidents = [clock.new_id(), clock.new_id()]
    async with process(environment, INTAKE) as intake, process(environment, TRIAGE) as triage:
        for incident in incidents:
            for _ in range(3):
                await intake.say(REPORTED, incident)

        async def settled() -> bool:
            return (
                len(await triage.rows()) == 6
                and (await intake.running.readiness())["lag"]["to_relay"] == 0
            )

        await until(settled, "triage hears all")
    return environment


async def verify(environment: Environment) -> Verification:
    databases = {service: environment.databases[service].auditor_dsn for service in ServiceName}
    sources = Sources(
        databases,
        {"bootstrap_servers": environment.bootstrap},
        environment.topic,
        load_trust(environment.keys.trust_file),
    )
    return await auditing.verify(sources, lambda _name, _count: None)


async def codes(environment: Environment) -> set[str]:
    return {finding.code for finding in (await verify(environment)).findings}


async def as_owner(environment: Environment, service: ServiceName, *statements: str) -> None:
    """What the table owner can do once the triggers are off."""
    connection = await asyncpg.connect(environment.databases[service].owner_dsn)
    try:
        await connection.execute("ALTER TABLE ledger DISABLE TRIGGER only_grows")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_texts_of_an_honest_history_are_counted_wherever_they_are_at_hand(
    history: Environment,
) -> None:
    async with process(history, TRIAGE, parts=("texts",)):

        async def told() -> bool:
            held = {check.owner: check.texts for check in (await verify(history)).ledgers}
            return held[INTAKE] == held[TRIAGE] == TextsHeld(at_hand=6)

        await until(told, "triage is told the texts of what it has heard")
    assert (await verify(history)).findings == ()


async def test_a_text_that_somebody_slips_in_beside_an_event_is_found(
    history: Environment,
) -> None:
    await as_owner(
        history,
        INTAKE,
        "INSERT INTO disclosure (digest, event_id, content) "
        "SELECT repeat('x', 43), event_id, 'a lie' FROM ledger LIMIT 1",
    )
    assert await codes(history) == {"disclosure_unfounded"}


async def test_a_text_that_was_kept_from_its_erasure_is_found(history: Environment) -> None:
    await as_owner(
        history,
        INTAKE,
        "INSERT INTO erased SELECT digest, event_id, 'description', event_id, now(), 'objection' "
        "FROM disclosure LIMIT 1",
    )
    assert await codes(history) == {"disclosure_erased"}


async def test_the_auditors_role_reads_digests_and_no_text(history: Environment) -> None:
    connection = await asyncpg.connect(history.databases[INTAKE].auditor_dsn)
    try:
        assert await connection.fetchval("SELECT count(digest) FROM disclosure") == 6
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT content FROM disclosure")
    finally:
        await connection.close()


async def test_an_honest_history_is_clean_and_counted(history: Environment) -> None:
    verification = await verify(history)
    assert verification.findings == ()
    assert verification.topic.types == {"reported": 6}
    assert {check.owner: check.rows for check in verification.ledgers} == {
        INTAKE: 6,
        TRIAGE: 6,
        "notify": 0,
        "review": 0,
    }


async def test_an_edited_row_is_found(history: Environment) -> None:
    await as_owner(
        history,
        INTAKE,
        """UPDATE ledger SET envelope = new.envelope, hash = sha256('\\x00'::bytea || new.envelope)
           FROM (SELECT position, convert_to(replace(
                     convert_from(envelope, 'UTF8'), '"exercise":false', '"exercise":true'
                 ), 'UTF8') AS envelope
                 FROM ledger WHERE version = 2 LIMIT 1) AS new
                 WHERE ledger.position = new.position""",
    )
    assert {"untrusted", "differs_from_topic"} <= await codes(history)


async def test_a_deleted_row_is_found(history: Environment) -> None:
    await as_owner(history, INTAKE, "DELETE FROM ledger WHERE version = 2")
    assert {"not_in_ledger", "version_gap"} <= await codes(history)


async def test_the_last_row_deleted_is_found(history: Environment) -> None:
    await as_owner(
        history, TRIAGE, "DELETE FROM ledger WHERE position = (SELECT max(position) FROM ledger)"
    )
    assert {"row_missing"} <= await codes(history)


async def test_two_rows_swapped_are_found(history: Environment) -> None:
    await as_owner(
        history,
        TRIAGE,
        "ALTER TABLE ledger DROP CONSTRAINT ledger_pkey",
        """UPDATE ledger SET sequence = CASE version WHEN 1 THEN sequence + 1 ELSE sequence - 1 END
           WHERE version IN (1, 2)
                 AND subject_id = (SELECT subject_id FROM ledger ORDER BY position LIMIT 1)""",
    )
    assert {"row_changed"} <= await codes(history)


async def test_a_forged_message_is_parked_by_every_receiver_and_found(history: Environment) -> None:
    message = (await on_topic(history))[0]
    forged = message.value.replace(b'"exercise":false', b'"exercise":true')
    producer = AIOKafkaProducer(bootstrap_servers=history.bootstrap)
    await producer.start()
    await producer.send_and_wait(
        history.topic, forged, message.key, message.partition, headers=list(message.headers)
    )
    await producer.stop()
    async with process(history, TRIAGE) as triage:

        async def is_parked() -> bool:
            return ("untrusted", None) in await triage.parked()

        await until(is_parked, "triage parks it")
        assert len(await triage.rows()) == 6
    found = (await verify(history)).findings
    assert {finding.code for finding in found} == {"untrusted", "waiting_parked"}


async def test_an_event_signed_by_another_service_of_ours_is_found(history: Environment) -> None:
    from shared.contract.hashing import signed_bytes
    from shared.tlog.note import Signer

    message = (await on_topic(history))[0]
    changed = message.value.replace(b'"exercise":false', b'"exercise":true')
    triage = Signer.parse(history.keys.signing_key(TRIAGE).read_text(encoding="utf-8").strip())
    producer = AIOKafkaProducer(bootstrap_servers=history.bootstrap)
    await producer.start()
    for value in (changed, message.value):
        signature = base64.b64encode(triage.sign(signed_bytes(value)))
        headers = [
            (name, signature if name == "signature" else value) for name, value in message.headers
        ]
        await producer.send_and_wait(
            history.topic, value, message.key, message.partition, headers=headers
        )
    await producer.stop()
    verification = await verify(history)
    assert [finding.code for finding in verification.findings] == ["untrusted"]
    assert (
        verification.topic.spoilt == 1
    )  # the same bytes are there with a true signature: no harm, and counted


async def test_a_forged_message_that_two_persons_have_settled_is_named_and_no_finding(
    history: Environment,
) -> None:
    message = (await on_topic(history))[0]
    producer = AIOKafkaProducer(bootstrap_servers=history.bootstrap)
    await producer.start()
    await producer.send_and_wait(history.topic, b"hello", message.key, message.partition)
    await producer.stop()
    settlement = Settlement("a stranger's line", "ida", "omar")
    for service in (INTAKE, TRIAGE):
        async with process(history, service) as hears:

            async def is_parked(hears: Process = hears) -> bool:
                return ("malformed", None) in await hears.parked()

            await until(is_parked, f"{service} parks it")
            pool, ledger = hears.running.pool, hears.running.ledger
            (row,) = await pool.fetch("SELECT * FROM parked")
            with pytest.raises(CannotSettle, match="no parked message"):
                await settle(pool, ledger, [row["parked_id"], 999], settlement)
            assert await hears.parked() == [("malformed", None)], "all of it or nothing"
            await settle(pool, ledger, [row["parked_id"]], settlement)
            with pytest.raises(CannotSettle, match="settled already"):
                await settle(pool, ledger, [row["parked_id"]], settlement)
            # Read again, as after the broker lost its end, it stays settled.
            again = Record(
                row["partition"], row["kafka_offset"], row["message_key"], b"hello", (), b""
            )
            await hears.receiver.hear(row["partition"], [again])
            assert await hears.parked() == [("malformed", "settled by ida and omar")]

            async def relayed(hears: Process = hears) -> bool:
                return bool((await hears.running.readiness())["lag"]["to_relay"] == 0)

            await until(relayed, "the word of two persons is on the topic")
    verification = await verify(history)
    assert verification.findings == ()
    (one,) = verification.topic.settled
    assert one.code == "malformed"
    assert re.fullmatch("settled by ida and omar; event [0-9a-f-]{36} has the reason", one.detail)
