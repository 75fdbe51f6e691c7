"""Which checkpoint an audit goes by, who must have seen it, and what it must continue."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.files import Folder, NotALog
from shared.audit.heads import Opened, Seen, continues, open_head, trusted_head, witnessed_head
from shared.audit.history import Until, by_time, history
from shared.audit.incidents import Sealed
from shared.audit.tree import Signatures, TreeCheck, signatures_path, tile_reader
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.cosignature import Cosigner
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer
from shared.tlog.merkle import root_of
from shared.tlog.note import add_signatures, parse_note
from shared.tlog.policy import Policy
from shared.tlog.tile_proofs import ReadTile
from shared.tlog.tiles import ENTRIES, Tile
from tests.unit.audit.world import (
    ANCHORS,
    LOG,
    Ledger,
    incident_number,
    publish_log,
    report,
    two_stories,
)

WITNESSES: Final = [
    Cosigner(Signer(f"witness-{name}.example", bytes([40 + number]) * 32))
    for number, name in enumerate(("a", "b"))
]
POLICY: Final = Policy.parse(
    (
        f"log {LOG.vkey}\n"
        + "".join(f"witness {name} {one.vkey}\n" for name, one in zip("ab", WITNESSES, strict=True))
        + "group both all a b\nquorum both\n"
    ).encode()
)
LEAVES: Final = [bytes([number]) * 32 for number in range(1, 12)]


def head(size: int, *cosigners: Cosigner, log: Signer = LOG) -> bytes:
    """The signed head of the tree of the first so many of LEAVES."""
    note = sign_checkpoint(Checkpoint(log.name, size, root_of(LEAVES[:size])), log)
    text, signatures = parse_note(note)
    return add_signatures(text, [*signatures, *(one.cosign(text, 1000) for one in cosigners)])


def tiles(size: int) -> dict[tuple[int, int, int], bytes]:
    return {(0, 0, width): b"".join(LEAVES[:width]) for width in range(1, size + 1)}


def read_of(size: int) -> ReadTile:
    there = tiles(size)

    def read(level: int, index: int, width: int) -> bytes:
        try:
            return there[level, index, width]
        except KeyError:
            raise TlogError("is not there") from None

    return read


def opened(note: bytes) -> Opened:
    return open_head(note, LOG.verifier, POLICY)


def test_a_quorum_of_cosignatures_is_no_finding() -> None:
    found = opened(head(5, *WITNESSES))
    assert found.findings == ()
    assert found.cosigned == {"a": 1000, "b": 1000}
    assert found.checkpoint == Checkpoint(LOG.name, 5, root_of(LEAVES[:5]))


@pytest.mark.parametrize(("cosigners", "by"), [([], "nobody"), (WITNESSES[:1], "a")])
def test_too_few_cosignatures_are_told_by_name(cosigners: list[Cosigner], by: str) -> None:
    (finding,) = opened(head(5, *cosigners)).findings
    assert (finding.code, finding.where) == ("not_witnessed", "checkpoint")
    assert finding.detail == (
        f"the policy asks for the quorum both, the checkpoint was cosigned by {by}"
    )


def test_without_a_policy_no_witness_is_asked_for() -> None:
    assert open_head(head(5), LOG.verifier, None).findings == ()


def test_a_head_that_another_log_signed_is_none() -> None:
    other = Signer(LOG.name, bytes([77]) * 32)
    with pytest.raises(TlogError):
        opened(head(5, log=other))


@pytest.mark.parametrize(("text", "why"), [(None, "has no checkpoint"), (b"x\n", "does not count")])
def test_a_folder_without_a_signed_head_is_no_log(
    text: bytes | None, why: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "checkpoint").write_bytes(text)
    with pytest.raises(NotALog, match=why):
        trusted_head(Folder(tmp_path), "checkpoint", LOG.verifier)


class TestTheWitnessedHead:
    latest = opened(head(9))

    def held(self, note: bytes | None, latest: Opened | None = None) -> Opened:
        return witnessed_head(latest or self.latest, note, LOG.verifier, POLICY, read_of(11))

    def test_is_the_latest_where_that_was_seen(self) -> None:
        seen = opened(head(9, *WITNESSES))
        assert self.held(head(5, *WITNESSES), seen) is seen

    def test_is_an_earlier_one_that_the_latest_continues(self) -> None:
        found = self.held(head(5, *WITNESSES))
        assert (found.checkpoint.size, found.findings) == (5, ())

    @pytest.mark.parametrize(
        "note",
        [None, b"", head(5), head(5, WITNESSES[0]), head(5, log=Signer("other", bytes(32)))],
        ids=["none", "empty", "unwitnessed", "too few", "another log's"],
    )
    def test_stays_the_latest_with_its_finding_where_there_is_no_better(
        self, note: bytes | None
    ) -> None:
        assert self.held(note) is self.latest
        assert [one.code for one in self.latest.findings] == ["not_witnessed"]

    def test_that_the_latest_does_not_continue_shows_a_fork(self) -> None:
        text = Checkpoint(LOG.name, 5, b"\x05" * 32)
        body, signatures = parse_note(sign_checkpoint(text, LOG))
        cosigned = [one.cosign(body, 1000) for one in WITNESSES]
        forked = add_signatures(body, [*signatures, *cosigned])
        assert [one.code for one in self.held(forked).findings] == ["log_forked"]

    def test_that_is_larger_than_the_latest_shows_that_it_went_back(self) -> None:
        found = self.held(head(11, *WITNESSES))
        assert [one.code for one in found.findings] == ["log_went_back"]


@given(st.integers(1, 11), st.integers(1, 11), st.booleans())
def test_only_a_log_that_has_grown_from_it_continues_a_head(
    before: int, now: int, forged: bool
) -> None:
    seen = Seen(before, b"\x77" * 32 if forged else root_of(LEAVES[:before]))
    found = [
        one.code
        for one in continues(seen, Checkpoint(LOG.name, now, root_of(LEAVES[:now])), read_of(now))
    ]
    if now < before:
        assert found == ["log_went_back"]
    else:
        assert found == (["log_forked"] if forged else [])


def test_a_growth_whose_tiles_are_missing_cannot_be_shown() -> None:
    now = Checkpoint(LOG.name, 9, root_of(LEAVES[:9]))
    (finding,) = continues(Seen(5, root_of(LEAVES[:5])), now, read_of(0))
    assert finding.code == "log_forked"
    assert finding.detail.startswith("it cannot be shown to continue the tree of size 5: ")


# What was known at a moment


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return two_stories()


@pytest.fixture(scope="module")
def log(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = tmp_path_factory.mktemp("log")
    publish_log(folder, ledger)
    return Folder(folder)


def told(log: Folder, until: str | None = None, number: int | None = None) -> list[Sealed]:
    moment = Until.parse(until) if until else Until()
    incident = incident_number(number) if number else None
    return list(history(log, ANCHORS, moment, incident, lambda *_: None))


def test_a_size_takes_the_first_so_many_and_a_time_what_was_said_until_then(
    log: Folder, ledger: Ledger
) -> None:
    whole = told(log)
    assert [one.event for one in whole] == ledger.events
    for size in (0, 1, 7, len(ledger.events)):
        assert told(log, str(size)) == whole[:size]
    for at in (0, 7):
        time = ledger.events[at].time
        assert [one.event for one in told(log, time.isoformat())] == [
            event for event in ledger.events if event.time <= time
        ]


def test_one_incident_is_told_alone(log: Folder, ledger: Ledger) -> None:
    for number in (1, 2):
        assert [one.event for one in told(log, number=number)] == ledger.of(incident_number(number))
    assert told(log, number=3) == []


def test_a_size_that_the_log_has_not_is_refused(log: Folder, ledger: Ledger) -> None:
    size = len(ledger.events)
    with pytest.raises(NotALog, match=f"has {size} events, fewer than {size + 1}"):
        told(log, str(size + 1))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T09:00", "2026-03-02T09:00:00Z"),
        ("2026-03-02T10:00:00+01:00", "2026-03-02T09:00:00Z"),
        ("2026-03-02", "2026-03-02T00:00:00Z"),
        ("007", "7"),
    ],
)
def test_a_moment_may_be_written_in_several_ways(text: str, same: str) -> None:
    assert Until.parse(text) == Until.parse(same)


@pytest.mark.parametrize("text", ["", "yesterday", "-1", "1.5", "٣", "2026-02-30", "12:00"])
def test_what_is_neither_a_size_nor_a_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither a size .* nor a time such as 2026-"):
        Until.parse(text)


@given(st.permutations(range(8)))
def test_events_of_one_time_keep_the_order_of_the_log(order: list[int]) -> None:
    said = report(Ledger(), incident_number(1))
    given_ = [Sealed(index, said) for index in order]
    assert [one.index for one in by_time(given_)] == sorted(order)


# The files of a tree


def copied(ledger: Ledger, folder: Path) -> tuple[Folder, Checkpoint]:
    return Folder(folder), publish_log(folder, ledger)


def faults(files: Folder, head_: Checkpoint) -> list[tuple[str, str]]:
    tree = TreeCheck(files, head_.size, head_.root)
    for _ in tree.leaves():
        pass
    return [(finding.code, finding.where) for finding in tree.findings]


def test_a_whole_tree_has_no_fault_and_gives_every_leaf(ledger: Ledger, log: Folder) -> None:
    _, head_ = trusted_head(log, "checkpoint", LOG.verifier)
    tree = TreeCheck(log, head_.size, head_.root)
    (leaves,) = tree.leaves()
    assert tree.findings == []
    assert (leaves.first, leaves.entries) == (0, ledger.entries)
    assert leaves.hashes == [event.hash for event in ledger.events]
    for at, signature in enumerate(ledger.signatures):
        assert leaves.signature_of(at) == signature
    assert leaves.signature_of(len(ledger.signatures)) is None


def test_another_root_is_a_fault_of_the_tree(log: Folder, ledger: Ledger) -> None:
    size = len(ledger.entries)
    assert faults(log, Checkpoint(LOG.name, size, bytes(32))) == [
        ("root_differs", f"the tree of {size}")
    ]


@pytest.mark.parametrize("cut", [0, 1, 63, 64])
def test_signatures_that_are_too_few_are_named_by_their_file(
    cut: int, ledger: Ledger, tmp_path: Path
) -> None:
    files, head_ = copied(ledger, tmp_path)
    path = signatures_path(Tile(ENTRIES, 0, head_.size))
    whole = (tmp_path / path).read_bytes()
    (tmp_path / path).write_bytes(whole[: len(whole) - cut])
    assert faults(files, head_) == ([("signatures_missing", path)] if cut else [])


def test_a_missing_bundle_leaves_the_hashes_to_speak(ledger: Ledger, tmp_path: Path) -> None:
    files, head_ = copied(ledger, tmp_path)
    bundle = Tile(ENTRIES, 0, head_.size).path
    (tmp_path / bundle).unlink()
    assert faults(files, head_) == [("bundle_missing", bundle)]


def test_without_events_and_hashes_nothing_further_is_checked(
    ledger: Ledger, tmp_path: Path
) -> None:
    files, head_ = copied(ledger, tmp_path)
    bundle, tile = Tile(ENTRIES, 0, head_.size).path, Tile(0, 0, head_.size).path
    (tmp_path / bundle).unlink()
    (tmp_path / tile).unlink()
    assert faults(files, head_) == [
        ("bundle_missing", bundle),
        ("tile_missing", tile),
        ("root_differs", "leaf 0"),
    ]
    with pytest.raises(TlogError, match=f"{tile} is not there"):
        tile_reader(files)(0, 0, head_.size)


def test_each_signature_is_read_from_beside_its_leaf(log: Folder, ledger: Ledger) -> None:
    signature_of = Signatures(log, len(ledger.signatures))
    backwards = list(enumerate(ledger.signatures))[::-1]
    assert [(at, signature_of(at)) for at, _ in backwards] == backwards
    assert signature_of(len(ledger.signatures)) is None
