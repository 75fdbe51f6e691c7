"""Tiles and bundles: paths, widths, and what a growth writes, against the definition in the
specification."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.bundles import MAX_ENTRY, bundle_hashes, decode_bundle, encode_bundle
from shared.tlog.errors import TlogError
from shared.tlog.merkle import leaf_hash
from shared.tlog.tiles import (
    ENTRIES,
    Tile,
    bundles_of_growth,
    decode_tile,
    encode_tile,
    tiles_of_growth,
    width_at,
)
from tests.unit.tlog.given import flipped, leaves, refuses_or_reads

PATHS = {
    Tile(0, 0): "tile/0/000",
    Tile(0, 0, 1): "tile/0/000.p/1",
    Tile(0, 1234067): "tile/0/x001/x234/067",
    Tile(3, 1000, 255): "tile/3/x001/000.p/255",
    Tile(63, 999): "tile/63/999",
    Tile(ENTRIES, 123456): "tile/entries/x123/456",
    Tile(ENTRIES, 7, 112): "tile/entries/007.p/112",
}


@pytest.mark.parametrize(("tile", "path"), PATHS.items())
def test_a_tile_lies_at_its_path(tile: Tile, path: str) -> None:
    assert (tile.path, Tile.parse(path)) == (path, tile)


@given(st.integers(ENTRIES, 63), st.integers(0, 2**55 - 1), st.integers(1, 256))
def test_every_path_is_read_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/tile/0/000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/../000",
        "tile/0/\u0660\u0660\u0660",
        "tile/data/000",
        "tile/0/" + "x999/" * 6 + "999",
        "tile/0/" + "x001/" * 1000 + "001",
    ],
)
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(TlogError):
        Tile.parse(path)


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-2, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**56, 1), (0, 0, 0), (0, 0, 257)],
)
def test_a_tile_that_cannot_be_is_refused(level: int, index: int, width: int) -> None:
    with pytest.raises(TlogError):
        Tile(level, index, width)


def test_the_specification_s_tree_of_70000_leaves() -> None:
    tiles = list(tiles_of_growth(0, 70_000))
    assert [
        sum(tile.level == level and not tile.is_partial for tile in tiles) for level in range(3)
    ] == [273, 1, 0]
    assert [tile for tile in tiles if tile.is_partial] == [
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(tiles_of_growth(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]


@given(st.integers(0, 200_000), st.integers(0, 3_000))
def test_a_growth_writes_what_the_old_tree_lacked(old: int, more: int) -> None:
    def tiles(size: int) -> set[Tile]:
        counts = [(level, size >> 8 * level) for level in range(4)]
        return {
            Tile(level, at, width_at(level, at, size))
            for level, count in counts
            for at in range((count + 255) // 256)
        }

    new = old + more
    assert set(tiles_of_growth(old, new)) == tiles(new) - tiles(old)
    bundles = [Tile(0, bundle.index, bundle.width) for bundle in bundles_of_growth(old, new)]
    assert bundles == [tile for tile in tiles_of_growth(old, new) if tile.level == 0]


def test_a_shrinking_tree_writes_nothing() -> None:
    assert [*tiles_of_growth(5, 5), *tiles_of_growth(9, 5), *bundles_of_growth(9, 5)] == []


@given(st.integers(1, 256))
def test_a_tile_is_read_as_it_was_written(width: int) -> None:
    hashes = leaves(width)
    data = encode_tile(hashes)
    assert decode_tile(data, width) == hashes
    for wrong in (data[:-1], data + b"\0", data[32:], b""):
        with pytest.raises(TlogError):
            decode_tile(wrong, width)


@pytest.mark.parametrize("hashes", [[], [b"short"], leaves(257)])
def test_no_tile_holds_this(hashes: list[bytes]) -> None:
    with pytest.raises(TlogError):
        encode_tile(hashes)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_a_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, len(entries)) == entries
    assert bundle_hashes(entries) == [leaf_hash(entry) for entry in entries]
    for wrong in (data[:-1], data + b"\0", data + b"\0\0"):
        with pytest.raises(TlogError):
            decode_bundle(wrong, len(entries))


def test_a_bundle_holds_entries_to_the_last_byte_of_their_length_prefix() -> None:
    entries = [b"", b"x" * MAX_ENTRY]
    assert decode_bundle(encode_bundle(entries), 2) == entries
    for wrong in ([b"x" * (MAX_ENTRY + 1)], [], [b""] * 257):
        with pytest.raises(TlogError):
            encode_bundle(wrong)
    for width in (0, 257, -1):
        with pytest.raises(TlogError):
            decode_bundle(b"", width)
        with pytest.raises(TlogError):
            decode_tile(b"", width)


@given(st.data())
def test_one_flipped_byte_of_tile_or_bundle_shows(data: st.DataObject) -> None:
    entries = [b"entry %d" % number for number in range(20)]
    tile, bundle = encode_tile(bundle_hashes(entries)), encode_bundle(entries)
    mask = data.draw(st.integers(1, 255))
    damaged = flipped(tile, data.draw(st.integers(0, len(tile) - 1)), mask)
    assert decode_tile(damaged, 20) != bundle_hashes(entries)
    damaged = flipped(bundle, data.draw(st.integers(0, len(bundle) - 1)), mask)
    with contextlib.suppress(TlogError):
        assert bundle_hashes(decode_bundle(damaged, 20)) != decode_tile(tile, 20)


@given(st.data(), st.integers(-1, 300))
def test_parsers_refuse_or_read(data: st.DataObject, width: int) -> None:
    entries = [b"entry %d" % number for number in range(9)]
    refuses_or_reads(data, lambda received: decode_bundle(received, 9), encode_bundle(entries))
    refuses_or_reads(data, lambda received: decode_bundle(received, width), encode_bundle(entries))
    refuses_or_reads(data, lambda received: decode_tile(received, width), encode_tile(leaves(9)))
    refuses_or_reads(
        data,
        lambda path: Tile.parse(path.decode("utf-8", "surrogateescape")),
        b"tile/0/x001/x234/067.p/8",
    )
