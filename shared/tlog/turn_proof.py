"""The signature of a turn as an offline proof (c2sp.org/tlog-proof) and back, without loss: so that
tools of others can check it."""

from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import HASH_SIZE
from shared.tlog.errors import TlogError
from shared.tlog.keys import ED25519, Verifier, key_id
from shared.tlog.note import Signature, add_signatures, parse_note
from shared.tlog.proof import Proof
from shared.tlog.turns import ALONE, TurnSignature, origin


def log_of(key: Verifier, root: bytes) -> Verifier:
    """The key under the name of the log that this turn is: what a policy must trust to accept the
    proof."""
    name = origin(root)
    return Verifier(name, key_id(name, ED25519, key.public_key), key.public_key)


def to_proof(turn: TurnSignature, leaf: bytes, key: Verifier) -> Proof:
    """The proof for this leaf hash; nothing is verified."""
    root = turn.root(leaf)
    log = log_of(key, root)
    line = Signature(log.name, log.key_id, turn.signature)
    hashes = [turn.path[at : at + HASH_SIZE] for at in range(0, len(turn.path), HASH_SIZE)]
    text = Checkpoint(log.name, turn.size, root).text
    return Proof(turn.index, tuple(hashes), add_signatures(text, [line]))


def from_proof(proof: Proof) -> TurnSignature:
    """The inverse. Raises TlogError for the proof of anything other than a turn."""
    text, signatures = parse_note(proof.checkpoint)
    head = Checkpoint.parse(text)
    if head.extensions or proof.extra or head.origin != origin(head.root):
        raise TlogError("that is the proof of another log than a turn")
    if len(signatures) != 1 or len(signatures[0].value) != ALONE:
        raise TlogError("a turn has one Ed25519 signature")
    turn = TurnSignature(signatures[0].value, proof.index, head.size, b"".join(proof.hashes))
    if head.size >= 1 << 16 or proof.index >= 1 << 16:
        raise TlogError("no turn is as large")
    return TurnSignature.parse(turn.encode())
