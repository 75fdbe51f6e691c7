"""What is parked is a message, not a place, and is heard as soon as it can be: whatever else stands
at its offset, however much waits, whoever dies in between, and when only a restart brings its
key."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.local.keys import Keys
from shared.chain import trust
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.envelope import Said, read, write
from shared.contract.hashing import signed_bytes
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear import parking, transaction
from shared.runtime.hear.judge import Record
from shared.runtime.hear.receiver import Receiver
from shared.runtime.hear.tables import Stretch
from shared.runtime.process import clock
from shared.tlog.note import Signer, generate_key
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import Process, process, until
from tests.integration.runtime.test_travel import as_record

REPORTED = Reported(opens=True, channel=ReportChannel.API, description="a whiteboard")
INTAKE, TRIAGE = ServiceName.INTAKE, ServiceName.TRIAGE


async def said(intake: Process, count: int) -> list[Record]:
    """A chain as it would stand on the topic."""
    incident = clock.new_id()
    for _ in range(count):
        await intake.say(REPORTED, incident)
    return [as_record(row, offset) for offset, row in enumerate(await intake.rows())]


def at(record: Record, offset: int) -> Record:
    return replace(record, offset=offset)


async def details(receiver: Process) -> list[tuple[int, str, str | None]]:
    rows = await receiver.running.pool.fetch(
        "SELECT kafka_offset, reason, resolution FROM parked ORDER BY kafka_offset, parked_id"
    )
    return [(row["kafka_offset"], row["reason"], row["resolution"]) for row in rows]


async def test_another_message_at_an_offset_is_parked_beside_the_first(
    environment: Environment,
) -> None:
    """As after a broker that forgot the end of its log: the offset is given again."""
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        one, two, three, four = await said(intake, 4)
        partition = one.partition
        await triage.receiver.hear(partition, [at(three, 5)])
        await triage.receiver.hear(partition, [at(four, 5)])
        await triage.receiver.hear(partition, [at(three, 5)])
        assert await details(triage) == [(5, "gap", None)] * 2
        # Nor is one settled because another is heard at its offset.
        await triage.receiver.hear(partition, [at(one, 5)])
        assert await details(triage) == [(5, "gap", None)] * 2
        await triage.receiver.hear(partition, [at(two, 5)])
        assert await details(triage) == [(5, "gap", "heard")] * 2
        assert len(await triage.rows()) == 4


async def test_the_same_bytes_under_another_signature_are_another_message(
    environment: Environment,
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        one, two = await said(intake, 2)
        spoilt = replace(two, headers=one.headers, signature=one.signature)
        await triage.receiver.hear(two.partition, [at(spoilt, 0)])
        await triage.receiver.hear(two.partition, [at(replace(two, headers=(), signature=b""), 0)])
        assert await details(triage) == [(0, "untrusted", None)] * 2
        await triage.receiver.hear(two.partition, [one, at(two, 7)])
        assert await details(triage) == [(0, "untrusted", "heard by another copy")] * 2


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction takes three of what waited, not thousands."""
    monkeypatch.setattr(transaction, "WAITED", 3)
    monkeypatch.setattr(parking, "PAGE", 3)


@pytest.mark.usefixtures("few")
async def test_however_much_waits_all_of_it_is_heard(environment: Environment) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        one, *rest = await said(intake, 14)
        await triage.receiver.hear(
            one.partition, [*reversed(rest), *(at(record, 99) for record in rest[:4])]
        )
        await triage.receiver.hear(one.partition, [one], Stretch(0, 14))
        rows = await triage.rows()
        assert [row["version"] for row in rows] == list(range(1, 15))
        assert all(resolution for _, resolution in await triage.parked())


@pytest.mark.usefixtures("few")
async def test_who_dies_with_much_still_waiting_goes_on_when_he_starts(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        one, *rest = await said(intake, 14)
        await triage.receiver.hear(one.partition, rest)
        once, left = Receiver._hear, [2]

        async def dies(self: Any, *arguments: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise ConnectionError("killed")
            return await once(self, *arguments)

        monkeypatch.setattr(Receiver, "_hear", dies)
        with pytest.raises(ConnectionError, match="killed"):
            await triage.receiver.hear(one.partition, [one], Stretch(0, 14))
        assert len(await triage.rows()) == 7
        monkeypatch.setattr(Receiver, "_hear", once)
        triage.start("consumer")

        async def all_of_it() -> bool:
            return len(await triage.rows()) == 14

        await until(all_of_it, "what waited is heard, though nothing arrives")


@pytest.mark.usefixtures("few")
async def test_what_was_parked_before_its_key_was_in_the_trust_file_is_heard_after_a_restart(
    environment: Environment, tmp_path: Path
) -> None:
    keys = Keys.of(tmp_path / "own")
    keys.make()
    environment = replace(environment, keys=keys)
    whole = keys.trust_file.read_text()
    async with process(environment, INTAKE, parts=["writer"]) as intake:
        one, two, three, four, *rest = await said(intake, 9)
        keys.trust_file.write_text(
            "".join(line for line in whole.splitlines(True) if "intake" not in line)
        )
        async with process(environment, TRIAGE, parts=["writer"]) as triage:
            await triage.receiver.hear(one.partition, [one, two, four, *rest], Stretch(0, 9))
            assert {reason for reason, _ in await triage.parked()} == {"untrusted"}
            assert await triage.rows() == []
        keys.trust_file.write_text(whole)
        async with process(environment, TRIAGE) as triage:

            async def heard() -> bool:
                return len(await triage.rows()) == 2 and all(
                    resolution or reason == "gap" for reason, resolution in await triage.parked()
                )

            await until(heard, "what can be heard is heard, the rest waits for the third")
            await triage.receiver.hear(one.partition, [three])
            assert [row["version"] for row in await triage.rows()] == list(range(1, 10))
            assert all(resolution for _, resolution in await triage.parked())


async def test_what_is_now_doubted_and_now_too_early_is_never_let_go(
    environment: Environment,
) -> None:
    """Two replicas of different trust files: by one's another key signs from the second number
    on."""
    other = Signer.parse(generate_key("incident-ledger/intake")[0])
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as whole,
        process(environment, TRIAGE, parts=["writer"]) as short,
    ):
        one, two = await said(intake, 2)
        text = environment.keys.trust_file.read_text()
        short.receiver.trust = trust.parse(f"{text}\nintake * 2 {other.vkey}\n")
        await short.receiver.hear(two.partition, [two])
        assert await details(whole) == [(1, "untrusted", None)]
        await whole.receiver.take_up(two.partition)
        assert await details(whole) == [(1, "untrusted", "parked as gap"), (1, "gap", None)]
        await short.receiver.hear(one.partition, [one])
        assert await details(whole) == [(1, "untrusted", None), (1, "gap", "parked as untrusted")]
        await whole.receiver.take_up(two.partition)
        assert await details(whole) == [
            (1, "untrusted", "heard"),
            (1, "gap", "parked as untrusted"),
        ]
        assert len(await whole.rows()) == 2


async def test_of_two_events_that_waited_at_one_number_the_one_not_heard_is_named(
    environment: Environment,
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        one, two, three = await said(intake, 3)
        another = as_record(await told_twice(intake, three), 7)
        await triage.receiver.hear(one.partition, [at(three, 2), another])
        assert await details(triage) == [(2, "gap", None), (7, "gap", None)]
        await triage.receiver.hear(one.partition, [one, two])
        assert len(await triage.rows()) == 3
        waited = [reason for _, reason, resolution in await details(triage) if resolution is None]
        assert waited == ["equivocation"]


async def told_twice(intake: Process, record: Record) -> dict[str, Any]:
    """Another event at the same number, rightly linked and signed: as by a service whose database
    was set back."""
    event = read(record.value)
    said = Said(clock.new_id(), event.subject_id, clock.now(), "maria", REPORTED, "c")
    signer = Signer.parse(intake.running.settings.signing_key_file.read_text().strip())
    envelope = write(said, event.link, signer.key_id.hex())
    return {
        "partition": record.partition,
        "envelope": envelope,
        "signature": signer.sign(signed_bytes(envelope)),
        "subject_id": event.subject_id,
    }


async def test_what_waited_and_does_not_fit_is_named_once_and_looked_at_no_more(
    environment: Environment,
) -> None:
    async with (
        process(environment, INTAKE, parts=["writer"]) as intake,
        process(environment, TRIAGE, parts=["writer"]) as triage,
    ):
        one, two = await said(intake, 2)
        await triage.receiver.hear(one.partition, [at(two, 1)])
        # Another first event than the one that the second names: as after a chain that was told
        # twice.
        await triage.running.pool.execute(
            "UPDATE chain SET sequence = 1, hash = sha256('another') WHERE service = 'intake' "
            "AND partition = $1",
            one.partition,
        )
        for _ in range(2):
            await triage.receiver.take_up(one.partition)
            assert await details(triage) == [
                (1, "gap", "parked as broken_link"),
                (1, "broken_link", None),
            ]
