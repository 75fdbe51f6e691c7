"""A whole log as an auditor finds it: clean, or damaged in every way that an enemy or a disk
might."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit.anchors import Anchors
from shared.audit.files import Folder, NotALog
from shared.audit.heads import Seen
from shared.audit.log import audit_log
from shared.audit.order import OrderCheck
from shared.audit.outcome import Options
from shared.audit.seen import BadState, SeenFile
from shared.chain import trust
from shared.chain.link import EMPTY, next_link
from shared.contract.envelope import read
from shared.contract.hashing import signed_bytes
from shared.contract.topics import PARTITIONS, partition_of
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.cosignature import Cosigner
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer, Verifier
from shared.tlog.note import add_signatures, parse_note
from shared.tlog.policy import Policy
from tests.examples import examples
from tests.unit.audit.world import (
    ANCHORS,
    INTAKE,
    KEYS,
    LOG,
    POLICY_TEXT,
    TRIAGE,
    TRUST_TEXT,
    Ledger,
    audit,
    codes,
    confirm,
    contain,
    incident_number,
    publish_log,
    put,
    report,
    rotate,
    seal,
    two_stories,
    whole_story,
)
from tests.unit.tlog.given import flipped

WITNESS: Final = Cosigner(Signer("witness.example", bytes([8]) * 32))


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return two_stories()


@pytest.fixture(scope="module")
def clean(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    publish_log(folder, ledger, steps=(1, 7, 30))
    return folder


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than a full tile of leaves."""
    ledger = Ledger()
    for number in range(300):
        report(ledger, incident_number(number))
    folder = tmp_path_factory.mktemp("long")
    publish_log(folder, ledger, steps=(100, 256, 270))
    return folder


@pytest.fixture
def log(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "log"))


def test_a_history_that_the_services_wrote_is_clean(clean: Path, ledger: Ledger) -> None:
    found = audit(clean, every_signature=True)
    assert found.findings == []
    assert found.checkpoint is not None
    assert (found.checkpoint.size, found.incidents) == (len(ledger.entries), 2)
    assert found.types["reviewed"] == 1
    assert found.behind == []


def test_a_long_log_is_clean_also_where_partial_tiles_were_deleted(
    long: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(long, tmp_path / "log"))
    assert audit(folder).findings == []
    for name in ("tile/0/000.p", "tile/entries/000.p", "signatures/000.p"):
        shutil.rmtree(folder / name)
    assert audit(folder, seen=Seen(100, _root(long, 100))).findings == []


def test_a_log_alone_is_clean_and_says_that_no_service_has_spoken(
    clean: Path, tmp_path: Path
) -> None:
    assert not audit(clean).unstated
    folder = Path(shutil.copytree(clean, tmp_path / "log"))
    shutil.rmtree(folder / "chains")
    alone = audit(folder)
    assert (alone.findings, alone.unstated, alone.stated_at) == ([], True, {})


def test_a_word_that_is_missing_among_others_is_a_finding(clean: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(clean, tmp_path / "log"))
    (folder / "chains/notify").unlink()
    found = audit(folder)
    assert [(finding.code, finding.where) for finding in found.findings] == [
        ("statement_missing", "chains/notify")
    ]


def test_a_folder_without_a_checkpoint_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(NotALog):
        audit(tmp_path)


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_every_file_is_needed(clean: Path, tmp_path: Path) -> None:
    """What a checkpoint of this size does not use is left from when the log was smaller."""
    used = {path.relative_to(clean) for path in files_of(clean) if not _is_of_a_smaller_tree(path)}
    for number, path in enumerate(sorted(used - {Path("checkpoint"), *OWN})):
        folder = Path(shutil.copytree(clean, tmp_path / str(number)))
        (folder / path).unlink()
        assert audit(folder).findings, path


OWN: Final = {Path("log.vkey"), Path("trust"), Path("policy")}


def _is_of_a_smaller_tree(path: Path) -> bool:
    return path.parent.name.endswith(".p") and path.name in {"1", "7", "30"}


@given(data=st.data())
@settings(max_examples=examples(120), deadline=None)
def test_any_flipped_byte_is_found_or_harmless(
    clean: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from([p for p in files_of(clean) if not _is_of_a_smaller_tree(p)]))
    content = path.read_bytes()
    place, mask = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(1, 255))
    folder = Path(shutil.copytree(clean, tmp_path_factory.mktemp("flipped") / "log"))
    put(folder, str(path.relative_to(clean)), flipped(content, place, mask))
    try:
        anchors = own_anchors(folder)
    except (TlogError, ValueError):
        return
    if path.name == "trust" and anchors_equal(anchors):
        return  # a comment or white space
    assert audit(folder, anchors, every_signature=True).findings, (path, place, mask)


def own_anchors(folder: Path) -> Anchors:
    return Anchors(
        Verifier.parse((folder / "log.vkey").read_text("utf-8").strip()),
        trust.parse((folder / "trust").read_text("utf-8")),
        Policy.parse((folder / "policy").read_bytes()),
    )


def anchors_equal(anchors: Anchors) -> bool:
    return all(
        anchors.trust.in_force(service, number, 1) == KEYS[service].verifier
        for service in KEYS
        for number in range(8)
    )


@given(data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_any_bytes_in_any_file_are_findings_and_never_a_crash(
    clean: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = data.draw(
        st.sampled_from([p for p in files_of(clean) if not _is_of_a_smaller_tree(p)])
    ).relative_to(clean)
    folder = Path(shutil.copytree(clean, tmp_path_factory.mktemp("noise") / "log"))
    put(folder, str(path), data.draw(st.binary(max_size=300)))
    found = audit(folder)
    assert found.findings or path in OWN


def sealed(tmp_path: Path, ledger: Ledger, entries: list[bytes], signatures: list[bytes]) -> Path:
    """A log whose sealer put these leaves in, with the words of the ledger's services."""
    publish_log(tmp_path, ledger)
    seal(tmp_path, entries, signatures)
    return tmp_path


def test_an_event_dropped_before_sealing_is_missing_in_its_chain(
    ledger: Ledger, tmp_path: Path
) -> None:
    entries, signatures = list(ledger.entries), list(ledger.signatures)
    del entries[9], signatures[9]
    assert {"gap", "subject_link"} <= codes(audit(sealed(tmp_path, ledger, entries, signatures)))


def test_the_tail_of_a_chain_left_out_is_not_sealed_yet_by_the_services_own_word(
    ledger: Ledger, tmp_path: Path
) -> None:
    folder = sealed(tmp_path, ledger, ledger.entries[:-2], ledger.signatures[:-2])
    found = audit(folder)
    assert found.findings == []
    (behind,) = found.behind
    assert (behind.service, behind.last - behind.first) == (TRIAGE, 1)


def test_an_event_inserted_by_the_sealer_is_signed_by_nobody(
    ledger: Ledger, tmp_path: Path
) -> None:
    forger = Ledger(keys={**KEYS, INTAKE: Signer("incident-ledger/intake", bytes([66]) * 32)})
    forger.heads, forger.minutes = dict(ledger.heads), 5
    forged = report(forger, incident_number(7))
    entries, signatures = (
        [*ledger.entries, forged.envelope],
        [*ledger.signatures, forger.signatures[0]],
    )
    assert codes(audit(sealed(tmp_path, ledger, entries, signatures))) == {"untrusted"}


def test_events_that_changed_places_are_found(ledger: Ledger, tmp_path: Path) -> None:
    entries, signatures = list(ledger.entries), list(ledger.signatures)
    entries[4], entries[5] = entries[5], entries[4]
    signatures[4], signatures[5] = signatures[5], signatures[4]
    assert {"gap", "broken_link"} <= codes(audit(sealed(tmp_path, ledger, entries, signatures)))


def test_an_event_sealed_twice_is_found(ledger: Ledger, tmp_path: Path) -> None:
    entries, signatures = (
        [*ledger.entries, ledger.entries[3]],
        [*ledger.signatures, ledger.signatures[3]],
    )
    assert {"broken_link", "subject_link", "repeated_id"} <= codes(
        audit(sealed(tmp_path, ledger, entries, signatures))
    )


def relinked(ledger: Ledger, key: Signer) -> Ledger:
    """History from its start again with one word changed, linked and signed by whoever holds this
    key."""
    again = Ledger(keys={**KEYS, TRIAGE: key})
    for event in ledger.events:
        data = event.data
        if event.type == "incident.seat_filled.v1":
            data = data.model_copy(update={"holder": "somebody else"})  # type: ignore[union-attr]
        said = again.say(event.service, event.subject_id, data, event.actor)
        assert said.link.sequence == event.link.sequence
    return again


def test_a_chain_relinked_and_signed_with_another_key_is_found(
    ledger: Ledger, tmp_path: Path
) -> None:
    again = relinked(ledger, Signer("incident-ledger/triage", bytes([66]) * 32))
    found = codes(audit(sealed(tmp_path, ledger, again.entries, again.signatures)))
    assert {"untrusted", "statement_differs"} <= found


def test_a_chain_relinked_with_its_own_key_contradicts_the_services_word(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Whoever holds the key can sign another history; what the service said of its chains before
    still stands."""
    again = relinked(ledger, KEYS[TRIAGE])
    found = audit(sealed(tmp_path, ledger, again.entries, again.signatures))
    assert "statement_differs" in codes(found)
    assert "untrusted" not in codes(found)


def test_a_service_that_speaks_anothers_event_is_found(tmp_path: Path) -> None:
    ledger = Ledger()
    first = report(ledger, incident_number(1))
    ledger.say(
        TRIAGE, incident_number(1), first.data.model_copy(update={"opens": False}), "monitor"
    )  # type: ignore[union-attr,arg-type]
    publish_log(tmp_path, ledger)
    assert codes(audit(tmp_path)) == {"not_theirs_to_say", "against_the_rules"}


def test_the_links_alone_do_not_read_what_events_say(tmp_path: Path) -> None:
    ledger = Ledger()
    first = report(ledger, incident_number(1))
    ledger.say(TRIAGE, incident_number(1), first.data, "monitor")  # type: ignore[arg-type]
    publish_log(tmp_path, ledger)
    assert audit(tmp_path, rules=None).findings == []


# The checkpoint, and who saw it


def test_a_checkpoint_for_a_larger_tree_without_its_tiles_is_found_at_once(log: Path) -> None:
    put(log, "checkpoint", sign_checkpoint(Checkpoint(LOG.name, 10**12, bytes(32)), LOG))
    found = audit(log)
    assert "root_differs" in codes(found)
    assert len(found.findings) < 10


def test_a_checkpoint_by_another_key_is_refused(log: Path) -> None:
    head = Checkpoint.parse(parse_note((log / "checkpoint").read_bytes())[0])
    put(log, "checkpoint", sign_checkpoint(head, Signer(LOG.name, bytes([66]) * 32)))
    assert codes(audit(log)) == {"checkpoint_rejected"}


def test_a_checkpoint_without_its_witnesses_is_found(log: Path) -> None:
    policy = Policy.parse(f"log {LOG.vkey}\nwitness w {WITNESS.vkey}\nquorum w\n".encode())
    anchors = Anchors(ANCHORS.log, ANCHORS.trust, policy)
    assert codes(audit(log, anchors)) == {"not_witnessed"}
    text, signatures = parse_note((log / "checkpoint").read_bytes())
    put(log, "checkpoint", add_signatures(text, (*signatures, WITNESS.cosign(text, 1_700_000_000))))
    found = audit(log, anchors)
    assert (found.findings, found.cosigned) == ([], {"w": 1_700_000_000})
    put(
        log,
        "checkpoint",
        add_signatures(text, (*signatures, WITNESS.cosign(text + "x", 1_700_000_000))),
    )
    assert codes(audit(log, anchors)) == {"not_witnessed"}


def test_a_log_may_be_ahead_of_its_witnesses_by_what_continues_their_head(
    long: Path, tmp_path: Path
) -> None:
    log = Path(shutil.copytree(long, tmp_path / "log"))
    policy = Policy.parse(f"log {LOG.vkey}\nwitness w {WITNESS.vkey}\nquorum w\n".encode())
    anchors = Anchors(ANCHORS.log, ANCHORS.trust, policy)

    def witnessed(size: int, root: bytes) -> None:
        text, signatures = parse_note(sign_checkpoint(Checkpoint(LOG.name, size, root), LOG))
        put(
            log,
            "witnessed",
            add_signatures(text, (*signatures, WITNESS.cosign(text, 1_700_000_000))),
        )

    witnessed(256, _root(long, 256))
    found = audit(log, anchors, rules=None)
    assert (found.findings, found.witnessed, found.cosigned) == ([], 256, {"w": 1_700_000_000})
    witnessed(256, bytes([1]) * 32)
    assert codes(audit(log, anchors, rules=None)) == {"log_forked"}
    witnessed(301, bytes([1]) * 32)
    assert codes(audit(log, anchors, rules=None)) == {"log_went_back"}
    put(log, "witnessed", b"nothing")
    assert codes(audit(log, anchors, rules=None)) == {"not_witnessed"}


def _root(folder: Path, size: int) -> bytes:
    from shared.audit.tree import tile_reader
    from shared.tlog.tile_proofs import root_from_tiles

    return root_from_tiles(size, tile_reader(Folder(folder)))


@pytest.mark.parametrize("size", [1, 100, 255, 256, 270, 300])
def test_a_log_that_only_grew_continues_what_was_seen(long: Path, size: int) -> None:
    assert audit(long, seen=Seen(size, _root(long, size)), rules=None).findings == []


def test_a_log_that_went_back_is_found(clean: Path, ledger: Ledger) -> None:
    assert codes(audit(clean, seen=Seen(len(ledger.entries) + 1, bytes(32)))) == {"log_went_back"}


@pytest.mark.parametrize("size", [1, 7, 30])
def test_a_log_that_forked_is_found(clean: Path, size: int) -> None:
    assert codes(audit(clean, seen=Seen(size, bytes([1]) * 32))) == {"log_forked"}


def test_a_split_view_is_found_as_soon_as_one_auditor_sees_both(tmp_path: Path) -> None:
    """Two histories, each true in itself, shown to two auditors who then compare what they saw."""
    one, other = Ledger(), Ledger()
    for ledger, incident in ((one, 1), (other, 3)):
        whole_story(ledger, incident_number(1))
        report(ledger, incident_number(incident + 10))
    for name, ledger in (("one", one), ("other", other)):
        publish_log(tmp_path / name, ledger)
        assert audit(tmp_path / name).findings == []
    seen = SeenFile(tmp_path / "seen.json")
    assert seen.load(LOG.vkey) is None
    head = audit(tmp_path / "one").checkpoint
    assert head is not None
    seen.save(LOG.vkey, Seen(head.size, head.root))
    assert audit(tmp_path / "one", seen=seen.load(LOG.vkey)).findings == []
    assert codes(audit(tmp_path / "other", seen=seen.load(LOG.vkey))) == {"log_forked"}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"logs": 1}', json.dumps({"logs": {LOG.vkey: {"size": 1}}})]
)
def test_a_damaged_state_file_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "seen.json"
    path.write_text(text)
    with pytest.raises(BadState):
        SeenFile(path).load(LOG.vkey)
    assert path.read_text() == text


# Tiles and bundles


def cut(path: Path, to: int) -> None:
    path.write_bytes(path.read_bytes()[:to])


def exchange(one: Path, two: Path) -> None:
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)


DAMAGE: Final[dict[str, tuple[Callable[[Path], None], str]]] = {
    "a tile is cut off": (lambda log: cut(log / "tile/0/000", 8000), "tile_differs"),
    "a tile is gone": (lambda log: (log / "tile/0/000").unlink(), "tile_missing"),
    "a tile of the level above is gone": (
        lambda log: (log / "tile/1/000.p/1").unlink(),
        "tile_missing",
    ),
    "a bundle is cut off": (lambda log: cut(log / "tile/entries/000", 8000), "bundle_missing"),
    "a bundle is gone": (lambda log: (log / "tile/entries/000").unlink(), "bundle_missing"),
    "a bundle is another": (
        lambda log: exchange(log / "tile/entries/000", log / "tile/entries/001.p/44"),
        "bundle_missing",
    ),
    "signatures are cut off": (lambda log: cut(log / "signatures/000", 64), "signatures_missing"),
    "signatures are others": (
        lambda log: exchange(log / "signatures/000", log / "signatures/001.p/44"),
        "signatures_missing",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_files_are_named(long: Path, tmp_path: Path, name: str) -> None:
    damage, code = DAMAGE[name]
    folder = Path(shutil.copytree(long, tmp_path / "log"))
    damage(folder)
    assert code in codes(audit(folder))


def test_one_changed_entry_is_one_finding_that_names_it(clean: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(clean, tmp_path / "log"))
    (bundle,) = (
        path for path in files_of(folder / "tile/entries") if not _is_of_a_smaller_tree(path)
    )
    bundle.write_bytes(
        bundle.read_bytes().replace(b'"audience_tier":"D"', b'"audience_tier":"C"', 1)
    )
    found = audit(folder, rules=None).findings
    assert [finding.where for finding in found if finding.code == "entry_differs"] == ["leaf 0"]
    assert {finding.code for finding in found} <= {
        "entry_differs",
        "broken_link",
        "untrusted",
        "statement_differs",
    }


# Order of the topic


def test_the_order_of_the_topic_is_the_order_of_the_log(ledger: Ledger, clean: Path) -> None:
    topic: dict[int, list[bytes]] = {number: [] for number in range(PARTITIONS)}
    for event in ledger.events:
        topic[event.link.partition].append(event.hash)
    assert audit(clean, order=OrderCheck(topic)).findings == []
    busy = max(topic, key=lambda number: len(topic[number]))
    topic[busy][0], topic[busy][1] = topic[busy][1], topic[busy][0]
    assert codes(audit(clean, order=OrderCheck(topic))) == {"seal_order"}


# Envelopes that no service of ours would write


def said_raw(change: Callable[[bytes], bytes]) -> Ledger:
    """A report, then an envelope that a service signed as it is."""
    ledger = Ledger()
    first = report(ledger, incident_number(1))
    ledger.entries.append(change(first.envelope))
    ledger.signatures.append(KEYS[INTAKE].sign(signed_bytes(ledger.entries[-1])))
    return ledger


def numbered(envelope: bytes, sequence: int = 2) -> bytes:
    first = read(envelope)
    return (
        envelope.replace(b'"sequence":"%020d"' % 1, b'"sequence":"%020d"' % sequence)
        .replace(b'"prevhash":"' + b"0" * 64, b'"prevhash":"' + first.hash.hex().encode())
        .replace(b'"subjectprev":"' + b"0" * 64, b'"subjectprev":"' + first.hash.hex().encode())
        .replace(b"000000001", b"000000002", 1)
    )


HOSTILE: Final[dict[str, Callable[[bytes], bytes]]] = {
    "a key twice, at the end": lambda e: numbered(e)[:-1] + b',"sequence":"%020d"}' % 9,
    "a key twice, in the data": lambda e: numbered(e).replace(
        b'"opens":true', b'"opens":true,"opens":false'
    ),
    "a key twice, escaped": lambda e: numbered(e)[:-1] + b',"\\u0073equence":"%020d"}' % 9,
    "a key twice, before": lambda e: numbered(e).replace(
        b'"time":"2026', b'"sequence":"1","time":"2026'
    ),
    "a text that closes its quotes": lambda e: numbered(e).replace(
        b'"time":"2026-', b'"time":"","a":"'
    ),
    "an object around the place": lambda e: numbered(e).replace(
        b'"id":"01960000-0000-7000', b'"id":"0","x":{"id":"0196000'
    ),
    "not UTF-8": lambda e: numbered(e).replace(b"monitor", b"mon\xff\xfe\xfd\xfc"),
    "half a surrogate": lambda e: numbered(e).replace(b"monitor", b"mon\\ud800"),
    "infinity": lambda e: numbered(e).replace(b'"opens":true', b'"opens":Infinity'),
    "deep": lambda e: numbered(e)[:-1] + b',"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "a number of 5000 digits": lambda e: numbered(e)[:-1] + b',"x":' + b"9" * 5000 + b"}",
    "white space before": lambda e: b" " + numbered(e)[:-1],
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_signed_envelope_that_is_none_is_a_finding(tmp_path: Path, name: str) -> None:
    """Signed and linked, so that the links alone see nothing wrong: the strict reader does."""
    ledger = said_raw(HOSTILE[name])
    publish_log(tmp_path, ledger)
    assert "malformed" in codes(audit(tmp_path)), codes(audit(tmp_path))


def test_big_numbers_and_odd_unicode_are_read_as_they_are(tmp_path: Path) -> None:
    """JSON that strict readers take, whatever it means: hearing never depends on understanding."""
    odd = "\\u202e\\ufeff\u200d\U0001f469\u200d\U0001f4bb\u0338 1e400 NaN".encode()
    ledger = said_raw(
        lambda e: numbered(e)[:-1] + b',"odd":"%b"' % odd + b',"x":[1e999,-0,12345678901234567890]}'
    )
    publish_log(tmp_path, ledger)
    assert codes(audit(tmp_path)) == {"against_the_rules"}, "an incident is opened once"


def test_the_largest_envelope_is_sealed_and_a_larger_one_is_malformed(tmp_path: Path) -> None:
    def padded(size: int) -> Callable[[bytes], bytes]:
        return lambda e: numbered(e)[:-1] + b',"x":"' + b"x" * (size - len(numbered(e)) - 7) + b'"}'

    ledger = said_raw(padded(65_535))
    assert len(ledger.entries[-1]) == 65_535
    publish_log(tmp_path / "fits", ledger)
    assert "malformed" not in codes(audit(tmp_path / "fits"))
    with pytest.raises(TlogError, match="65535"):
        publish_log(tmp_path / "does not", said_raw(padded(65_536)))


def test_a_cause_comes_before_its_effect(tmp_path: Path) -> None:
    ledger = Ledger()
    confirm(ledger, incident_number(1))
    effect = next(event for event in ledger.events if event.causation_id)
    ledger = Ledger()
    for event in two_stories().events:
        cause = effect if event.type == "incident.review_opened.v1" else None
        ledger.say(event.service, event.subject_id, event.data, event.actor, cause)
    publish_log(tmp_path, ledger)
    assert "cause_missing" in codes(audit(tmp_path))


# Keys


def test_each_key_vouches_for_its_own_part_of_a_chain(tmp_path: Path) -> None:
    """The trust file gives triage a second key from number 8 on; the old one, stolen, signs later
    events."""
    later = Signer("incident-ledger/triage-2", bytes([67]) * 32)
    incident = incident_number(1)
    partition = partition_of(incident)
    keys = trust.parse(TRUST_TEXT + f"triage {partition} 8 {later.vkey}\n")
    anchors = Anchors(ANCHORS.log, keys, ANCHORS.policy)
    ledger = Ledger()
    report(ledger, incident)
    source = Ledger()
    confirm(source, incident)
    contain(source, incident)
    ledger.minutes = source.minutes
    for event in (event for event in source.events if event.service == TRIAGE):
        if ledger.heads.get((TRIAGE, partition), EMPTY).sequence == 7:
            ledger.keys[TRIAGE] = later
        ledger.say(TRIAGE, incident, event.data, event.actor)  # type: ignore[arg-type]
    publish_log(tmp_path / "true", ledger)
    put(tmp_path / "true", "chains/triage", _signed_by(ledger, KEYS[TRIAGE], later))
    assert audit(tmp_path / "true", anchors, every_signature=True).findings == []
    ledger.keys[TRIAGE] = KEYS[TRIAGE]
    head = ledger.heads[TRIAGE, partition]
    assert next_link(TRIAGE, partition, head, bytes(32)).sequence == head.sequence + 1
    ledger.say(TRIAGE, incident, ledger.events[-1].data, "rob")  # type: ignore[arg-type]
    publish_log(tmp_path / "stolen", ledger)
    assert {"untrusted", "statement_rejected"} <= codes(audit(tmp_path / "stolen", anchors))


def test_a_key_is_changed_by_an_event_that_the_old_one_signs(tmp_path: Path) -> None:
    later = Signer("incident-ledger/triage-2", bytes([67]) * 32)
    incident = incident_number(1)
    ledger = Ledger()
    confirm(ledger, incident)
    rotate(ledger, TRIAGE, partition_of(incident), later)
    contain(ledger, incident)
    publish_log(tmp_path / "true", ledger)
    put(tmp_path / "true", "chains/triage", _signed_by(ledger, KEYS[TRIAGE], later))
    found = audit(tmp_path / "true", every_signature=True)
    assert (found.findings, found.incidents) == ([], 1)
    ledger.keys[TRIAGE] = KEYS[TRIAGE]
    contain(ledger, incident)
    publish_log(tmp_path / "stolen", ledger)
    assert {"untrusted", "statement_rejected"} <= codes(audit(tmp_path / "stolen")), (
        "the old key counts no more"
    )


def test_a_key_that_the_old_one_did_not_sign_changes_nothing(tmp_path: Path) -> None:
    later = Signer("incident-ledger/triage-2", bytes([67]) * 32)
    incident = incident_number(1)
    ledger = Ledger()
    confirm(ledger, incident)
    ledger.keys[TRIAGE] = later
    rotate(ledger, TRIAGE, partition_of(incident), later)
    contain(ledger, incident)
    publish_log(tmp_path, ledger)
    assert {"untrusted", "statement_rejected"} <= codes(audit(tmp_path, rules=None))


def _signed_by(ledger: Ledger, *signers: Signer) -> bytes:
    from shared.tlog.note import sign_note

    return sign_note(parse_note(ledger.chain_heads(TRIAGE))[0], *signers)


def test_a_key_that_signs_before_it_is_in_force_is_found_by_the_one_before_it(
    tmp_path: Path,
) -> None:
    early = Signer("incident-ledger/triage-2", bytes([67]) * 32)
    incident = incident_number(1)
    ledger = Ledger(keys={**KEYS, TRIAGE: early})
    confirm(ledger, incident)
    publish_log(tmp_path, ledger)
    keys = trust.parse(TRUST_TEXT + f"triage {partition_of(incident)} 5 {early.vkey}\n")
    found = audit(tmp_path, Anchors(ANCHORS.log, keys, ANCHORS.policy), rules=None)
    assert "untrusted" in codes(found), "the event before number 5 must be signed by the key before"


def test_findings_are_told_once_and_bounded(tmp_path: Path) -> None:
    ledger = Ledger()
    for number in range(1200):
        report(ledger, incident_number(number))
    bad = [bytes(64)] * len(ledger.entries)
    publish_log(tmp_path, ledger)
    seal(tmp_path, ledger.entries, bad)
    found = audit(tmp_path, rules=None, every_signature=True)
    assert len(found.findings) == 1000
    assert found.more_findings >= 200
    assert len({(one.code, one.where) for one in found.findings}) == 1000


def test_progress_is_told_to_the_end(clean: Path, ledger: Ledger) -> None:
    told: list[tuple[str, int, int]] = []
    audit_log(Folder(clean), ANCHORS, Options(None), lambda *step: told.append(step))
    assert told[-1] == ("leaves", len(ledger.entries), len(ledger.entries))


def shuffled(entries: list[bytes]) -> Iterator[bytes]:
    random.Random(1).shuffle(entries)
    yield from entries


def test_a_shuffled_log_gives_findings_not_a_crash(ledger: Ledger, tmp_path: Path) -> None:
    entries = list(shuffled(list(ledger.entries)))
    folder = sealed(tmp_path, ledger, entries, [bytes(64)] * len(entries))
    assert {"gap", "broken_link", "untrusted"} <= codes(audit(folder))
    assert POLICY_TEXT.encode() == (folder / "policy").read_bytes()
