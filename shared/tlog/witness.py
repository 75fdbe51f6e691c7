"""The pure half of a witness and of its client (c2sp.org/tlog-witness, "add-checkpoint").

The process around it must hold one lock per origin from reading `Latest` until the new one is on
disk, and only then answer."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from shared.tlog.checkpoint import Checkpoint
from shared.tlog.cosignature import CosignatureVerifier, Cosigner
from shared.tlog.encoding import from_decimal, hash_from_base64, to_base64
from shared.tlog.errors import SignatureRejected, TlogError
from shared.tlog.keys import Verifier
from shared.tlog.merkle import EMPTY_ROOT, verify_consistency
from shared.tlog.note import (
    MAX_NOTE,
    Signature,
    open_note,
    parse_note,
    read_signatures,
    verify_signatures,
)

MAX_PROOF_LINES: Final = 63
MAX_REQUEST: Final = 256 * 1024
"""Bytes; room for 16 post-quantum signatures of 5 kB, which a note may carry, and as many again."""

SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A log's request to a witness (tlog-witness, "add-checkpoint"); `note` is the signed
    checkpoint, verbatim."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes
    checkpoint: Checkpoint

    @classmethod
    def of(cls, old_size: int, proof: Sequence[bytes], note: bytes) -> Self:
        if len(proof) > MAX_PROOF_LINES:
            raise TlogError(f"a request has at most {MAX_PROOF_LINES} proof lines")
        return cls(old_size, tuple(proof), note, Checkpoint.parse(parse_note(note)[0]))

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Reads a request body; a TlogError is to be answered with `malformed`."""
        if len(body) > MAX_REQUEST:
            raise TlogError(f"the request is longer than {MAX_REQUEST} bytes")
        head, blank, note = body.partition(b"\n\n")
        if not blank or not head.isascii() or not head.startswith(b"old "):
            raise TlogError(
                "a request is: old, space, size; proof lines; an empty line; a checkpoint"
            )
        old_size, *lines = head.decode("ascii").removeprefix("old ").split("\n")
        return cls.of(
            from_decimal(old_size),
            [hash_from_base64(line) for line in lines[: MAX_PROOF_LINES + 1]],
            note,
        )

    def encode(self) -> bytes:
        lines = [f"old {self.old_size}", *map(to_base64, self.proof), ""]
        return "".join(f"{line}\n" for line in lines).encode("ascii") + self.note


@dataclass(frozen=True, slots=True)
class Latest:
    """The largest tree of a log that the witness has cosigned, at first the empty one."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response. `latest`, if given, must be on disk before the response is sent."""

    status: int
    body: bytes
    content_type: str = TEXT_TYPE
    latest: Latest | None = None


def malformed(error: TlogError) -> Answer:
    return Answer(400, f"{error}\n".encode("utf-8", "replace"))


def decide(
    request: AddCheckpoint,
    logs: Mapping[str, Sequence[Verifier]],
    latest: Latest,
    cosigner: Cosigner,
    now: int,
) -> Answer:
    """The answer of a witness that trusts these keys per origin and last cosigned `latest`, at
    POSIX second `now`.

    The checks are made in the order of tlog-witness, "add-checkpoint"."""
    head = request.checkpoint
    if not (keys := logs.get(head.origin)):
        return Answer(404, b"this witness does not know the origin of the checkpoint\n")
    try:
        open_note(request.note, keys)
    except SignatureRejected as error:
        return Answer(403, f"{error}\n".encode())
    if request.old_size > head.size:
        return Answer(400, b"the old size is larger than the checkpoint\n")
    if request.old_size != latest.size:
        return Answer(409, b"%d\n" % latest.size, SIZE_TYPE)
    if not verify_consistency(latest.size, head.size, latest.root, head.root, request.proof):
        return Answer(
            422,
            b"the checkpoint is not shown to be consistent with the one this witness "
            b"cosigned last\n",
        )
    line = cosigner.cosign(head.text, now).line
    return Answer(200, line.encode("utf-8"), latest=Latest(head.size, head.root))


def read_cosignatures(
    body: bytes, text: str, witnesses: Iterable[CosignatureVerifier]
) -> tuple[Signature, ...]:
    """A client's reading of a 200 response: the true cosignatures of known witnesses on this text
    of a checkpoint.

    Raises TlogError when a known witness's is false, or there is none (tlog-witness,
    "add-checkpoint")."""
    if len(body) > MAX_NOTE:
        raise TlogError("the response of the witness is too long")
    try:
        lines = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TlogError("the response of the witness is not UTF-8") from error
    verified, _ = verify_signatures(text, read_signatures(lines), witnesses)
    if not verified:
        raise SignatureRejected("the response holds no cosignature of a known witness")
    return verified


def read_size(body: bytes) -> int:
    """A client's reading of a 409 response of type `SIZE_TYPE` (tlog-witness, "add-checkpoint")."""
    if not body.endswith(b"\n") or not body.isascii():
        raise TlogError("the size in the response of the witness ends with a newline")
    return from_decimal(body[:-1].decode("ascii"))


def monitoring_path(origin: str) -> str:
    """Where a witness shows the latest checkpoint it cosigned, below its prefix (tlog-witness,
    monitoring)."""
    return f"{hashlib.sha256(origin.encode('utf-8')).hexdigest()}/checkpoint"
