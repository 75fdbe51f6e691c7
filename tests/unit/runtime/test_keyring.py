"""Which key a service signs with, and which keys others trust, as its chains name them."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from shared.chain.keyfiles import BadKeyFile
from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust, parse
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event, Link, Said, read, write
from shared.contract.hashing import ZERO_HASH, event_hash, signed_bytes
from shared.contract.topics import partition_of, system_subject
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Received, Record, examine, receive
from shared.runtime.process.keyfiles import load_keys
from shared.runtime.repair.ledger_check import LedgerCheck
from shared.runtime.repair.topic_check import TopicCheck
from shared.runtime.say.keyring import KeyMissing, Keyring, KeysDiffer
from shared.tlog.note import Signer, generate_key

INTAKE, TRIAGE = ServiceName.INTAKE, ServiceName.TRIAGE
OLD, NEW, THIEF = (Signer.parse(generate_key("incident-ledger/intake")[0]) for _ in range(3))
TRUST = parse(f"intake * 1 {OLD.vkey}")
REPORTED = Reported(opens=True, channel=ReportChannel.API)
INCIDENT = next(one for one in (UUID(int=7 << 76 | n) for n in range(99)) if partition_of(one) == 3)
HEADS = dict.fromkeys(ServiceName, EMPTY)


def chain(*signed: tuple[EventData, Signer]) -> list[Record]:
    """Intake's chain on partition 3, each event signed as told."""
    records, before, of_incident = [], ZERO_HASH, {}
    for number, (data, signer) in enumerate(signed, 1):
        incident = system_subject(3) if isinstance(data, KeyRotated) else INCIDENT
        link = Link(INTAKE, 3, number, before, of_incident.get(incident, ZERO_HASH))
        said = Said(
            UUID(int=number), incident, datetime(2026, 3, 2, tzinfo=UTC), "maria", data, "c"
        )
        envelope = write(said, link, signer.key_id.hex())
        before = of_incident[incident] = event_hash(envelope)
        records.append(Record(3, number, None, envelope, (), signer.sign(signed_bytes(envelope))))
    return records


ROTATED = chain((REPORTED, OLD), (KeyRotated(vkey=NEW.vkey), OLD), (REPORTED, NEW), (REPORTED, NEW))


def hear(
    records: list[Record], trust: Trust = TRUST, heads: dict[ServiceName, Head] = HEADS
) -> Received:
    return receive(TRIAGE, heads, {}, [], [examine(record, trust) for record in records])


def event(record: Record) -> Event:
    return read(record.value)


def test_after_a_rotation_the_new_key_is_in_force_and_before_it_the_old_one() -> None:
    trust = TRUST.after(event(ROTATED[1]))
    assert [trust.in_force(INTAKE, 3, number) for number in (1, 2, 3, 99)] == [
        OLD.verifier,
        OLD.verifier,
        NEW.verifier,
        NEW.verifier,
    ]
    assert trust.rotated(INTAKE, 3) == 2
    assert trust.in_force(INTAKE, 4, 3) == OLD.verifier, "another chain keeps its key"
    assert TRUST.rotated(INTAKE, 3) == 0, "nobody else has learned it"
    assert trust.after(event(ROTATED[1])).in_force(INTAKE, 3, 3) == NEW.verifier


def test_what_names_no_key_changes_nothing() -> None:
    (record,) = chain((KeyRotated(vkey="no+00000000+" + 44 * "A"), OLD))
    trust = TRUST.after(event(record))
    assert trust.in_force(INTAKE, 3, 2) == OLD.verifier
    assert trust.rotated(INTAKE, 3) == 1
    assert TRUST.after(event(ROTATED[0])) is TRUST


def test_the_trust_file_has_the_last_word_at_its_number() -> None:
    trust = parse(f"intake * 1 {OLD.vkey}\nintake * 3 {THIEF.vkey}").after(event(ROTATED[1]))
    assert trust.in_force(INTAKE, 3, 3) == THIEF.verifier


def test_a_receiver_stops_at_a_rotation_and_goes_on_with_the_new_key() -> None:
    first = hear(ROTATED)
    assert [heard.record for heard in first.accepted] == ROTATED[:2]
    assert (first.rotated, list(first.rest), first.parked) == (True, ROTATED[2:], ())
    second = hear(ROTATED[2:], TRUST.after(event(ROTATED[1])), dict(first.heads))
    assert [heard.record for heard in second.accepted] == ROTATED[2:]
    assert not second.rotated


def test_a_rotation_that_is_not_accepted_teaches_nothing() -> None:
    forged = chain((KeyRotated(vkey=THIEF.vkey), THIEF))
    assert [item.reason for item in hear(forged).parked] == [ParkReason.UNTRUSTED]
    equivocating = chain((KeyRotated(vkey=THIEF.vkey), OLD))
    after = hear(ROTATED[:1])
    again = receive(
        TRIAGE,
        after.heads,
        {(INTAKE, 1): event(ROTATED[0]).hash},
        [],
        [examine(equivocating[0], TRUST)],
    )
    assert [item.reason for item in again.parked] == [ParkReason.EQUIVOCATION]
    assert not again.rotated


def test_the_old_key_counts_no_more_even_when_the_rotation_waited() -> None:
    stolen = chain((REPORTED, OLD), (KeyRotated(vkey=NEW.vkey), OLD), (REPORTED, OLD))
    early = [
        item
        for item in (examine(record, TRUST) for record in stolen[1:])
        if isinstance(item, Heard)
    ]
    received = receive(TRIAGE, HEADS, {}, early, [examine(stolen[0], TRUST)])
    assert [heard.event.link.sequence for heard in received.accepted] == [1, 2]
    assert received.rotated
    refused = examine(stolen[2], TRUST.after(event(stolen[1])))
    assert isinstance(refused, Parked)
    assert refused.reason is ParkReason.UNTRUSTED
    assert refused.detail == f"signed with key {OLD.key_id.hex()}, in force is {NEW.key_id.hex()}"


def test_what_waited_for_its_key_is_taken_up() -> None:
    trust = TRUST.after(event(ROTATED[1]))
    head = Head(2, event(ROTATED[1]).hash)
    waiting = [
        item
        for item in (examine(record, trust) for record in ROTATED[2:])
        if isinstance(item, Heard)
    ]
    received = receive(TRIAGE, HEADS | {INTAKE: head}, {}, waiting, [])
    assert [heard.event.link.sequence for heard in received.accepted] == [3, 4]


def codes(records: list[Record]) -> tuple[set[str], set[str]]:
    topic, ledger = TopicCheck(TRUST), LedgerCheck(INTAKE, TRUST)
    for record in records:
        topic.take(record)
        one = event(record)
        ledger.take(
            {
                "service": "intake",
                "partition": 3,
                "sequence": one.link.sequence,
                "event_id": one.id,
                "subject_id": one.subject_id,
                "version": 1,
                "type": one.type,
                "envelope": record.value,
                "signature": record.signature,
                "hash": one.hash,
                "texts": None,
                "gone": None,
            }
        )
    topic.finish()
    return {finding.code for finding in topic.findings}, {
        finding.code for finding in ledger.findings
    }


def test_an_auditor_follows_a_rotation_and_names_what_a_stolen_key_signed_after_it() -> None:
    assert codes(ROTATED) == (set(), set())
    stolen = chain((REPORTED, OLD), (KeyRotated(vkey=NEW.vkey), OLD), (REPORTED, OLD))
    assert codes(stolen) == ({"untrusted"}, {"untrusted"})
    forged = chain((REPORTED, OLD), (KeyRotated(vkey=THIEF.vkey), THIEF), (REPORTED, THIEF))
    assert codes(forged) == ({"untrusted"}, {"untrusted"})


def test_an_auditor_counts_no_system_incident() -> None:
    topic = TopicCheck(TRUST)
    for record in ROTATED:
        topic.take(record)
    assert topic.incidents == {INCIDENT}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "intake.key"
    path.write_text(OLD.skey + "\n")
    return path


def test_a_keyring_signs_with_the_key_in_force(file: Path) -> None:
    keyring = Keyring(INTAKE, file, TRUST.after())
    assert keyring.signer({3: EMPTY, 4: EMPTY}) == OLD
    file.write_text(f"# until the change\n{OLD.skey}\n\n{NEW.skey}  # next\n")
    assert keyring.next() == NEW
    assert keyring.signer({3: Head(1, b"")}) == OLD
    keyring.trust = keyring.trust.after(event(ROTATED[1]))
    assert keyring.signer({3: Head(2, b"")}) == NEW, "read from the file when it is first needed"
    assert keyring.speaker({3: Head(2, b"")}).keyid == NEW.key_id.hex()
    with pytest.raises(KeysDiffer):
        keyring.signer({3: Head(2, b""), 4: EMPTY})


def test_a_key_that_is_not_there_is_named_and_never_another_one_shown(file: Path) -> None:
    keyring = Keyring(INTAKE, file, TRUST.after(event(ROTATED[1])))
    with pytest.raises(
        KeyMissing, match=f"intake/3 from 3 on with key {NEW.key_id.hex()}"
    ) as missing:
        keyring.signer({3: Head(2, b"")})
    assert OLD.skey not in str(missing.value)
    with pytest.raises(KeyMissing, match="no key of intake is trusted on partition 3 from 1 on"):
        Keyring(INTAKE, file, Trust(())).signer({3: EMPTY})


@pytest.mark.parametrize(
    ("text", "why"), [("", "holds no key"), ("# none\n", "holds no key"), ("PRIVATE+x", "line 1")]
)
def test_a_key_file_that_is_none_is_refused(file: Path, text: str, why: str) -> None:
    file.write_text(text)
    with pytest.raises(BadKeyFile, match=why):
        load_keys(file)


def test_a_broken_line_is_not_shown(file: Path) -> None:
    file.write_text(f"{OLD.skey}\n{NEW.skey}x\n")
    with pytest.raises(BadKeyFile, match="line 2") as bad:
        load_keys(file)
    assert NEW.skey[-20:] not in str(bad.value)
