"""A dossier proves one incident by itself; whatever is changed in it is found, and named."""

import hashlib
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.review.audit import reports
from services.review.report import UnknownReportFormat
from shared.audit.anchors import Pins
from shared.audit.dossier.archive import pack, unpack
from shared.audit.dossier.checking import audit_dossier
from shared.audit.dossier.outcome import DossierAudit
from shared.audit.dossier.parts import Evidence, compose
from shared.audit.texts.check import Told
from shared.chain import keyfiles
from shared.contract.hashing import signed_bytes
from shared.contract.topics import partition_of, system_subject
from shared.contract.vocabulary import Audience, ServiceName
from shared.tlog.bundles import bundle_hashes
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.cosignature import Cosigner
from shared.tlog.keys import Signer
from shared.tlog.merkle import inclusion_proof, root_of
from shared.tlog.proof import Proof
from tests.examples import examples
from tests.unit.audit.world import (
    INTAKE,
    KEYS,
    LOG,
    NOTIFY,
    POLICY_TEXT,
    REVIEW,
    TRIAGE,
    TRUST_TEXT,
    Ledger,
    confirm,
    contain,
    incident_number,
    report,
    rotate,
    rules,
    tell,
    two_stories,
)
from tests.unit.tlog.given import flipped

STORY: Final = incident_number(1)
ANCHORS: Final = {
    "log.vkey": f"{LOG.vkey}\n".encode(),
    "trust": TRUST_TEXT.encode(),
    "policy": POLICY_TEXT.encode(),
}

WITNESS: Final = Cosigner(Signer("witness.example", bytes([8]) * 32))

Parts = dict[str, bytes]
NO_PINS: Final = Pins()
ALL_WITHHELD: Final[Told] = {}


def parts_of(ledger: Ledger, log: Signer = LOG, shown: Told = ALL_WITHHELD) -> Parts:
    hashes = bundle_hashes(ledger.entries)
    note = sign_checkpoint(Checkpoint(log.name, len(hashes), root_of(hashes)), log)

    def evidence_of(incident: UUID) -> list[Evidence]:
        return [
            Evidence(
                entry,
                signature,
                Proof(index, tuple(inclusion_proof(index, hashes)), note),
                tuple(shown.get(ledger.events[index].id, ())),
            )
            for index, (entry, signature) in enumerate(
                zip(ledger.entries, ledger.signatures, strict=True)
            )
            if ledger.events[index].subject_id == incident
        ]

    evidence, rotations = evidence_of(STORY), evidence_of(system_subject(partition_of(STORY)))
    heads = {service: ledger.subject_head(service, STORY) for service in ServiceName}
    return compose(STORY, note, ANCHORS, evidence, rotations, heads, reports)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return two_stories()


@pytest.fixture(scope="module")
def parts(ledger: Ledger) -> Parts:
    return parts_of(ledger)


def check(parts: Parts, pins: Pins = NO_PINS) -> DossierAudit:
    return audit_dossier("a dossier", pack(parts), pins, rules(), reports)


def codes(parts: Parts) -> set[str]:
    return {finding.code for finding in check(parts).findings}


def test_a_dossier_verifies_by_itself(parts: Parts, ledger: Ledger) -> None:
    found = check(parts)
    assert found.findings == []
    assert (found.incident, found.events) == (STORY, len(ledger.of(STORY)))
    assert set(found.stated_at) == set(ServiceName)
    assert {"report.json", "report.md", "report.html"} <= set(parts)


def test_of_reports_in_a_newer_format_only_the_rules_speak(parts: Parts) -> None:
    def older(*_: object) -> dict[str, bytes]:
        raise UnknownReportFormat(99)

    assert audit_dossier("a dossier", pack(parts), Pins(), rules(), older).findings == []


def test_the_same_parts_give_the_same_bytes(parts: Parts) -> None:
    assert pack(parts) == pack(dict(reversed(parts.items())))
    assert unpack(pack(parts)) == parts


def test_it_shows_nothing_of_another_incident(parts: Parts, ledger: Ledger) -> None:
    others = [event for event in ledger.events if event.subject_id != STORY]
    archive = pack(parts)
    for event in others:
        assert str(event.id).encode() not in archive
        assert str(event.subject_id).encode() not in archive
        assert event.envelope not in archive


def test_keys_that_the_auditor_brought_come_before_those_in_it(parts: Parts) -> None:
    other = Signer(LOG.name, bytes([77]) * 32)
    found = audit_dossier("a dossier", pack(parts), Pins(other.verifier), rules(), reports)
    assert [finding.code for finding in found.findings] == ["checkpoint_rejected"]
    assert found.unpinned == ("trust", "policy")


def own_pins(trust: str = TRUST_TEXT, policy: str = POLICY_TEXT) -> Pins:
    return Pins(
        LOG.verifier,
        keyfiles.services_keys(trust.encode()),
        keyfiles.witness_policy(policy.encode()),
    )


def test_keys_beside_the_pins_that_are_the_same_are_not_told(parts: Parts) -> None:
    found = check(parts, own_pins(f"# mine\r\n{TRUST_TEXT}".replace("\n", "\r\n")))
    assert (found.findings, found.foreign, found.unpinned) == ([], (), ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trust", f"{TRUST_TEXT}intake * 9 {WITNESS.signer.vkey}\n"),
        ("trust", "nonsense\n"),
        ("policy", POLICY_TEXT.replace("none", "nobody")),
        ("policy", f"witness w {WITNESS.vkey}\n{POLICY_TEXT}"),
        ("log.vkey", f"{WITNESS.signer.vkey}\n"),
        ("log.vkey", ""),
    ],
)
def test_a_dossier_that_brings_foreign_keys_beside_the_pins_says_so(
    parts: Parts, name: str, text: str
) -> None:
    """The pins count, so it is no finding; whoever checks by hand would be fooled."""
    found = check({**parts, name: text.encode()}, own_pins())
    assert found.foreign == (name,)
    assert found.findings == []


def names(parts: Parts, ending: str) -> list[str]:
    return sorted(name for name in parts if name.startswith("events/") and name.endswith(ending))


def without(parts: Parts, *gone: str) -> Parts:
    return {name: data for name, data in parts.items() if not name.startswith(gone)}


def event_of(parts: Parts, type_: str) -> str:
    return next(
        name for name in names(parts, ".json") if f'"incident.{type_}.v1"'.encode() in parts[name]
    ).removesuffix(".json")


def changed(name: str, change: Callable[[bytes], bytes]) -> Callable[[Parts], Parts]:
    return lambda parts: {**parts, name: change(parts[name])}


def one_event_less(parts: Parts, type_: str) -> Parts:
    return without(parts, event_of(parts, type_))


def swapped(parts: Parts, ending: str) -> Parts:
    one, two = names(parts, ending)[:2]
    return {**parts, one: parts[two], two: parts[one]}


def replaced(parts: Parts, type_: str, old: bytes, new: bytes) -> Parts:
    name = event_of(parts, type_) + ".json"
    assert old in parts[name]
    return {**parts, name: parts[name].replace(old, new)}


def resigned(parts: Parts, service: ServiceName, key: Signer) -> Parts:
    name = next(name for name in names(parts, ".json") if f"-{service}-" in name).removesuffix(
        ".json"
    )
    return {**parts, f"{name}.sig": key.sign(signed_bytes(parts[f"{name}.json"]))}


def other_checkpoint(parts: Parts) -> Parts:
    head = Checkpoint(LOG.name, 7, bytes(32))
    return {**parts, "checkpoint": sign_checkpoint(head, LOG)}


def earlier_head(parts: Parts) -> Parts:
    """The service's true word from before its last event."""
    ledger = Ledger()
    report(ledger, STORY)
    return {**parts, "heads/triage": ledger.subject_head(TRIAGE, STORY)}


def of_another_incident(parts: Parts) -> Parts:
    ledger = Ledger()
    report(ledger, incident_number(3))
    head = ledger.subject_head(INTAKE, incident_number(3))
    return {**parts, "heads/intake": head}


def index_moved(parts: Parts) -> Parts:
    name = names(parts, ".tlog-proof")[0]
    return {**parts, name: parts[name].replace(b"\nindex ", b"\nindex 1")}


def with_foreign_event(parts: Parts) -> Parts:
    ledger = two_stories()
    index = next(at for at, event in enumerate(ledger.events) if event.subject_id != STORY)
    hashes = bundle_hashes(ledger.entries)
    proof = Proof(index, tuple(inclusion_proof(index, hashes)), parts["checkpoint"])
    event = ledger.events[index]
    name = f"events/0000-{event.service}-{event.link.sequence}"
    added = {
        f"{name}.json": event.envelope,
        f"{name}.sig": ledger.signatures[index],
        f"{name}.tlog-proof": proof.encode(),
    }
    return {**parts, **added}


MUTATIONS: Final[dict[str, tuple[Callable[[Parts], Parts], str]]] = {
    "what a fact says of itself is changed": (
        lambda p: replaced(p, "fact_recorded", b'"known":true', b'"known":false'),
        "untrusted",
    ),
    "an actor is changed": (
        lambda p: replaced(p, "assessed", b'"actor":"rob"', b'"actor":"bob"'),
        "proof_rejected",
    ),
    "an event in the middle is taken out": (
        lambda p: one_event_less(p, "legal_view_given"),
        "subject_link",
    ),
    "the first event is taken out": (lambda p: one_event_less(p, "reported"), "statement_false"),
    "the last event is taken out": (
        lambda p: without(p, names(p, ".json")[-1].removesuffix(".json")),
        "statement_false",
    ),
    "all of a service is taken out": (
        lambda p: {name: data for name, data in p.items() if f"-{NOTIFY}-" not in name},
        "statement_false",
    ),
    "two envelopes change places": (lambda p: swapped(p, ".json"), "file_unexpected"),
    "two signatures change places": (lambda p: swapped(p, ".sig"), "untrusted"),
    "two proofs change places": (lambda p: swapped(p, ".tlog-proof"), "proof_rejected"),
    "an event is signed by another service": (
        lambda p: resigned(p, TRIAGE, KEYS[NOTIFY]),
        "untrusted",
    ),
    "a proof is for another leaf": (index_moved, "proof_rejected"),
    "a proof is missing": (
        lambda p: without(p, event_of(p, "assessed") + ".tlog-proof"),
        "file_missing",
    ),
    "a signature is missing": (
        lambda p: without(p, event_of(p, "assessed") + ".sig"),
        "file_missing",
    ),
    "the checkpoint is another": (other_checkpoint, "proof_rejected"),
    "the checkpoint has a bit flipped": (
        changed("checkpoint", lambda data: flipped(data, 25)),
        "checkpoint_rejected",
    ),
    "the log's key is another": (
        changed("log.vkey", lambda _: Signer(LOG.name, bytes([5]) * 32).vkey.encode()),
        "checkpoint_rejected",
    ),
    "a service's key is another": (
        changed(
            "trust",
            lambda data: data.replace(KEYS[TRIAGE].vkey.encode(), KEYS[REVIEW].vkey.encode()),
        ),
        "untrusted",
    ),
    "the policy asks for a witness": (
        changed(
            "policy",
            lambda data: data.replace(
                b"quorum none", f"witness w {WITNESS.vkey}\nquorum w".encode()
            ),
        ),
        "not_witnessed",
    ),
    "a service's word is missing": (lambda p: without(p, "heads/notify"), "file_missing"),
    "a service's word is from earlier": (earlier_head, "statement_false"),
    "a service's word is of another incident": (of_another_incident, "statement_rejected"),
    "a service's word is signed by another": (
        changed(
            "heads/review", lambda data: data.replace(b"incidents/review", b"incidents/intake")
        ),
        "statement_rejected",
    ),
    "the report is changed": (
        changed("report.md", lambda data: data + b"\nAll was well.\n"),
        "file_differs",
    ),
    "the report is missing": (lambda p: without(p, "report.html"), "file_missing"),
    "the page is changed": (
        changed("README.txt", lambda data: data.replace(b"sha256sum", b"sha1sum")),
        "file_differs",
    ),
    "a file is added": (lambda p: {**p, "note.txt": b"Trust me."}, "file_unexpected"),
    "an event of another incident is added": (with_foreign_event, "not_the_incidents"),
    "the incident is another": (
        changed("incident", lambda _: f"{incident_number(3)}\n".encode()),
        "not_the_incidents",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_single_mutation_is_found_and_named(parts: Parts, name: str) -> None:
    mutate, code = MUTATIONS[name]
    mutated = mutate(parts)
    assert mutated != parts
    assert code in codes(mutated)


def test_what_a_service_said_against_its_rules_is_found() -> None:
    ledger = two_stories()
    drafted = tell(ledger, STORY, Audience.EMPLOYEES)
    assert codes(parts_of(ledger)) == set(), "a message to employees is allowed at any time"
    assert drafted.service is NOTIFY
    told = drafted.data.model_copy(update={"audience": Audience.PRESS})  # type: ignore[union-attr]
    ledger.say(NOTIFY, STORY, told, "colin")
    assert codes(parts_of(ledger)) == {"against_the_rules"}


def with_a_new_key() -> tuple[Ledger, Signer]:
    """Triage changes its key after the assessment."""
    ledger, later = Ledger(), Signer("incident-ledger/triage-2", bytes([67]) * 32)
    confirm(ledger, STORY)
    rotate(ledger, TRIAGE, partition_of(STORY), later)
    contain(ledger, STORY)
    return ledger, later


def test_a_key_that_was_changed_is_shown_with_its_own_proof() -> None:
    parts = parts_of(with_a_new_key()[0])
    assert len([name for name in parts if name.startswith("keys/")]) == 3
    assert check(parts).findings == []
    assert {"untrusted", "statement_rejected"} <= codes(without(parts, "keys/"))


def test_a_key_that_the_one_before_it_did_not_sign_is_never_in_force() -> None:
    ledger, later = with_a_new_key()
    parts = parts_of(ledger)
    name = next(name for name in parts if name.startswith("keys/") and name.endswith(".sig"))
    forged = later.sign(signed_bytes(parts[name.replace(".sig", ".json")]))
    assert {"untrusted", "statement_rejected"} <= codes({**parts, name: forged})


@given(place=st.integers(0, 10**9), mask=st.integers(1, 255))
@settings(max_examples=examples(60), deadline=None)
def test_no_flipped_byte_of_the_archive_goes_unseen(parts: Parts, place: int, mask: int) -> None:
    archive = pack(parts)
    damaged = flipped(archive, place % len(archive), mask)
    assert audit_dossier("a dossier", damaged, Pins(), rules(), reports).findings


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_are_findings_and_never_a_crash(data: bytes) -> None:
    assert audit_dossier("a dossier", data, Pins(), rules(), reports).findings


@given(data=st.data())
@settings(max_examples=examples(40), deadline=None)
def test_any_bytes_in_a_part_are_findings_and_never_a_crash(
    parts: Parts, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(parts)))
    text = data.draw(st.binary(max_size=200))
    assert check({**parts, name: text}).findings


def test_the_page_tells_how_to_check_it_by_hand(parts: Parts, tmp_path: Path) -> None:
    """Runs the very commands that the page prints."""
    archive = tmp_path / "dossier.zip"
    archive.write_bytes(pack(parts))
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path / "dossier")
    said = by_hand(tmp_path / "dossier")
    assert said.count("Signature Verified Successfully") == 2
    assert "it is in the log" in said
    last = parts["heads/intake"].decode().splitlines()[3].split()
    assert f"1\n{last[0]} {last[1]}\n{last[1]}" in said
    skeleton = hashlib.sha256(parts["report.skeleton.json"]).hexdigest()
    assert f"{skeleton}  report.skeleton.json" in said
    assert f'"skeleton_sha256":"{skeleton}"' in said


def test_by_hand_every_event_is_signed_and_in_the_log(parts: Parts, tmp_path: Path) -> None:
    """By itself or in a turn of whatever size: the same commands check it."""
    turn_sizes = {len(parts[name]) for name in names(parts, ".sig")}
    assert 64 in turn_sizes
    assert len(turn_sizes) > 3
    unpacked(parts, tmp_path)
    for name in names(parts, ".json"):
        said = by_hand(tmp_path, name.removesuffix(".json"))
        assert said.count("Signature Verified Successfully") == 2, name
        assert "it is in the log" in said, name


@pytest.mark.parametrize("place", [0, 63, 65, 67, 68, -1])
def test_by_hand_a_changed_turn_is_seen(parts: Parts, tmp_path: Path, place: int) -> None:
    """In the signature, the place, the size, the path."""
    name = max(names(parts, ".sig"), key=lambda one: len(parts[one]))
    unpacked({**parts, name: flipped(parts[name], place, 2)}, tmp_path)
    said = by_hand(tmp_path, name.removesuffix(".sig"))
    assert said.count("Signature Verified Successfully") == 1, "that of the checkpoint"


@pytest.mark.parametrize("claim", [b"\0\4\0\5", b"\0\5\0\5", b"\0\1\0\2"])
def test_by_hand_another_place_in_the_turn_is_seen(
    parts: Parts, tmp_path: Path, claim: bytes
) -> None:
    name = max(names(parts, ".sig"), key=lambda one: len(parts[one]))
    unpacked({**parts, name: parts[name][:64] + claim + parts[name][68:]}, tmp_path)
    said = by_hand(tmp_path, name.removesuffix(".sig"))
    assert said.count("Signature Verified Successfully") == 1, "that of the checkpoint"


def unpacked(parts: Parts, folder: Path) -> None:
    for name, data in parts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_by_hand_a_changed_event_is_seen(parts: Parts, tmp_path: Path) -> None:
    others = {
        name: data.replace(b'"audience_tier":"D"', b'"audience_tier":"C"')
        for name, data in parts.items()
    }
    unpacked(others, tmp_path)
    said = by_hand(tmp_path)
    assert "Signature Verification Failure" in said
    assert "it is in the log" not in said


def by_hand(folder: Path, event: str = "") -> str:
    """What the commands of the page say, of the event that it names or of this one."""
    commands = "\n".join(
        line[4:]
        for line in (folder / "README.txt").read_text().splitlines()
        if line.startswith("    ")
    ).partition("\nREADME")[0]
    commands = commands[: commands.index("\ncheckpoint\n")].replace("/tmp/", "./tmp-")
    if event:
        commands = re.sub("^e=.*", f"e={event}", commands)
    done = subprocess.run(
        ["bash", "-c", commands],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr
