"""add-checkpoint: each answer of tlog-witness, in its order, and a witness that never cosigns two
histories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.cosignature import Cosigner, cosigned_at
from shared.tlog.errors import SignatureRejected, TlogError
from shared.tlog.keys import Signer
from shared.tlog.merkle import EMPTY_ROOT, consistency_proof, root_of
from shared.tlog.note import Signature, add_signatures, open_note, sign_note
from shared.tlog.witness import (
    SIZE_TYPE,
    AddCheckpoint,
    Answer,
    Latest,
    decide,
    malformed,
    monitoring_path,
    read_cosignatures,
    read_size,
)
from tests.unit.tlog.given import leaves, refuses_or_reads, unlike

LOG = Signer("example.com/log", b"l" * 32)
STRANGER = Signer("example.com/log", b"s" * 32)
COSIGNER = Cosigner(Signer("witness.example/w1", b"w" * 32))
LOGS = {LOG.name: [LOG.verifier]}
LEAVES = leaves(40)
FORK = [*LEAVES[:10], *unlike(LEAVES[10:])]


def note(
    size: int, hashes: list[bytes] = LEAVES, *, origin: str = LOG.name, by: Signer = LOG
) -> bytes:
    return sign_checkpoint(Checkpoint(origin, size, root_of(hashes[:size])), by)


def growth(old: int, new: int, hashes: list[bytes] = LEAVES) -> AddCheckpoint:
    return AddCheckpoint.of(old, consistency_proof(old, hashes[:new]), note(new, hashes))


def latest(size: int) -> Latest:
    return Latest(size, root_of(LEAVES[:size]))


def ask(request: AddCheckpoint, known: Latest | None = None) -> Answer:
    return decide(
        AddCheckpoint.parse(request.encode()), LOGS, known or Latest(), COSIGNER, now=1000
    )


def refused(answer: Answer) -> int:
    assert answer.latest is None
    assert b"\xe2\x80\x94" not in answer.body
    return answer.status


@pytest.mark.parametrize(
    ("old", "new"), [(0, 0), (0, 1), (0, 9), (3, 9), (8, 9), (8, 16), (9, 9), (39, 40)]
)
def test_a_consistent_growth_is_cosigned(old: int, new: int) -> None:
    answer = ask(growth(old, new), latest(old))
    assert (answer.status, answer.latest) == (200, latest(new))
    text = growth(old, new).checkpoint.text
    (cosignature,) = read_cosignatures(answer.body, text, [COSIGNER.verifier])
    assert cosigned_at(cosignature) == 1000
    assert (
        open_note(growth(old, new).note + answer.body, [LOG.verifier, COSIGNER.verifier]).verified[
            1
        ]
        == cosignature
    )


def test_an_unknown_origin_is_404_even_when_its_signature_is_unknown() -> None:
    assert refused(ask(AddCheckpoint.of(0, [], note(9, origin="other.example")))) == 404


def test_a_stranger_s_signature_is_403() -> None:
    assert refused(ask(AddCheckpoint.of(50, [], note(9, by=STRANGER)))) == 403


def test_a_false_signature_of_the_log_is_403() -> None:
    false = Signature(LOG.name, LOG.key_id, bytes(64))
    body = add_signatures(growth(0, 9).checkpoint.text, [false])
    assert refused(ask(AddCheckpoint.of(0, [], body))) == 403


def test_an_old_size_above_the_checkpoint_is_400_and_comes_before_409() -> None:
    assert refused(ask(AddCheckpoint.of(10, [], note(9)), latest(20))) == 400


@pytest.mark.parametrize("old", [0, 3, 9])
def test_another_old_size_than_the_witness_s_is_409_with_the_size(old: int) -> None:
    answer = ask(growth(old, 9), latest(8))
    assert (refused(answer), answer.content_type, read_size(answer.body)) == (409, SIZE_TYPE, 8)


def test_a_rollback_is_409() -> None:
    assert refused(ask(growth(3, 9), latest(20))) == 409


def test_a_wrong_proof_is_422() -> None:
    good = growth(3, 9)
    for proof in (
        [],
        good.proof[:-1],
        [*good.proof, bytes(32)],
        good.proof[::-1],
        [bytes(32)] * 63,
    ):
        assert refused(ask(AddCheckpoint.of(3, proof, good.note), latest(3))) == 422


def test_a_fork_is_422() -> None:
    assert refused(ask(growth(20, 30, FORK), latest(20))) == 422
    assert refused(ask(growth(20, 20, FORK), latest(20))) == 422


def test_a_proof_from_nothing_is_empty_and_an_empty_tree_has_the_empty_root() -> None:
    assert refused(ask(AddCheckpoint.of(0, [bytes(32)], note(9)))) == 422
    assert (
        refused(
            ask(AddCheckpoint.of(0, [], sign_checkpoint(Checkpoint(LOG.name, 0, bytes(32)), LOG)))
        )
        == 422
    )
    assert ask(growth(0, 0)).latest == Latest(0, EMPTY_ROOT)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), max_size=30))
def test_whatever_is_asked_all_that_is_cosigned_is_one_history(
    requests: list[tuple[int, int, bool]],
) -> None:
    known, seen = Latest(), [(0, EMPTY_ROOT)]
    for old, new, forked in requests:
        hashes = FORK if forked else LEAVES
        answer = ask(growth(min(old, new), max(old, new), hashes), known)
        if answer.latest:
            known = answer.latest
            seen.append((known.size, known.root))
    assert [size for size, _ in seen] == sorted(size for size, _ in seen)
    assert any(
        all(root == root_of(hashes[:size]) for size, root in seen) for hashes in (LEAVES, FORK)
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        note(9),
        b"old 0\n" + note(9),
        b"old 0\n\n",
        b"old 00\n\n" + note(9),
        b"old +1\n\n" + note(9),
        b"old 1 \n\n" + note(9),
        b"old 1\r\n\n" + note(9),
        b"new 0\n\n" + note(9),
        b"old 1\nAAAA\n\n" + note(9),
        b"old 1\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + note(9),
        b"old 1\n" + b"x\n" * 100_000 + b"\n" + note(9),
        b"old 0\n\n" + sign_note("no checkpoint\n", LOG),
        b"old 0\n\n" + note(9)[:-1],
        b"old 0\n\n" + note(9) + b"x" * 300_000,
    ],
)
def test_a_malformed_body_is_400(body: bytes) -> None:
    with pytest.raises(TlogError) as raised:
        AddCheckpoint.parse(body)
    assert refused(malformed(raised.value)) == 400


def test_a_body_is_read_as_it_was_written() -> None:
    for request in (growth(0, 9), growth(3, 40)):
        assert AddCheckpoint.parse(request.encode()) == request


def test_a_client_takes_only_true_cosignatures_of_witnesses_it_knows() -> None:
    text = growth(0, 9).checkpoint.text
    true = COSIGNER.cosign(text, 5)
    unknown = Cosigner(Signer("witness.example/w2", bytes(32))).cosign(text, 5)
    false = COSIGNER.cosign(text + "more\n", 5)
    both = (unknown.line + true.line).encode()
    assert read_cosignatures(both, text, [COSIGNER.verifier]) == (true,)
    for body in (unknown.line.encode(), false.line.encode(), (true.line + false.line).encode()):
        with pytest.raises(SignatureRejected):
            read_cosignatures(body, text, [COSIGNER.verifier])
    for body in (b"", b"\n", b"\xff\n", true.line.encode()[:-1], b"x" * 1_000_001):
        with pytest.raises(TlogError):
            read_cosignatures(body, text, [COSIGNER.verifier])


@pytest.mark.parametrize(
    "body", [b"", b"8", b"08\n", b"8\n\n", b"-8\n", "\u0668\n".encode(), b"9" * 9999 + b"\n"]
)
def test_a_client_reads_a_size_strictly(body: bytes) -> None:
    assert read_size(b"8\n") == 8
    with pytest.raises(TlogError):
        read_size(body)


def test_a_witness_shows_a_log_under_the_hash_of_its_origin() -> None:
    digest = "a379a6f6eeafb9a55e378c118034e2751e682fab9f2d30ab13d2125586ce1947"
    assert monitoring_path("example.com") == f"{digest}/checkpoint"


@given(st.data())
def test_parsers_refuse_or_read(data: st.DataObject) -> None:
    request = growth(3, 9)
    answer = ask(request, latest(3))
    refuses_or_reads(
        data,
        lambda body: decide(AddCheckpoint.parse(body), LOGS, latest(3), COSIGNER, 5),
        request.encode(),
    )
    refuses_or_reads(
        data,
        lambda body: read_cosignatures(body, request.checkpoint.text, [COSIGNER.verifier]),
        answer.body,
    )
    refuses_or_reads(data, read_size, b"123\n")
