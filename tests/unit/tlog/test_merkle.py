"""The tree: the vectors of RFC 6962's reference code, the naive definition beside ours, and proofs
that must not pass."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.errors import TlogError
from shared.tlog.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.tlog.given import flipped, leaves

VECTOR_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
VECTOR_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
VECTOR_INCLUSIONS = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
VECTOR_CONSISTENCIES = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
SMALL = leaves(40)


def naive_root(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word by word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(naive_root(hashes[:split]), naive_root(hashes[split:]))


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_reference_code(size: int) -> None:
    assert root_of(map(leaf_hash, VECTOR_LEAVES[:size])).hex() == VECTOR_ROOTS[size]


@pytest.mark.parametrize(("place", "proof"), VECTOR_INCLUSIONS.items())
def test_inclusion_proofs_of_the_reference_code(place: tuple[int, int], proof: list[str]) -> None:
    index, size = place
    assert [
        one.hex() for one in inclusion_proof(index, [*map(leaf_hash, VECTOR_LEAVES[:size])])
    ] == proof


@pytest.mark.parametrize(("sizes", "proof"), VECTOR_CONSISTENCIES.items())
def test_consistency_proofs_of_the_reference_code(sizes: tuple[int, int], proof: list[str]) -> None:
    old, new = sizes
    assert [
        one.hex() for one in consistency_proof(old, [*map(leaf_hash, VECTOR_LEAVES[:new])])
    ] == proof


def test_a_frontier_is_the_naive_tree_at_every_size() -> None:
    one_by_one = Frontier()
    for size, leaf in enumerate([*SMALL, b"last".ljust(32)]):
        assert one_by_one.root == naive_root(SMALL[:size])
        assert one_by_one.size == size
        one_by_one.append(leaf)


@given(st.lists(st.integers(0, 70), max_size=8))
def test_batches_of_any_size_make_the_same_tree(batches: list[int]) -> None:
    batched, single, hashes = Frontier(), Frontier(), leaves(sum(batches))
    start = 0
    for batch in batches:
        batched.extend(hashes[start : start + batch])
        start += batch
    for leaf in hashes:
        single.append(leaf)
    assert (batched.size, batched.peaks, batched.root) == (
        single.size,
        single.peaks,
        naive_root(hashes),
    )
    resumed = Frontier(batched.size, batched.peaks)
    resumed.append(leaf_hash(b"next"))
    assert resumed.root == naive_root([*hashes, leaf_hash(b"next")])


@pytest.mark.parametrize(
    ("size", "peaks"),
    [(-1, []), (0, [EMPTY_ROOT]), (3, [EMPTY_ROOT]), (1, [b"short"]), (2**63, [EMPTY_ROOT])],
)
def test_a_frontier_that_fits_no_size_is_refused(size: int, peaks: list[bytes]) -> None:
    with pytest.raises(TlogError):
        Frontier(size, peaks)


def test_every_leaf_of_every_small_tree_is_proved_and_no_other() -> None:
    for size in range(1, len(SMALL) + 1):
        hashes = SMALL[:size]
        root = naive_root(hashes)
        for index in range(size):
            proof = inclusion_proof(index, hashes)
            assert verify_inclusion(index, size, hashes[index], proof, root)
            assert not verify_inclusion(
                index, size, hashes[index - 1] if size > 1 else EMPTY_ROOT, proof, root
            )
            assert not verify_inclusion(index, size, hashes[index], [*proof, root], root)
            assert not verify_inclusion(index, size, hashes[index], proof[:-1], root) or not proof


def test_every_growth_of_small_trees_is_proved_and_no_other() -> None:
    roots = [naive_root(SMALL[:size]) for size in range(len(SMALL) + 1)]
    for new in range(len(SMALL) + 1):
        for old in range(new + 1):
            proof = consistency_proof(old, SMALL[:new])
            assert verify_consistency(old, new, roots[old], roots[new], proof)
            assert not verify_consistency(old, new, roots[old], roots[new], [*proof, roots[1]])
            assert not verify_consistency(old, new, flipped(roots[old], 7), roots[new], proof)
            assert not proof or not verify_consistency(old, new, roots[old], roots[new], proof[:-1])
            assert old == 0 < new or not verify_consistency(
                old, new, roots[old], flipped(roots[new], 7), proof
            )


@given(st.data())
def test_one_flipped_byte_anywhere_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 40))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    mask = data.draw(st.integers(1, 255))
    hashes = SMALL[:size]
    root, old_root = root_of(hashes), root_of(hashes[:old])

    parts = [hashes[index], root, *inclusion_proof(index, hashes)]
    which, place = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 31))
    parts[which] = flipped(parts[which], place, mask)
    assert not verify_inclusion(index, size, parts[0], parts[2:], parts[1])

    parts = [old_root, root, *consistency_proof(old, hashes)]
    which = data.draw(st.integers(0, len(parts) - 1))
    parts[which] = flipped(parts[which], place, mask)
    assert not verify_consistency(old, size, parts[0], parts[1], parts[2:])


@given(st.integers(0, 39), st.integers(0, 40), st.integers(0, 39))
def test_a_proof_for_another_place_or_size_is_refused(index: int, size: int, claimed: int) -> None:
    proof = inclusion_proof(index, SMALL)
    assert verify_inclusion(claimed, 40, SMALL[index], proof, root_of(SMALL)) == (claimed == index)
    if size != 40:
        assert not verify_inclusion(index, size, SMALL[index], proof, root_of(SMALL[:size]))


_INTEGERS = st.integers(-2, 70) | st.integers(2**62, 2**64)
_HASHES = st.lists(st.binary(max_size=33) | st.sampled_from(SMALL), max_size=70)


@given(
    _INTEGERS,
    _INTEGERS,
    st.sampled_from([*SMALL, b"", EMPTY_ROOT]),
    st.sampled_from([*SMALL, b"", EMPTY_ROOT]),
    _HASHES,
)
def test_verification_answers_whatever_it_is_asked(
    one: int, two: int, first: bytes, second: bytes, proof: list[bytes]
) -> None:
    if verify_inclusion(one, two, first, proof, second):
        assert (one, two, proof) == (0, 1, [])
    if verify_consistency(one, two, first, second, proof):
        assert proof == []
        assert first == (EMPTY_ROOT if one == 0 else second)


def test_the_edges_that_the_algorithms_leave_open() -> None:
    assert not verify_inclusion(0, 1, b"", [], b"")
    assert not verify_consistency(1, 1, b"", b"", [])
    assert not verify_consistency(0, 0, SMALL[0], SMALL[0], [])
    assert not verify_consistency(0, 5, SMALL[0], SMALL[1], [])
    assert not verify_consistency(0, 5, EMPTY_ROOT, SMALL[1], [SMALL[2]])
    assert not verify_consistency(4, 8, SMALL[0], SMALL[0], [])
    assert not verify_consistency(3, 2, root_of(SMALL[:3]), root_of(SMALL[:2]), [])


def test_what_has_no_proof_is_refused_by_name() -> None:
    with pytest.raises(TlogError, match="no leaf 40"):
        inclusion_proof(40, SMALL)
    with pytest.raises(TlogError, match="from 41 to 40"):
        consistency_proof(41, SMALL)


def test_the_proof_of_a_leaf_among_a_thousand_million_is_below_a_kilobyte() -> None:
    assert (
        max(len(inclusion_ranges(index, 10**9)) for index in (0, 1, 10**9 // 2, 10**9 - 1)) * 32
        < 1000
    )
