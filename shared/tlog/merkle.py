"""The Merkle tree of RFC 6962 §2.1 (= RFC 9162 §2.1): roots while it grows, proofs from leaf
hashes, and their verification.

Proofs from tiles are in `tile_proofs`; both are computed over the same ranges of leaves.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Final, Self

from shared.tlog.encoding import HASH_SIZE, MAX_SIZE
from shared.tlog.errors import TlogError

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of the tree without leaves (RFC 6962 §2.1)."""


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00, leaf) (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01, left, right) (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """All that a growing tree must remember: the root of each perfect subtree that its leaves fill,
    the largest first.

    That is one hash for each bit set in the size; the leaves are not needed again (RFC 6962
    §2.1)."""

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self._size = size
        self._peaks = list(peaks)
        if (
            not 0 <= size <= MAX_SIZE
            or len(self._peaks) != size.bit_count()
            or not _are_hashes(self._peaks)
        ):
            raise TlogError("a frontier holds one hash for each bit that is set in its size")

    @classmethod
    def of(cls, leaf_hashes: Iterable[bytes]) -> Self:
        frontier = cls()
        frontier.extend(leaf_hashes)
        return frontier

    @property
    def size(self) -> int:
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        return tuple(self._peaks)

    @property
    def root(self) -> bytes:
        """MTH of all leaves so far (RFC 6962 §2.1)."""
        return root_of_peaks(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Adds one leaf hash."""
        peaks, size = self._peaks, self._size
        while size & 1:
            leaf = node_hash(peaks.pop(), leaf)
            size >>= 1
        peaks.append(leaf)
        self._size += 1

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Adds leaf hashes in their order; the same as appending each, with a quarter less work in
        Python."""
        row = list(leaf_hashes)
        added, left = len(row), self._size
        lower: list[bytes] = []
        sha256 = hashlib.sha256
        while row:
            if left & 1:
                row.insert(0, self._peaks.pop())
            if len(row) & 1:
                lower.append(row.pop())
            pairs = iter(row)
            row = [
                sha256(b"\x01" + one + two).digest() for one, two in zip(pairs, pairs, strict=True)
            ]
            left >>= 1
        self._peaks += reversed(lower)
        self._size += added


def root_of_peaks(peaks: Sequence[bytes]) -> bytes:
    """The root above adjacent perfect subtrees, the largest first (RFC 6962 §2.1)."""
    return (
        reduce(lambda right, left: node_hash(left, right), reversed(peaks)) if peaks else EMPTY_ROOT
    )


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """MTH of these leaves (RFC 6962 §2.1)."""
    return Frontier.of(leaf_hashes).root


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The leaves [start, end) below each hash of an inclusion proof, in proof order (RFC 6962
    §2.1.1, PATH)."""
    if not 0 <= index < size <= MAX_SIZE:
        raise TlogError(f"a tree of {size} leaves has no leaf {index}")
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """The leaves [start, end) below each hash of a consistency proof, in proof order (RFC 6962
    §2.1.2, SUBPROOF).

    Empty from size 0 (tlog-witness, "add-checkpoint") and between equal sizes."""
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise TlogError(f"a tree does not grow from {old_size} to {new_size} leaves")
    if old_size in (0, new_size):
        return []
    ranges: list[tuple[int, int]] = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    # The verifier holds the old root, so it is left out where it is itself a subtree of the new
    # tree.
    return ranges[::-1] if start == 0 else [(start, end), *ranges[::-1]]


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The siblings on the path from this leaf to the root of all these leaves (RFC 6962 §2.1.1)."""
    return [
        root_of(leaf_hashes[start:end]) for start, end in inclusion_ranges(index, len(leaf_hashes))
    ]


def consistency_proof(old_size: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The proof that the tree of all these leaves begins with that of its first `old_size` leaves
    (RFC 6962 §2.1.2)."""
    return [
        root_of(leaf_hashes[start:end])
        for start, end in consistency_ranges(old_size, len(leaf_hashes))
    ]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the leaf with this leaf hash is number `index`, from 0, of the tree (RFC 9162
    §2.1.3.2)."""
    if not 0 <= index < size <= MAX_SIZE or not _are_hashes([leaf, root, *proof]):
        return False
    at, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            current = node_hash(sibling, current)
            at, last = _to_left_child(at, last)
        else:
            current = node_hash(current, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and current == root


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the new tree begins with the old one (RFC 9162 §2.1.4.2).

    From size 0 the proof is empty and shows only that the old root is that of the empty tree
    (tlog-witness)."""
    if not 0 <= old_size <= new_size <= MAX_SIZE or not _are_hashes([old_root, new_root, *proof]):
        return False
    if new_size == old_size:
        return not proof and old_root == new_root and (old_size > 0 or old_root == EMPTY_ROOT)
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    return _joins(old_size, new_size, old_root, new_root, proof)


def _joins(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    path = [old_root, *proof] if old_size.bit_count() == 1 else list(proof)
    if not path:
        return False
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            at, last = _to_left_child(at, last)
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _to_left_child(at: int, last: int) -> tuple[int, int]:
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
