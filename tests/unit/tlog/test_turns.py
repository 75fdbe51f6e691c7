"""One signature for many leaves: each verifies by itself, as itself alone, in its own place, and
whatever is changed in it is refused."""

import base64
import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer, Verifier
from shared.tlog.merkle import inclusion_proof, leaf_hash, root_of, verify_inclusion
from shared.tlog.policy import Policy
from shared.tlog.proof import Proof
from shared.tlog.turn_proof import from_proof, log_of, to_proof
from shared.tlog.turns import (
    ALONE,
    LENGTHS,
    LONGEST,
    MOST,
    Roots,
    TurnSignature,
    message,
    siblings,
    sign,
)
from tests.examples import examples
from tests.unit.tlog.given import LOG, OTHER, flipped, leaves, refuses_or_reads

SIZES = range(2, MOST + 1)
KEY = LOG.verifier


def signed(size: int, signer: Signer = LOG) -> list[bytes]:
    return sign(leaves(size), signer.sign)


def verifies(leaf: bytes, data: bytes, key: Verifier = KEY) -> bool:
    return Roots().verify(key, leaf, data)


@pytest.mark.parametrize("size", [2, 3, 4, 5, 7, 8, 9, 16, 31, 33, 64])
def test_every_leaf_of_a_turn_verifies_by_itself_and_as_no_other(size: int) -> None:
    hashes, roots = leaves(size), Roots()
    for at, data in enumerate(signed(size)):
        assert [roots.verify(KEY, leaf, data) for leaf in hashes] == [
            other == at for other in range(size)
        ]


@pytest.mark.parametrize("size", SIZES)
def test_paths_are_those_of_the_definition(size: int) -> None:
    hashes = leaves(size)
    root = root_of(hashes)
    for at, data in enumerate(signed(size)):
        turn = TurnSignature.parse(data)
        path = [turn.path[start : start + 32] for start in range(0, len(turn.path), 32)]
        assert (turn.index, turn.size, path) == (at, size, inclusion_proof(at, hashes))
        assert turn.root(hashes[at]) == root
        assert verify_inclusion(at, size, hashes[at], path, root)
        assert LOG.verifier.verify(message(size, root), turn.signature)


def test_the_bytes_are_signature_index_size_and_path() -> None:
    one, two, three = leaves(3)
    left = hashlib.sha256(b"\1" + one + two).digest()
    root = hashlib.sha256(b"\1" + left + three).digest()
    text = f"incident-ledger/turn/{root.hex()}\n3\n{base64.b64encode(root).decode()}\n"
    signature = LOG.sign(text.encode())
    assert sign([one, two, three], LOG.sign) == [
        signature + struct.pack(">HH", 0, 3) + two + three,
        signature + struct.pack(">HH", 1, 3) + one + three,
        signature + struct.pack(">HH", 2, 3) + left,
    ]


def test_what_is_signed_is_a_checkpoint_that_names_its_own_root() -> None:
    head = Checkpoint.parse(message(7, b"r" * 32).decode())
    assert (head.size, head.root, head.extensions) == (7, b"r" * 32, ())
    assert head.origin == "incident-ledger/turn/" + "72" * 32
    assert not message(7, b"r" * 32).startswith(b"DSSEv1 ")


def test_the_lengths_are_all_that_turns_have() -> None:
    there = {len(data) for size in SIZES for data in signed(size)}
    assert {ALONE} | there == set(LENGTHS)
    assert max(there) == LONGEST == 260


@pytest.mark.parametrize("size", [0, 1, MOST + 1, 256])
def test_a_turn_has_2_to_64_leaves(size: int) -> None:
    with pytest.raises(TlogError, match=f"2 to 64 leaves, not {size}"):
        sign(leaves(size), LOG.sign)


def test_a_turn_is_signed_once() -> None:
    messages: list[bytes] = []

    def once(text: bytes) -> bytes:
        messages.append(text)
        return bytes(64)

    sign(leaves(MOST), once)
    assert messages == [message(MOST, root_of(leaves(MOST)))]


@settings(deadline=None, max_examples=examples(40))
@given(st.sampled_from(SIZES), st.data())
def test_any_byte_changed_in_signature_or_leaf_is_refused(size: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, size - 1))
    leaf, whole = leaves(size)[at], signed(size)[at]
    roots = Roots()
    assert roots.verify(KEY, leaf, whole)
    mask = data.draw(st.integers(1, 255))
    for place in range(len(whole)):
        assert not roots.verify(KEY, leaf, flipped(whole, place, mask)), place
    for place in range(len(leaf)):
        assert not roots.verify(KEY, flipped(leaf, place, mask), whole), place


@pytest.mark.parametrize("size", [2, 3, 5, 8, 33, 64])
def test_a_path_that_proves_another_index_or_size_is_refused(size: int) -> None:
    hashes, whole = leaves(size), signed(size)
    for at in {0, 1, size // 2, size - 1}:
        data = whole[at]
        for index in range(MOST + 2):
            for other in (*range(MOST + 3), 128, 256, 512, 65_535):
                if (index, other) != (at, size):
                    claimed = data[:64] + struct.pack(">HH", index, other) + data[68:]
                    assert not verifies(hashes[at], claimed)


@pytest.mark.parametrize("size", [2, 3, 8, 64])
def test_a_path_is_neither_cut_nor_made_longer(size: int) -> None:
    for at, data in enumerate(signed(size)):
        leaf = leaves(size)[at]
        longer = [data + more for more in (b"x", bytes(32), data[68:], leaf)]
        for other in (*longer, *(data[:end] for end in range(len(data)))):
            assert not verifies(leaf, other)


def test_the_root_of_a_turn_is_no_leaf_of_a_smaller_one() -> None:
    """A node of the tree, taken for a leaf: its hash is of another kind than an envelope's, and the
    size that was signed tells."""
    four = leaves(4)
    pair = root_of(four[:2])
    data = signed(4)[0]
    shorter = data[:64] + struct.pack(">HH", 0, 2) + data[100:]
    assert TurnSignature.parse(shorter).root(pair) == root_of(four)
    assert not verifies(pair, shorter)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "too short"),
        (bytes(67), "too short"),
        (bytes(64) + struct.pack(">HH", 0, 0), "a turn of 0 leaves has no leaf 0"),
        (bytes(64) + struct.pack(">HH", 0, 1), "a turn of 1 leaves has no leaf 0"),
        (bytes(64) + struct.pack(">HH", 2, 2) + bytes(32), "a turn of 2 leaves has no leaf 2"),
        (bytes(64) + struct.pack(">HH", 0, 65) + bytes(224), "a turn of 65 leaves has no leaf 0"),
        (bytes(64) + struct.pack(">HH", 0, 2), "has 32 bytes, not 0"),
        (bytes(64) + struct.pack(">HH", 0, 2) + bytes(33), "has 32 bytes, not 33"),
        (bytes(64) + struct.pack(">HH", 2, 3) + bytes(64), "has 32 bytes, not 64"),
    ],
)
def test_what_is_no_signature_of_a_turn_is_refused_by_its_fault(data: bytes, words: str) -> None:
    with pytest.raises(TlogError, match=words):
        TurnSignature.parse(data)
    assert not verifies(bytes(32), data)


@given(st.data())
def test_any_bytes_are_read_or_refused(data: st.DataObject) -> None:
    refuses_or_reads(data, TurnSignature.parse, signed(5)[1])


@given(st.sampled_from(SIZES), st.data())
def test_what_is_read_is_written_the_same(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    signature = data.draw(st.binary(min_size=64, max_size=64))
    count = 32 * len(siblings(index, size))
    path = data.draw(st.binary(min_size=count, max_size=count))
    whole = signature + struct.pack(">HH", index, size) + path
    assert TurnSignature.parse(whole) == TurnSignature(signature, index, size, path)
    assert TurnSignature.parse(whole).encode() == whole


@pytest.mark.parametrize("size", SIZES)
def test_siblings_are_as_the_specification_folds_them(size: int) -> None:
    for index in range(size):
        at, last, sides = index, size - 1, []
        while last:
            if at & 1 or at == last:
                while not at & 1:
                    at, last = at >> 1, last >> 1
                sides.append(True)
            else:
                sides.append(False)
            at, last = at >> 1, last >> 1
        assert siblings(index, size) == tuple(sides)


class Watched(Verifier):
    """Counts its checks; `Verifier` itself is frozen."""

    checks: list[bytes] = []  # noqa: RUF012

    def verify(self, message: bytes, signature: bytes) -> bool:
        self.checks.append(message)
        return super().verify(message, signature)


@pytest.fixture
def watched() -> Watched:
    Watched.checks.clear()
    return Watched(KEY.name, KEY.key_id, KEY.public_key)


def test_a_turn_costs_one_check_whether_true_or_false(watched: Watched) -> None:
    roots = Roots()
    for leaf, data in zip(leaves(64), signed(64), strict=True):
        assert roots.verify(watched, leaf, data)
    assert len(watched.checks) == 1
    for leaf, data in zip(leaves(64), signed(64, OTHER), strict=True):
        assert not roots.verify(watched, leaf, data)
    assert len(watched.checks) == 2


def test_what_is_no_proof_costs_no_check(watched: Watched) -> None:
    assert not Roots().verify(watched, leaves(2)[0], signed(2)[0] + b"x")
    assert watched.checks == []


@pytest.mark.parametrize("first", [LOG, OTHER], ids=["the signer", "the other"])
def test_what_one_key_signed_is_not_remembered_as_another_s(first: Signer) -> None:
    roots, leaf, data = Roots(), leaves(2)[0], signed(2)[0]
    other = OTHER if first is LOG else LOG
    for signer in (first, other, first):
        assert roots.verify(signer.verifier, leaf, data) is (signer is LOG)


def test_a_remembered_root_vouches_for_no_other_signature_size_or_root() -> None:
    roots, (leaf, *_), (data, *_) = Roots(), leaves(3), signed(3)
    assert roots.verify(KEY, leaf, data)
    others = signed(3, OTHER)[0][:64], bytes(64), signed(2)[0][:64]
    assert not any(roots.verify(KEY, leaf, other + data[64:]) for other in others)
    assert not roots.verify(KEY, leaf, flipped(data, 67))
    assert not roots.verify(KEY, leaves(4)[3], data)
    assert roots.verify(KEY, leaf, data)


def test_the_memory_is_bounded_and_what_is_forgotten_is_checked_again(watched: Watched) -> None:
    roots = Roots(most=4)
    turns = [sign(leaves(size), LOG.sign)[0] for size in range(2, 12)]
    for _ in range(2):
        assert all(roots.verify(watched, leaves(2)[0], data) for data in turns)
        assert len(roots) <= 4
    assert len(watched.checks) == 20


@pytest.mark.parametrize("size", [2, 3, 6, 64])
def test_a_turn_is_a_proof_that_the_policy_of_its_log_accepts_and_back(size: int) -> None:
    hashes = leaves(size)
    policy = Policy.parse(f"log {log_of(KEY, root_of(hashes)).vkey}\nquorum none\n".encode())
    for leaf, data in zip(hashes, signed(size), strict=True):
        turn = TurnSignature.parse(data)
        proof = Proof.parse(to_proof(turn, leaf, KEY).encode())
        assert proof.verify(leaf, policy).checkpoint.size == size
        assert from_proof(proof).encode() == data
    with pytest.raises(TlogError):
        to_proof(turn, leaf_hash(b"another"), KEY).verify(leaf, policy)


def test_the_proof_of_another_log_is_no_turn() -> None:
    leaf, turn = leaves(2)[0], TurnSignature.parse(signed(2)[0])
    proof = to_proof(turn, leaf, KEY)
    text, lines = proof.checkpoint.split(b"\n\n")
    cases = [
        Proof(0, proof.hashes, proof.checkpoint, b"extra"),
        Proof(2, proof.hashes, proof.checkpoint),
        Proof(1 << 16, proof.hashes, proof.checkpoint),
        Proof(0, (), proof.checkpoint),
        Proof(0, proof.hashes, text.replace(b"turn/", b"turn") + b"\n\n" + lines),
        Proof(0, proof.hashes, text + b"\nmore\n\n" + lines),
        Proof(0, proof.hashes, proof.checkpoint + lines),
        Proof(0, proof.hashes, text.replace(b"\n2\n", b"\n70000\n") + b"\n\n" + lines),
    ]
    for case in cases:
        with pytest.raises(TlogError):
            from_proof(case)
