"""Checkpoints (c2sp.org/tlog-checkpoint): a log's origin, size and root as the text of a signed
note."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.tlog.encoding import from_decimal, hash_from_base64, to_base64
from shared.tlog.errors import SignatureRejected, TlogError
from shared.tlog.keys import Signer, Verifier
from shared.tlog.merkle import EMPTY_ROOT
from shared.tlog.note import Note, NoteVerifier, open_note, parse_note, sign_note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log at one size (tlog-checkpoint, "Note text")."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the text of a note (tlog-checkpoint, "Note text")."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "" or "" in lines:
            raise TlogError(
                "a checkpoint has three or more lines that are not empty: origin, size, root"
            )
        origin, size, root, *extensions = lines
        return cls(origin, from_decimal(size), hash_from_base64(root), tuple(extensions))

    @property
    def text(self) -> str:
        """tlog-checkpoint, "Note text"."""
        return "".join(
            f"{line}\n" for line in (self.origin, self.size, to_base64(self.root), *self.extensions)
        )


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    """The signed note of a checkpoint (tlog-checkpoint, "Signatures").

    The caller must make sure that it is consistent with every checkpoint these keys ever
    signed."""
    if Checkpoint.parse(checkpoint.text) != checkpoint:
        raise TlogError("no line of a checkpoint contains a newline")
    return sign_note(checkpoint.text, *signers)


def open_checkpoint(
    note: bytes, logs: Iterable[Verifier], witnesses: Iterable[NoteVerifier] = ()
) -> tuple[Checkpoint, Note]:
    """The checkpoint, if one of the logs signed it for the origin that is its key's name
    (tlog-checkpoint, "Signatures").

    The note holds the cosignatures of these witnesses among its verified signatures."""
    checkpoint = Checkpoint.parse(parse_note(note)[0])
    keys = [log for log in logs if log.name == checkpoint.origin]
    opened = open_note(note, [*keys, *witnesses])
    signed_by = {(signature.name, signature.key_id) for signature in opened.verified}
    if not any((key.name, key.key_id) in signed_by for key in keys):
        raise SignatureRejected(
            f"no trusted key of the log {checkpoint.origin} signed the checkpoint"
        )
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise TlogError("a checkpoint of size 0 with another root than that of the empty tree")
    return checkpoint, opened
