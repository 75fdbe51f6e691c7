"""The files of a tree, read once: which is missing, too short or another, by its name."""

from pathlib import Path

import pytest

from shared.audit.files import Folder
from shared.audit.heads import trusted_head
from shared.audit.tree import Signatures, TreeCheck, signatures_path, tile_reader
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.tiles import ENTRIES, Tile
from tests.unit.audit.world import (
    LOG,
    Ledger,
    publish_log,
    two_stories,
)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return two_stories()


@pytest.fixture(scope="module")
def log(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = tmp_path_factory.mktemp("log")
    publish_log(folder, ledger)
    return Folder(folder)


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
