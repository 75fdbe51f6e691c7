"""What the tests of this package share: a log's head, and damage, done to valid bytes in every way
that a transport or an enemy might."""

import hashlib
from collections.abc import Callable

from hypothesis import strategies as st

from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer
from shared.tlog.merkle import leaf_hash

SPEC_TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SPEC_NOTE = (
    SPEC_TEXT + "\n— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()

LOG = Signer("example.com/log", bytes(32))
OTHER = Signer("example.com/other", bytes(range(32)))
HEAD = Checkpoint(LOG.name, 5, leaf_hash(b"the only entry"))
NOTE = sign_checkpoint(HEAD, LOG)

_NOISE = st.binary(max_size=60) | st.sampled_from(
    [b"\n", b"\n\n", b" ", b"+", b"0", b"-1", "— ".encode(), b"9" * 5000, b"=\n"]
)


def flipped(data: bytes, place: int, mask: int = 1) -> bytes:
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


def leaves(count: int) -> list[bytes]:
    """Leaf hashes of a log of this many entries, each other than the rest."""
    return [leaf_hash(b"entry %d" % number) for number in range(count)]


def unlike(hashes: list[bytes]) -> list[bytes]:
    return [hashlib.sha256(one).digest() for one in hashes]


@st.composite
def _damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    data = valid
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        data = data[:start] + draw(_NOISE) + draw(st.sampled_from([data[end:], data[start:], b""]))
    return data


def refuses_or_reads(data: st.DataObject, parse: Callable[[bytes], object], valid: bytes) -> None:
    """Any bytes give a value or TlogError; another exception fails the test that called."""
    received = data.draw(st.binary(max_size=300) | _damaged(valid))
    try:
        parse(received)
    except TlogError:
        return
