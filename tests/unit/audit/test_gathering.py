"""What a dossier is made of: the events of one incident out of a whole log, up to the services' own
word, each with its signature and its proof."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from deploy.ledger.check import packing
from deploy.ledger.check.packing import dossier_of
from shared.audit.anchors import NAMES, Pins
from shared.audit.dossier.archive import unpack
from shared.audit.dossier.evidence import evidence
from shared.audit.dossier.gathered import Gathered, heads_of
from shared.audit.dossier.gathering import gather
from shared.audit.dossier.parts import event_names
from shared.audit.files import Folder, NotALog
from shared.audit.tree import signatures_path
from shared.chain.statements import BadStatement
from shared.contract.topics import partition_of
from shared.contract.vocabulary import ServiceName
from shared.tlog.checkpoint import open_checkpoint
from shared.tlog.keys import Signer
from shared.tlog.merkle import verify_inclusion
from shared.tlog.tiles import ENTRIES, Tile
from tests.unit.audit.world import (
    INTAKE,
    KEYS,
    LOG,
    TRIAGE,
    Ledger,
    confirm,
    contain,
    incident_number,
    publish_log,
    report,
    rotate,
    two_stories,
)

STORY: Final = incident_number(1)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    ledger = two_stories()
    rotate(ledger, TRIAGE, partition_of(STORY), Signer(KEYS[TRIAGE].name, bytes([66]) * 32))
    return ledger


@pytest.fixture(scope="module")
def sealed(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log")
    publish_log(folder, ledger)
    return folder


@pytest.fixture
def log(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "log"))


def notes(ledger: Ledger) -> dict[ServiceName, bytes]:
    return {service: ledger.subject_head(service, STORY) for service in ServiceName}


def gathered(folder: Path) -> Gathered:
    return gather(Folder(folder), LOG.verifier, STORY, "checkpoint")


def test_of_a_log_the_incidents_events_and_its_chains_rotations_are_taken(
    sealed: Path, ledger: Ledger
) -> None:
    found = gathered(sealed)
    assert [event for _, event in found.events] == ledger.of(STORY)
    assert [event.type for _, event in found.rotations] == ["ledger.key_rotated.v1"]
    assert found.size == len(ledger.events)
    for index, event in (*found.events, *found.rotations):
        assert ledger.events[index] == event


def test_an_incident_of_which_nothing_was_said_has_no_events(sealed: Path) -> None:
    found = gather(Folder(sealed), LOG.verifier, incident_number(77), "checkpoint")
    assert found.events == []


def test_a_damaged_log_is_refused_at_its_first_damage(log: Path, ledger: Ledger) -> None:
    path = log / Tile(ENTRIES, 0, len(ledger.entries)).path
    data = path.read_bytes()
    at = data.index(b'"still_live":"yes"')
    path.write_bytes(data[:at] + b"'" + data[at + 1 :])
    with pytest.raises(NotALog, match=r"is damaged \(leaf \d+\); see: ledger verify"):
        gathered(log)


def test_each_event_comes_with_its_signature_and_a_proof_that_holds(
    sealed: Path, ledger: Ledger
) -> None:
    found = gathered(sealed)
    for (index, event), one in zip(
        found.events, evidence(Folder(sealed), found, found.events), strict=True
    ):
        assert (one.envelope, one.signature) == (event.envelope, ledger.signatures[index])
        assert (one.proof.index, one.proof.checkpoint) == (index, found.note)
        assert found.size == len(ledger.entries)
        root = root_signed_for(found)
        assert verify_inclusion(index, found.size, event.hash, one.proof.hashes, root)
        assert not verify_inclusion(index, found.size, bytes(32), one.proof.hashes, root)


def root_signed_for(found: Gathered) -> bytes:
    return open_checkpoint(found.note, [LOG.verifier])[0].root


def test_without_its_signature_no_event_is_evidence(log: Path, ledger: Ledger) -> None:
    found = gathered(log)
    path = log / signatures_path(Tile(ENTRIES, 0, len(ledger.entries)))
    first = found.events[0][0]
    path.write_bytes(path.read_bytes()[: 64 * first])
    with pytest.raises(NotALog, match=f"lacks the signature of leaf {first}"):
        evidence(Folder(log), found, found.events[:1])


def test_without_a_tile_there_is_no_proof(log: Path, ledger: Ledger) -> None:
    found = gathered(log)
    tile = Tile(0, 0, len(ledger.entries))
    (log / tile.path).unlink()
    with pytest.raises(NotALog, match=f"{tile.path} is not there"):
        evidence(Folder(log), found, found.events[:1])


class TestTheServicesWords:
    def test_are_read_by_service(self, ledger: Ledger) -> None:
        words = heads_of(notes(ledger), STORY)
        for service, word in words.items():
            own = [event for event in ledger.of(STORY) if event.service is service]
            assert (word.count, word.last_hash) == (len(own), own[-1].hash)

    def test_on_another_incident_or_by_another_service_are_refused(self, ledger: Ledger) -> None:
        for note in (
            ledger.subject_head(INTAKE, incident_number(2)),
            ledger.subject_head(TRIAGE, STORY),
            ledger.chain_heads(INTAKE),
        ):
            with pytest.raises(BadStatement, match="that is not intake's word on incident"):
                heads_of({INTAKE: note}, STORY)

    @pytest.mark.parametrize("note", [b"", b"hello", b"\xff\n\n\xe2\x80\x94 x AAAA\n"])
    def test_that_are_no_notes_are_refused_by_service(self, note: bytes) -> None:
        with pytest.raises(BadStatement, match="the word of intake is no signed note: "):
            heads_of({INTAKE: note}, STORY)

    def test_of_all_that_is_sealed_lack_nothing(self, sealed: Path, ledger: Ledger) -> None:
        assert gathered(sealed).lacks(heads_of(notes(ledger), STORY)) == []

    def test_that_go_further_than_the_log_name_what_it_lacks(self, tmp_path: Path) -> None:
        ledger = Ledger()
        confirm(ledger, STORY)
        publish_log(tmp_path, ledger)
        found = gathered(tmp_path)
        contain(ledger, STORY)
        lacks = found.lacks(heads_of(notes(ledger), STORY))
        assert len(lacks) == 1
        assert lacks[0].startswith("triage has said ")

    def test_from_before_leave_out_what_was_said_since(self, tmp_path: Path) -> None:
        ledger = Ledger()
        confirm(ledger, STORY)
        words = heads_of(notes(ledger), STORY)
        before = len(ledger.of(STORY))
        contain(ledger, STORY)
        publish_log(tmp_path, ledger)
        found = gathered(tmp_path)
        cut = found.up_to(words)
        assert len(found.events) > before
        assert [event for _, event in cut.events] == ledger.of(STORY)[:before]
        assert found.lacks(words) == cut.lacks(words) == []
        assert (cut.note, cut.size) == (found.note, found.size)


class TestPacking:
    def pack(self, folder: Path, ledger: Ledger, pins: Pins | None = None) -> dict[str, bytes]:
        told: list[str] = []
        return unpack(dossier_of(Folder(folder), STORY, notes(ledger), told.append, pins))

    def test_takes_the_keys_that_lie_beside_the_log_and_every_event(
        self, sealed: Path, ledger: Ledger
    ) -> None:
        parts = self.pack(sealed, ledger)
        for name in NAMES:
            assert parts[name] == (sealed / name).read_bytes()
        assert len(list(event_names(parts, "events/"))) == len(ledger.of(STORY))
        assert len(list(event_names(parts, "keys/"))) == 1

    @pytest.mark.parametrize("name", NAMES)
    def test_needs_each_of_them(self, name: str, log: Path, ledger: Ledger) -> None:
        (log / name).unlink()
        with pytest.raises(NotALog, match=f"lacks {name}"):
            self.pack(log, ledger)

    def test_goes_by_the_pinned_key_of_the_log(self, sealed: Path, ledger: Ledger) -> None:
        assert self.pack(sealed, ledger, Pins(LOG.verifier)) == self.pack(sealed, ledger)
        with pytest.raises(NotALog, match="its checkpoint does not count"):
            self.pack(sealed, ledger, Pins(Signer(LOG.name, bytes([7]) * 32).verifier))

    def test_refuses_an_incident_of_which_nothing_was_said(
        self, sealed: Path, ledger: Ledger
    ) -> None:
        nobody = incident_number(77)
        silent = {service: ledger.subject_head(service, nobody) for service in ServiceName}
        with pytest.raises(NotALog, match=f"no service has said anything of incident {nobody}"):
            dossier_of(Folder(sealed), nobody, silent, print)

    def test_gives_up_with_what_is_not_sealed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(packing, "SEALED_WITHIN", -1.0)
        ledger = Ledger()
        report(ledger, STORY)
        publish_log(tmp_path, ledger)
        whole = ledger.subject_head(INTAKE, STORY)
        contained = Ledger()
        confirm(contained, STORY)
        behind = {**notes(contained), INTAKE: whole}
        with pytest.raises(NotALog, match=r"has not sealed what .*: triage has said .* notify has"):
            dossier_of(Folder(tmp_path), STORY, behind, print)

    def test_prefers_the_head_that_witnesses_have_seen(self, log: Path, ledger: Ledger) -> None:
        shutil.copy(log / "checkpoint", log / "witnessed")
        (log / "checkpoint").write_bytes(b"not a head\n")
        assert self.pack(log, ledger)["checkpoint"] == (log / "witnessed").read_bytes()
