"""A log kept as tiles: growing it in steps, taking it up again, and proofs out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.bundles import decode_bundle
from shared.tlog.errors import TlogError
from shared.tlog.growth import Edge, grow_bundles
from shared.tlog.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from shared.tlog.tile_proofs import (
    ReadTile,
    consistency_from_tiles,
    inclusion_from_tiles,
    root_from_tiles,
)
from shared.tlog.tiles import Tile, tiles_of_growth
from tests.unit.tlog.given import flipped, leaves

MANY = leaves(70_000)
Store = dict[Tile, bytes]


def reader(store: Store) -> ReadTile:
    return lambda level, index, width: store[Tile(level, index, width)]


def stored(size: int) -> Store:
    return dict(Edge().grow(MANY[:size]).tiles)


WHOLE = stored(len(MANY))

SIZES = st.integers(1, 600) | st.sampled_from(
    [255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000]
)


@given(st.lists(st.integers(0, 700), max_size=6))
def test_a_log_that_grows_in_steps_is_the_log_that_grew_at_once(steps: list[int]) -> None:
    edge, store = Edge(), Store()
    for step in steps:
        growth = edge.grow(MANY[edge.size : edge.size + step])
        assert [tile for tile, _ in growth.tiles] == list(
            tiles_of_growth(edge.size, growth.edge.size)
        )
        edge = growth.edge
        store |= dict(growth.tiles)
        assert edge == Edge.load(edge.size, reader(store))
    at_once = stored(sum(steps))
    assert {tile: store[tile] for tile in at_once} == at_once
    assert edge.root == root_of(MANY[: edge.size]) == root_from_tiles(edge.size, reader(at_once))


def test_the_edge_of_a_large_log() -> None:
    edge = Edge.load(70_000, reader(WHOLE))
    assert [len(row) for row in edge.rows] == [112, 17, 1]
    assert edge.root == root_of(MANY)
    assert Edge.load(0, reader({})) == Edge()
    assert Edge().root == EMPTY_ROOT == root_from_tiles(0, reader({}))


@given(SIZES, st.data())
def test_proofs_from_tiles_are_those_from_leaves(size: int, data: st.DataObject) -> None:
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    read, hashes = reader(stored(size) if size <= 600 else _prefix(size)), MANY[:size]
    assert inclusion_from_tiles(index, size, read) == inclusion_proof(index, hashes)
    assert consistency_from_tiles(old, size, read) == consistency_proof(old, hashes)


def _prefix(size: int) -> Store:
    """Partial tiles cut from the full ones, as a reader does that no longer finds them."""
    return {tile: _covering(tile)[: tile.width * 32] for tile in tiles_of_growth(0, size)}


def _covering(tile: Tile) -> bytes:
    return next(
        data
        for other, data in WHOLE.items()
        if (other.level, other.index) == (tile.level, tile.index)
    )


def test_a_proof_reads_each_tile_once_and_few_of_them() -> None:
    asked: list[tuple[int, int]] = []

    def read(level: int, index: int, width: int) -> bytes:
        asked.append((level, index))
        return WHOLE[Tile(level, index, width)]

    proof = inclusion_from_tiles(12_345, 70_000, read)
    assert verify_inclusion(12_345, 70_000, MANY[12_345], proof, root_of(MANY))
    assert len(asked) == len(set(asked)) <= 5


@given(st.data())
def test_one_flipped_byte_of_a_tile_fails_the_proofs_that_read_it(data: st.DataObject) -> None:
    size, mask = 600, data.draw(st.integers(1, 255))
    store, root = stored(size), root_of(MANY[:size])
    damaged = data.draw(st.sampled_from(sorted(store)))
    store[damaged] = flipped(
        store[damaged], data.draw(st.integers(0, len(store[damaged]) - 1)), mask
    )
    if damaged.level == 0 and not damaged.is_partial:
        # The root reads full tiles only through the level above: the damage shows to who proves a
        # leaf of this tile.
        index = data.draw(st.integers(damaged.index * 256, damaged.index * 256 + 255))
        proof = inclusion_from_tiles(index, size, reader(store))
        leaf = store[damaged][index % 256 * 32 :][:32]
        assert not verify_inclusion(index, size, leaf, proof, root)
    else:
        assert root_from_tiles(size, reader(store)) != root
        assert Edge.load(size, reader(store)).root != root


def test_a_swapped_or_truncated_tile_is_refused() -> None:
    size, root = 600, root_of(MANY[:600])
    store = stored(size)
    store[Tile(0, 0)], store[Tile(0, 1)] = store[Tile(0, 1)], store[Tile(0, 0)]
    assert not verify_inclusion(
        3, size, MANY[3], inclusion_from_tiles(3, size, reader(store)), root
    )
    store[Tile(0, 0)] = store[Tile(0, 0)][:-32]
    with pytest.raises(TlogError):
        inclusion_from_tiles(3, size, reader(store))


def test_growth_between_any_two_sizes_is_proved() -> None:
    read = reader(WHOLE)
    for old in (1, 255, 256, 257, 60_000, 65_536, 69_999):
        proof = consistency_from_tiles(old, 70_000, read)
        assert verify_consistency(old, 70_000, root_of(MANY[:old]), root_of(MANY), proof)


def test_what_has_no_proof_is_refused() -> None:
    for ask in (
        lambda: inclusion_from_tiles(5, 5, reader({})),
        lambda: consistency_from_tiles(6, 5, reader({})),
        lambda: root_from_tiles(-1, reader({})),
        lambda: Edge.load(2**63, reader({})),
    ):
        with pytest.raises(TlogError):
            ask()


@given(st.lists(st.integers(0, 300), max_size=5))
def test_bundles_grow_beside_the_tiles(steps: list[int]) -> None:
    entries = [b"entry %d" % number for number in range(sum(steps))]
    size, store = 0, Store()
    for step in steps:
        store |= dict(
            grow_bundles(size, entries[size - size % 256 : size], entries[size : size + step])
        )
        size += step
    full = [bundle for bundle in store if not bundle.is_partial]
    read = [entry for bundle in sorted(full) for entry in decode_bundle(store[bundle], 256)]
    if rest := size % 256:
        read += decode_bundle(store[Tile(-1, size // 256, rest)], rest)
    assert read == entries
    assert [leaf_hash(entry) for entry in read] == MANY[:size]


def test_a_bundle_does_not_grow_from_another_tail() -> None:
    with pytest.raises(TlogError, match="holds 3 entries"):
        grow_bundles(259, [b"", b""], [b"new"])
