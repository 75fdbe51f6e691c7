"""What went wrong on the way to the log and is made good: a signature that was spoilt, a topic that
was lost."""

import base64
from dataclasses import replace
from uuid import UUID

from shared.audit.anchors import Anchors
from shared.audit.files import Folder
from shared.audit.log import audit_log
from shared.audit.order import OrderCheck
from shared.audit.outcome import LogAudit, Options
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.topics import HEADER_SIGNATURE, key_of, partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.process import clock
from shared.runtime.process.keyfiles import load_trust
from shared.runtime.repair import auditing, rebuilding
from shared.runtime.repair.auditing import Sources, Verification
from shared.tlog.policy import Policy
from shared.tlog.turns import TurnSignature
from tests.integration.conftest import Environment
from tests.integration.review.seals import Desk, Reader, opened, put, sealing, until
from tests.integration.runtime.processes import Process, process, rules
from tests.integration.runtime.test_disaster import lose_topic, refilled

REPORTED = Reported(opens=True, channel=ReportChannel.API, description="a whiteboard")
SPOILT = ((HEADER_SIGNATURE, base64.b64encode(bytes(64))),)


async def test_a_spoilt_message_is_sealed_and_heard_once_a_good_copy_comes(
    environment: Environment,
) -> None:
    incident = clock.new_id()
    async with (
        process(environment, ServiceName.INTAKE, parts=["writer"]) as intake,
        process(environment, ServiceName.TRIAGE) as triage,
        process(environment, ServiceName.NOTIFY) as notify,
        process(environment, ServiceName.REVIEW) as review,
        opened(environment) as desk,
        sealing(desk.sealer()),
    ):
        reader = Reader(desk.folder, desk.vkey)
        one, two, three = await said(intake, incident, 3)
        await put(environment, [one, replace(two, headers=SPOILT), three])
        await intake.running.pool.execute(
            "UPDATE relay_cursor SET sequence = 3 WHERE partition = $1", one.partition
        )

        await until(
            lambda: reader.size() == 2, "the first is sealed, and review's word that one is parked"
        )
        await until(
            lambda: parks(triage, ("untrusted", None), ("gap", None)), "triage hears the first only"
        )
        assert two.value not in reader.leaves()
        assert three.value not in reader.leaves()
        assert audit(environment, desk).findings == []

        for service in (intake, triage, notify, review):
            await rebuilding.relay_again(service.running.pool)
        intake.start("relay")
        await until(lambda: reader.size() == 4, "all is sealed")
        for receiver in (triage, notify, review):
            await until(lambda one=receiver: holds(one, 4), "all is heard")
        leaves = reader.leaves()
        assert [leaf for leaf in leaves if leaf in {one.value, two.value, three.value}] == [
            one.value,
            two.value,
            three.value,
        ]
        assert await triage.parked() == [("untrusted", "heard by another copy"), ("gap", "heard")]
        assert audit(environment, desk).findings == []
        await until(lambda: relayed(review), "what the topic lacks is on its way")
        verification = await verify(environment)
        assert verification.findings == ()
        assert verification.topic.spoilt == 1


async def test_a_turn_that_was_spoilt_and_torn_apart_is_heard_and_sealed_once_it_is_whole(
    environment: Environment,
) -> None:
    """Six events of one commit: one copy with the path of another index, one with a path spoilt,
    half of them lost, the rest in two batches."""
    incident = clock.new_id()
    async with (
        process(environment, ServiceName.INTAKE, rules(many=6), parts=["writer"]) as intake,
        process(environment, ServiceName.TRIAGE) as triage,
        process(environment, ServiceName.NOTIFY) as notify,
        opened(environment) as desk,
        sealing(desk.sealer()),
    ):
        reader = Reader(desk.folder, desk.vkey)
        one, two, three, *rest = turn = await said(intake, incident, 1)
        assert {TurnSignature.parse(record.signature).size for record in turn} == {6}
        moved = two.signature[:64] + three.signature[64:68] + two.signature[68:]
        spoilt = three.signature[:-1] + bytes([three.signature[-1] ^ 1])
        await put(environment, [one, under(two, moved), under(three, spoilt), rest[2]])
        await intake.running.pool.execute(
            "UPDATE relay_cursor SET sequence = 6 WHERE partition = $1", one.partition
        )
        await until(lambda: reader.size() == 1, "the first is sealed")
        await until(
            lambda: parks(triage, ("untrusted", None), ("untrusted", None), ("gap", None)),
            "triage hears the first only",
        )
        assert audit(environment, desk).findings == []

        await put(environment, [two, three])
        await until(lambda: reader.size() == 3, "each counts by itself")
        await rebuilding.relay_again(intake.running.pool)
        intake.start("relay")
        await until(lambda: reader.size() == 6, "all is sealed")
        assert reader.leaves() == [record.value for record in turn]
        for receiver in (triage, notify):
            await until(lambda one=receiver: holds(one, 6), "all is heard")
            assert [row["signature"] for row in await receiver.rows()] == [
                record.signature for record in turn
            ]
        assert audit(environment, desk).findings == []
        verification = await verify(environment)
        assert verification.findings == ()
        assert verification.topic.spoilt == 2


def under(record: Record, signature: bytes) -> Record:
    headers = ((HEADER_SIGNATURE, base64.b64encode(signature)),)
    return replace(record, headers=headers, signature=signature)


async def test_the_log_goes_on_over_a_topic_that_was_filled_again(environment: Environment) -> None:
    """The old topic had copies, so that the sealer's place on it is another event's on the new
    one."""
    incident = clock.new_id()
    async with (
        process(environment, ServiceName.INTAKE, parts=["writer"]) as intake,
        opened(environment) as desk,
    ):
        reader = Reader(desk.folder, desk.vkey)
        first = await said(intake, incident, 3)
        async with sealing(desk.sealer()):
            await put(environment, [*first, *first])
            await until(lambda: read_to(desk, 6), "copies and all are read")
        everything = await said(intake, incident, 8)
    await lose_topic(environment)
    await refilled(environment)
    async with opened(environment) as desk, sealing(desk.sealer()):
        await until(lambda: reader.size() == 11, "the rest is sealed")
        assert reader.leaves() == [record.value for record in everything]


async def test_what_the_sealer_had_passed_is_sealed_after_relay_again(
    environment: Environment,
) -> None:
    """A topic that was cut and filled again behind its back, so that it never saw what stands there
    now."""
    incident = clock.new_id()
    async with (
        process(environment, ServiceName.INTAKE, parts=["writer"]) as intake,
        opened(environment) as desk,
    ):
        reader = Reader(desk.folder, desk.vkey)
        *passed, last = await said(intake, incident, 3)
        await put(environment, passed)
        await desk.query(
            "UPDATE log_offset SET next_offset = 2 WHERE partition = $1", last.partition
        )
        async with sealing(desk.sealer()):
            await put(environment, [last])
            await until(lambda: read_to(desk, 3), "the last waits for those before it")
            assert reader.size() == 0
            await rebuilding.relay_again(desk.running.pool)
            await until(lambda: reader.size() == 3, "all is sealed")
            assert reader.leaves() == [one.value for one in (*passed, last)]


async def read_to(desk: Desk, offset: int) -> bool:
    rows = await desk.query("SELECT FROM log_offset WHERE next_offset = $1", offset)
    return len(rows) == 1


async def said(intake: Process, incident: UUID, count: int) -> list[Record]:
    """Messages as intake's relay would send them."""
    for _ in range(count):
        await intake.say(REPORTED, incident)
    return [
        Record(
            partition_of(incident),
            0,
            key_of(incident),
            row["envelope"],
            ((HEADER_SIGNATURE, base64.b64encode(row["signature"])),),
            row["signature"],
        )
        for row in await intake.rows()
    ]


async def parks(receiver: Process, *parked: tuple[str, str | None]) -> bool:
    return await receiver.parked() == list(parked)


async def holds(receiver: Process, count: int) -> bool:
    return len(await receiver.rows()) == count


async def relayed(service: Process) -> bool:
    return (await service.running.readiness())["lag"]["to_relay"] == 0


def audit(environment: Environment, desk: Desk, order: OrderCheck | None = None) -> LogAudit:
    """What anybody finds in the folder, each signature checked by itself."""
    known = load_trust(environment.keys.trust_file)
    anchors = Anchors(desk.vkey, known, Policy.parse(desk.settings.log_policy_file.read_bytes()))
    options = Options(None, every_signature=True, order=order)
    return audit_log(Folder(desk.folder), anchors, options, lambda _name, _at, _of: None)


async def verify(environment: Environment) -> Verification:
    databases = {service: environment.databases[service].auditor_dsn for service in ServiceName}
    kafka = {"bootstrap_servers": environment.bootstrap}
    sources = Sources(databases, kafka, environment.topic, load_trust(environment.keys.trust_file))
    return await auditing.verify(sources, lambda _name, _count: None)
