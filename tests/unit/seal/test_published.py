"""A log read again from its store is checked against what was published: whatever was damaged,
lost or replaced is refused by name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.runtime.process.lease import Fenced
from shared.seal.folder import Folder
from shared.seal.growth import LogRefused, Tree, TreeHead, edge_tiles, signatures_path
from shared.seal.published import WITNESSED, Published
from shared.tlog.bundles import encode_bundle
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.keys import Signer
from shared.tlog.note import sign_note
from shared.tlog.tiles import ENTRIES, Tile
from tests.unit.seal.given import LOG, STRANGER, LogFolder, entries, signatures

SIZES = (0, 1, 2, 255, 256, 257, 600)


@pytest.mark.parametrize("size", SIZES)
async def test_a_log_is_read_back_as_it_was_published(tmp_path: Path, size: int) -> None:
    log = LogFolder(tmp_path)
    if size:
        await log.grow(size)
    assert await log.published.tree(log.tree.sealed) == log.tree


async def test_a_log_that_was_read_back_grows_into_the_same_files(tmp_path: Path) -> None:
    whole, resumed = LogFolder(tmp_path / "whole"), LogFolder(tmp_path / "resumed")
    await whole.grow(700)
    await resumed.grow(300)
    resumed.tree = await resumed.published.tree(resumed.tree.sealed)
    await resumed.grow(400)
    assert resumed.tree == whole.tree
    files = {
        path.relative_to(whole.root): path.read_bytes()
        for path in whole.root.rglob("*")
        if path.is_file()
    }
    assert len(files) > 8
    for path, data in files.items():
        assert (resumed.root / path).read_bytes() == data, path


async def test_the_head_is_what_the_checkpoint_commits_to(tmp_path: Path) -> None:
    log = LogFolder(tmp_path)
    await log.grow(5)
    assert log.published.head(log.note()) == log.tree.sealed == TreeHead(5, log.tree.edge.root)
    assert log.published.head(None) is None


NOT_OURS = {
    "another key of the same name": sign_checkpoint(Checkpoint(LOG.name, 1, bytes(32)), STRANGER),
    "another log": sign_checkpoint(
        Checkpoint("other.example", 1, bytes(32)), Signer("other.example", b"o" * 32)
    ),
    "another origin under our key": sign_checkpoint(Checkpoint("other.example", 1, bytes(32)), LOG),
    "a signed note that is no checkpoint": sign_note("hello\n", LOG),
    "an empty file": b"",
    "nonsense": b"\xff\x00",
    "an unsigned text": Checkpoint(LOG.name, 1, bytes(32)).text.encode(),
    "no leaves, yet another root than the empty one": sign_checkpoint(
        Checkpoint(LOG.name, 0, bytes(32)), LOG
    ),
}


@pytest.mark.parametrize("note", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_a_checkpoint_of_no_key_of_this_log_is_refused(tmp_path: Path, note: bytes) -> None:
    with pytest.raises(LogRefused, match="not of this log's key"):
        LogFolder(tmp_path).published.head(note)


def test_one_flipped_byte_of_the_checkpoint_is_refused(tmp_path: Path) -> None:
    log = LogFolder(tmp_path)
    note = log.note()
    for at in range(len(note)):
        damaged = bytearray(note)
        damaged[at] ^= 1
        with pytest.raises(LogRefused):
            log.published.head(bytes(damaged))


@pytest.mark.parametrize("tile", edge_tiles(600), ids=lambda tile: tile.path)
async def test_a_damaged_or_missing_file_of_the_edge_is_refused(tmp_path: Path, tile: Tile) -> None:
    log = LogFolder(tmp_path)
    await log.grow(600)
    log.damage(tile.path)
    with pytest.raises(LogRefused, match="do not make the root"):
        await log.published.tree(log.tree.sealed)
    (tmp_path / tile.path).write_bytes((tmp_path / tile.path).read_bytes()[:-1])
    with pytest.raises(LogRefused, match="damaged"):
        await log.published.tree(log.tree.sealed)
    (tmp_path / tile.path).unlink()
    with pytest.raises(LogRefused, match=f"has no {tile.path}"):
        await log.published.tree(log.tree.sealed)


async def test_missing_signatures_are_refused(tmp_path: Path) -> None:
    log = LogFolder(tmp_path)
    await log.grow(10)
    path = signatures_path(Tile(ENTRIES, 0, 10))
    (tmp_path / path).unlink()
    with pytest.raises(LogRefused, match=f"has no {path}"):
        await log.published.tree(log.tree.sealed)


async def test_entries_that_were_exchanged_are_refused_though_the_tiles_are_whole(
    tmp_path: Path,
) -> None:
    log = LogFolder(tmp_path)
    await log.grow(3)
    bundle = tmp_path / Tile(ENTRIES, 0, 3).path
    bundle.write_bytes(encode_bundle([*entries(2), b"another"]))
    with pytest.raises(LogRefused, match="do not make the root"):
        await log.published.tree(log.tree.sealed)


@pytest.mark.parametrize("wrong", [TreeHead(10, bytes(32)), TreeHead(9, bytes(32))])
async def test_a_root_that_the_tiles_do_not_make_is_refused(
    tmp_path: Path, wrong: TreeHead
) -> None:
    log = LogFolder(tmp_path)
    await log.grow(9)
    await log.grow(1)
    with pytest.raises(LogRefused, match="do not make the root"):
        await log.published.tree(wrong)


async def test_a_log_that_shrank_lacks_the_files_of_what_was_published(tmp_path: Path) -> None:
    log = LogFolder(tmp_path)
    await log.grow(9)
    with pytest.raises(LogRefused, match="put the store back from a backup"):
        await log.published.tree(TreeHead(20, bytes(32)))


async def test_a_bundle_comes_with_the_signature_of_each_entry(tmp_path: Path) -> None:
    log = LogFolder(tmp_path)
    await log.grow(300)
    full, partial = Tile(ENTRIES, 0), Tile(ENTRIES, 1, 44)
    assert await log.published.bundle(full) == (entries(256), tuple(signatures(256)))
    assert await log.published.bundle(partial) == (entries(44, 256), tuple(signatures(44, 256)))


async def test_a_damaged_bundle_is_named(tmp_path: Path) -> None:
    log = LogFolder(tmp_path)
    await log.grow(5)
    tile = Tile(ENTRIES, 0, 5)
    (tmp_path / tile.path).write_bytes(encode_bundle(entries(4)))
    with pytest.raises(LogRefused, match=rf"damaged bundle, {tile.path}"):
        await log.published.bundle(tile)


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-1], lambda data: data + b"x", lambda data: b"\0\1" + data[2:]],
    ids=["cut off", "longer", "another length"],
)
async def test_damaged_signatures_are_named(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    log = LogFolder(tmp_path)
    await log.grow(5)
    path = signatures_path(Tile(ENTRIES, 0, 5))
    (tmp_path / path).write_bytes(damage((tmp_path / path).read_bytes()))
    with pytest.raises(LogRefused, match=rf"damaged signatures, {path}"):
        await log.published.tree(log.tree.sealed)


async def test_what_is_shown_is_replaced_only_when_it_changes(tmp_path: Path) -> None:
    log = LogFolder(tmp_path)
    await log.published.show(WITNESSED, b"first")
    written = (tmp_path / WITNESSED).stat().st_ino
    await log.published.show(WITNESSED, b"first")
    assert (tmp_path / WITNESSED).stat().st_ino == written
    await log.published.show(WITNESSED, b"second")
    assert (tmp_path / WITNESSED).read_bytes() == b"second"


class Overtaken(Folder):
    """A store to which another sealer writes between a reading and the replacement."""

    async def read(self, path: str) -> bytes | None:
        data = await super().read(path)
        (self._root / path).write_bytes(b"another sealer's")
        return data


async def test_what_another_sealer_showed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(Fenced):
        await Published(Overtaken(tmp_path), LOG.verifier).show(WITNESSED, b"ours")
    assert (tmp_path / WITNESSED).read_bytes() == b"another sealer's"


async def test_an_empty_log_needs_no_file(tmp_path: Path) -> None:
    assert await LogFolder(tmp_path).published.tree(TreeHead()) == Tree()
