"""Offline proofs: their format, and that nothing in them can be changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.cosignature import Cosigner
from shared.tlog.errors import QuorumMissing, TlogError
from shared.tlog.keys import Signer
from shared.tlog.merkle import inclusion_proof, root_of
from shared.tlog.note import add_signatures, parse_note
from shared.tlog.policy import Policy
from shared.tlog.proof import Proof
from tests.unit.tlog.given import flipped, leaves, refuses_or_reads

LOG = Signer("example.com/fancylog", b"l" * 32)
WITNESS = Cosigner(Signer("witness.example/w1", b"w" * 32))
POLICY = Policy.parse(f"log {LOG.vkey}\nwitness w1 {WITNESS.vkey}\nquorum w1\n".encode())
LEAVES = leaves(13)
HEAD = Checkpoint(LOG.name, 13, root_of(LEAVES))
SIGNED = sign_checkpoint(HEAD, LOG)
WITNESSED = add_signatures(HEAD.text, [*parse_note(SIGNED)[1], WITNESS.cosign(HEAD.text, 1000)])
PROOF = Proof(7, tuple(inclusion_proof(7, LEAVES)), WITNESSED)
FILE = PROOF.encode()


def test_a_proof_reads_as_the_specification_shows_it() -> None:
    lines = FILE.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 7"]
    assert lines[2 + len(PROOF.hashes)] == ""
    assert FILE.endswith(b"\n\n" + WITNESSED)
    assert b"@v1\nextra AAEC\nindex 7\n" in Proof(7, (), WITNESSED, b"\0\1\2").encode()


@pytest.mark.parametrize("extra", [b"", b"\0 opaque"])
def test_a_proof_is_read_as_it_was_written(extra: bytes) -> None:
    for index in range(13):
        proof = Proof(index, tuple(inclusion_proof(index, LEAVES)), WITNESSED, extra)
        assert Proof.parse(proof.encode()) == proof
        judgement = proof.verify(LEAVES[index], POLICY)
        assert (judgement.checkpoint, judgement.cosigned) == (HEAD, {"w1": 1000})


def test_a_log_of_one_entry_has_a_proof_without_hashes() -> None:
    note = sign_checkpoint(Checkpoint(LOG.name, 1, LEAVES[0]), LOG)
    proof = Proof.parse(Proof(0, (), note).encode())
    assert proof.verify(LEAVES[0], Policy.parse(f"log {LOG.vkey}\nquorum none\n".encode())).quorum


def test_another_leaf_place_or_witness_is_refused() -> None:
    with pytest.raises(TlogError, match="not number 7"):
        PROOF.verify(LEAVES[8], POLICY)
    with pytest.raises(TlogError, match="not number 8"):
        Proof(8, PROOF.hashes, WITNESSED).verify(LEAVES[7], POLICY)
    with pytest.raises(QuorumMissing):
        Proof(7, PROOF.hashes, SIGNED).verify(LEAVES[7], POLICY)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"c2sp.org/tlog-proof@v1\n\n" + WITNESSED,
        FILE.replace(b"@v1", b"@v2"),
        FILE.replace(b"index 7", b"index 07"),
        FILE.replace(b"index 7", b"index -7"),
        FILE.replace(b"index 7", b"index"),
        FILE.replace(b"index 7\n", b""),
        FILE.replace(b"index 7", b"extra \nindex 7"),
        FILE.replace(b"index 7", b"extra AB==\nindex 7"),
        FILE.replace(b"index 7", b"extra AA==\nextra AA==\nindex 7"),
        FILE.replace(b"index 7", b"index 7\nAAAA"),
        FILE.replace(b"index 7\n", b"index 7\r\n"),
        FILE.replace(b"index 7\n", b"index 7\n" + b"A" * 43 + b"=\n" * 1),
        FILE.replace(b"index 7", b"index 7" + (b"\n" + b"A" * 43 + b"=") * 64),
        FILE[:-1],
        FILE + b"\n",
        b"x" * 2_000_001,
    ],
)
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(TlogError):
        Proof.parse(data).verify(LEAVES[7], POLICY)


def test_one_flipped_byte_anywhere_in_the_file_is_refused() -> None:
    for place in range(len(FILE)):
        with pytest.raises(TlogError):
            Proof.parse(flipped(FILE, place)).verify(LEAVES[7], POLICY)


@given(st.data())
def test_parsers_refuse_or_read(data: st.DataObject) -> None:
    refuses_or_reads(data, lambda received: Proof.parse(received).verify(LEAVES[7], POLICY), FILE)
