"""Sentences of the specifications, each as a test against code written from the sentence alone:
RFC 6962 and 9162, signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature, tlog-witness."""

import base64
import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey, VerifyKey

from shared.tlog.bundles import decode_bundle, encode_bundle
from shared.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from shared.tlog.cosignature import CosignatureVerifier, Cosigner
from shared.tlog.errors import TlogError
from shared.tlog.growth import Edge
from shared.tlog.keys import Signer, Verifier, generate_key, key_id
from shared.tlog.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from shared.tlog.note import Signature, add_signatures, open_note, parse_note, sign_note
from shared.tlog.tiles import Tile
from shared.tlog.witness import AddCheckpoint, monitoring_path
from tests.unit.tlog.given import HEAD, LOG, leaves

SEED = bytes(range(32))
SIGNER = Signer("example.com/log", SEED)


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# RFC 6962, section 2.1


def largest_power_below(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(hashes: Sequence[bytes]) -> bytes:
    """Merkle Tree Hash, from leaf hashes."""
    if not hashes:
        return sha256()
    if len(hashes) == 1:
        return hashes[0]
    k = largest_power_below(len(hashes))
    return sha256(b"\x01", mth(hashes[:k]), mth(hashes[k:]))


def path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Merkle Audit Paths."""
    if len(hashes) == 1:
        return []
    k = largest_power_below(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """Merkle Consistency Proofs."""
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = largest_power_below(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole=whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], whole=False), mth(hashes[:k])]


def test_the_hash_of_an_empty_list_is_that_of_an_empty_string() -> None:
    assert EMPTY_ROOT == sha256() == root_of([])
    assert EMPTY_ROOT.hex() == ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


@given(st.binary(max_size=100), st.binary(min_size=32, max_size=32))
def test_leaves_and_nodes_are_hashed_in_domains_of_their_own(leaf: bytes, hash_: bytes) -> None:
    assert leaf_hash(leaf) == sha256(b"\x00", leaf)
    assert node_hash(hash_, leaf_hash(leaf)) == sha256(b"\x01", hash_, leaf_hash(leaf))
    assert leaf_hash(hash_ + hash_) != node_hash(hash_, hash_)


@given(st.integers(1, 300), st.data())
def test_roots_and_proofs_are_those_of_the_recursive_definitions(
    size: int, data: st.DataObject
) -> None:
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert root_of(hashes) == mth(hashes)
    assert inclusion_proof(index, hashes) == path(index, hashes)
    assert consistency_proof(old, hashes) == subproof(old, hashes, whole=True)
    assert verify_inclusion(index, size, hashes[index], path(index, hashes), mth(hashes))
    assert verify_consistency(
        old, size, mth(hashes[:old]), mth(hashes), subproof(old, hashes, whole=True)
    )


@given(st.integers(2, 200))
def test_the_last_node_of_an_odd_row_is_never_doubled(size: int) -> None:
    hashes = leaves(size)
    assert root_of(hashes) != root_of([*hashes, hashes[-1]])


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_hash_of_another_length_is_no_root_leaf_or_sibling(length: int) -> None:
    short, hashes = bytes(length), leaves(2)
    assert not verify_inclusion(0, 1, short, [], short)
    assert not verify_inclusion(0, 2, hashes[0], [short], root_of(hashes))
    assert not verify_consistency(1, 1, short, short, [])
    assert not verify_consistency(1, 2, hashes[0], root_of(hashes), [short])


def test_a_proof_from_size_nought_is_empty_and_from_the_empty_root() -> None:
    root = root_of(leaves(5))
    assert verify_consistency(0, 5, EMPTY_ROOT, root, [])
    assert not verify_consistency(0, 5, root, root, [])
    assert not verify_consistency(0, 5, EMPTY_ROOT, root, [root])
    assert verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not verify_consistency(0, 0, root, root, [])


def test_equal_sizes_need_equal_roots_and_an_empty_proof() -> None:
    one, other = root_of(leaves(5)), root_of(leaves(6))
    assert verify_consistency(5, 5, one, one, [])
    assert not verify_consistency(5, 5, one, other, [])
    assert not verify_consistency(5, 5, one, one, [one])


# signed-note


@pytest.mark.parametrize(
    ("algorithm", "key"), [(0x01, Verifier), (0x04, CosignatureVerifier)], ids=["note", "cosigned"]
)
def test_a_key_id_is_the_beginning_of_a_hash_over_name_type_and_key(
    algorithm: int, key: type[Verifier | CosignatureVerifier]
) -> None:
    public = bytes(SigningKey(SEED).verify_key)
    wanted = sha256(b"example.com/log\n", bytes([algorithm]), public)[:4]
    assert key_id("example.com/log", algorithm, public) == wanted
    vkey = Signer("example.com/log", SEED).vkey if key is Verifier else Cosigner(SIGNER).vkey
    name, hex_id, encoded = vkey.split("+", 2)
    assert (name, hex_id) == ("example.com/log", wanted.hex())
    assert key.parse(vkey).public_key == public
    assert encoded == b64(bytes([algorithm]) + public)


def test_the_signature_is_over_the_text_with_its_last_newline_and_without_the_blank_line() -> None:
    note = sign_note("two\nlines\n", SIGNER)
    (signature,) = parse_note(note)[1]
    key: VerifyKey = SigningKey(SEED).verify_key
    assert key.verify(b"two\nlines\n", signature.value) == b"two\nlines\n"


def test_a_signature_line_is_an_em_dash_the_name_and_base64_of_id_and_signature() -> None:
    line = sign_note("text\n", SIGNER).decode().splitlines()[-1]
    dash, name, encoded = line.split(" ")
    assert (dash, name) == ("\u2014", "example.com/log")
    assert Signature("example.com/log", SIGNER.key_id, SIGNER.sign(b"text\n")).line == f"{line}\n"
    assert len(encoded) == 92  # base64 of 4 + 64 bytes


@pytest.mark.parametrize("text", ["a\n\nb\n", "\n\n\n", "— not a signature\n\nmore\n", "\n"])
def test_a_text_may_hold_blank_lines_for_the_last_one_divides(text: str) -> None:
    assert open_note(sign_note(text, SIGNER), [SIGNER.verifier]).text == text


def test_at_least_sixteen_signatures_are_accepted() -> None:
    signers = [Signer.parse(generate_key(f"example.com/{number}")[0]) for number in range(16)]
    note = open_note(sign_note("text\n", *signers), [signers[15].verifier])
    assert (len(note.verified), len(note.unverified)) == (1, 15)


@pytest.mark.parametrize("algorithm", [0x02, 0x05, 0x06, 0xFF])
def test_signatures_of_algorithms_unknown_here_are_ignored_and_their_keys_refused(
    algorithm: int,
) -> None:
    stranger = Signature("example.com/log", key_id("example.com/log", algorithm, SEED), b"any")
    text, signatures = parse_note(sign_note("text\n", SIGNER))
    note = open_note(add_signatures(text, [stranger, *signatures]), [SIGNER.verifier])
    assert note.unverified == (stranger,)
    material = bytes([algorithm]) + bytes(SigningKey(SEED).verify_key)
    identity = sha256(b"example.com/log\n", material)[:4].hex()
    with pytest.raises(TlogError, match="signature type"):
        Verifier.parse(f"example.com/log+{identity}+{b64(material)}")


# tlog-checkpoint


def test_a_checkpoint_is_origin_size_and_root_a_line_each() -> None:
    head = Checkpoint("ledger.example/incidents", 0, EMPTY_ROOT)
    assert head.text == (
        "ledger.example/incidents\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    )


def test_extension_lines_are_kept_and_signed() -> None:
    head = Checkpoint(LOG.name, 5, bytes(32), ("one", "two"))
    note = sign_checkpoint(head, LOG)
    assert open_checkpoint(note, [LOG.verifier])[0].extensions == ("one", "two")
    with pytest.raises(TlogError):
        open_checkpoint(note.replace(b"\ntwo\n", b"\n"), [LOG.verifier])


# tlog-tiles


@pytest.mark.parametrize("size", [256, 511, 512, 700, 1023])
def test_a_tile_of_level_one_holds_the_roots_of_full_tiles_only(size: int) -> None:
    hashes = leaves(size)
    tiles = dict(Edge().grow(hashes).tiles)
    complete = len(hashes) // 256
    row = b"".join(mth(hashes[at * 256 : at * 256 + 256]) for at in range(complete))
    assert tiles[Tile(1, 0, complete)] == row
    assert not [tile for tile in tiles if tile.level == 2]


def test_a_full_tile_has_8192_bytes() -> None:
    assert len(dict(Edge().grow(leaves(256)).tiles)[Tile(0, 0)]) == 8192


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_an_entry_stands_behind_its_length_in_two_bytes_big_endian(entries: list[bytes]) -> None:
    data = b"".join(bytes(divmod(len(entry), 256)) + entry for entry in entries)
    assert encode_bundle(entries) == data
    assert decode_bundle(data, len(entries)) == entries


# tlog-cosignature and tlog-witness


@given(st.integers(0, 2**62))
def test_a_cosignature_signs_the_time_and_the_whole_text_of_the_checkpoint(time: int) -> None:
    cosignature = Cosigner(SIGNER).cosign(HEAD.text, time)
    message = f"cosignature/v1\ntime {time}\n{HEAD.text}".encode()
    assert int.from_bytes(cosignature.value[:8], "big") == time
    assert SigningKey(SEED).verify_key.verify(message, cosignature.value[8:]) == message


def test_a_request_is_old_size_proof_blank_line_and_the_checkpoint_verbatim() -> None:
    note = sign_checkpoint(HEAD, LOG)
    body = AddCheckpoint.of(3, [bytes(32), b"\xff" * 32], note).encode()
    lines = body.split(b"\n")
    assert lines[0] == b"old 3"
    assert lines[1:3] == [b64(bytes(32)).encode(), b64(b"\xff" * 32).encode()]
    assert lines[3] == b""
    assert body.endswith(b"\n\n" + note)


@pytest.mark.parametrize("lines", [0, 1, 63])
def test_up_to_63_proof_lines_are_read(lines: int) -> None:
    request = AddCheckpoint.of(1, [bytes(32)] * lines, sign_checkpoint(HEAD, LOG))
    assert AddCheckpoint.parse(request.encode()) == request
    with pytest.raises(TlogError, match="at most 63"):
        AddCheckpoint.of(1, [bytes(32)] * 64, sign_checkpoint(HEAD, LOG))


@given(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=30))
def test_a_witness_shows_a_log_under_the_hex_hash_of_its_origin(origin: str) -> None:
    assert monitoring_path(origin) == f"{sha256(origin.encode()).hex()}/checkpoint"
