"""One Ed25519 signature for up to 64 leaves: that of the root of the RFC 6962 tree over their
hashes, given to each leaf with its path to that root.

A *turn* is those leaves. Each gets the bytes

    signature (64) || index (uint16) || size (uint16) || path (32 bytes a hash, leaf to root)

with big-endian numbers. So each leaf verifies by itself, and whoever verifies many of a turn checks
one signature. A leaf that is signed by itself has the 64 bytes of its own signature and no tree;
what is signed then is not this module's to say.

What is signed is the text of a C2SP checkpoint whose origin names its own root. No two of these
checkpoints can be of one log and disagree, none can be taken for the head of another log, and each
signature is a `c2sp.org/tlog-proof` in fewer bytes (`turn_proof`). The size is signed and the
length of the path follows from it, so a leaf of a root has one valid proof."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from struct import Struct
from typing import Final, Self

from shared.tlog.encoding import HASH_SIZE, to_base64
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier

ALONE: Final = 64
"""Bytes of a signature of one leaf by itself."""
MOST: Final = 64
"""Leaves of a tree. In larger ones the longer paths cost more than the shared signature saves."""
ORIGIN: Final = "incident-ledger/turn/"

_PLACE: Final = Struct(">HH")
_PATH: Final = ALONE + _PLACE.size
LENGTHS: Final = (ALONE, *(_PATH + HASH_SIZE * steps for steps in range(1, 7)))
"""All lengths in bytes that a signature beside a leaf can have."""
LONGEST: Final = LENGTHS[-1]
ROOTS: Final = 8192
"""Roots that are remembered: some megabytes, and the turns of minutes."""


@dataclass(frozen=True, slots=True)
class TurnSignature:
    """The bytes beside a leaf of a turn of two or more; `path` is the hashes, joined."""

    signature: bytes
    index: int
    size: int
    path: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Raises TlogError unless index and size are those of a turn and the path has the length
        that they ask for."""
        if len(data) < _PATH:
            raise TlogError(f"{len(data)} bytes are too short for the signature of a turn")
        index, size = _PLACE.unpack_from(data, ALONE)
        if not 2 <= size <= MOST or index >= size:
            raise TlogError(f"a turn of {size} leaves has no leaf {index}")
        if len(data) != _PATH + HASH_SIZE * len(siblings(index, size)):
            raise TlogError(
                f"the path of leaf {index} in a turn of {size} has "
                f"{HASH_SIZE * len(siblings(index, size))} bytes, not {len(data) - _PATH}"
            )
        return cls(data[:ALONE], index, size, data[_PATH:])

    def encode(self) -> bytes:
        return self.signature + _PLACE.pack(self.index, self.size) + self.path

    def root(self, leaf: bytes) -> bytes:
        """The root that the path leads to from this leaf hash (RFC 9162 §2.1.3.2)."""
        sha256, path, start = hashlib.sha256, self.path, 0
        for on_the_left in siblings(self.index, self.size):
            sibling = path[start : start + HASH_SIZE]
            start += HASH_SIZE
            pair = sibling + leaf if on_the_left else leaf + sibling
            leaf = sha256(b"\x01" + pair).digest()
        return leaf


@cache
def siblings(index: int, size: int) -> tuple[bool, ...]:
    """For each hash on the path of a leaf, whether it stands on the left (RFC 9162 §2.1.3.2)."""
    sides: list[bool] = []
    last = size - 1
    for _ in range(last.bit_length()):
        if index & 1 or index < last:
            sides.append(bool(index & 1))
        index, last = index >> 1, last >> 1
    return tuple(sides)


def message(size: int, root: bytes) -> bytes:
    """What is signed: the text of a checkpoint (tlog-checkpoint, "Note text")."""
    return f"{origin(root)}\n{size}\n{to_base64(root)}\n".encode()


def origin(root: bytes) -> str:
    """The log that a turn is: no other has its name."""
    return ORIGIN + root.hex()


def sign(leaves: Sequence[bytes], signer: Callable[[bytes], bytes]) -> list[bytes]:
    """The bytes beside each of these 2 to 64 leaf hashes; `signer` gives the 64 bytes of Ed25519 of
    a message. Raises TlogError for fewer or more."""
    if not 2 <= len(leaves) <= MOST:
        raise TlogError(f"a turn has 2 to {MOST} leaves, not {len(leaves)}")
    root, paths = _paths(leaves)
    signature, size = signer(message(len(leaves), root)), len(leaves)
    return [signature + _PLACE.pack(index, size) + path for index, path in enumerate(paths)]


def _paths(leaves: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """The root, and each leaf's path: rows of the tree upwards, then paths back downwards."""
    sha256 = hashlib.sha256
    rows = [list(leaves)]
    for _ in range((len(leaves) - 1).bit_length()):
        row = rows[-1]
        above = [
            sha256(b"\x01" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)
        ]
        rows.append([*above, row[-1]] if len(row) & 1 else above)
    paths = [b""]
    for row in reversed(rows[:-1]):
        below: list[bytes] = []
        for at in range(0, len(row) - 1, 2):
            path = paths[at >> 1]
            below += (row[at + 1] + path, row[at] + path)
        paths = [*below, paths[-1]] if len(row) & 1 else below
    return rows[-1][0], paths


class Roots:
    """Verifies leaves of turns, and remembers of each root, true or false, whether the key signed
    it: one signature is checked a turn, and never more than one a leaf.

    The memory is bounded to so many roots; when it is full it is emptied, and what was forgotten is
    checked again. Threads may share it."""

    def __init__(self, most: int = ROOTS) -> None:
        self._most = most
        self._known: dict[tuple[bytes, bytes, int, bytes], bool] = {}

    def __len__(self) -> int:
        return len(self._known)

    def verify(self, key: Verifier, leaf: bytes, data: bytes) -> bool:
        """Whether this key signed a turn that the leaf of this hash stands in, as these bytes
        beside it say."""
        try:
            turn = TurnSignature.parse(data)
        except TlogError:
            return False
        # All that the answer depends on: a root that one key signed is another key's lie.
        root = key.public_key, turn.signature, turn.size, turn.root(leaf)
        known = self._known.get(root)
        if known is None:
            known = key.verify(message(turn.size, root[3]), turn.signature)
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[root] = known
        return known
