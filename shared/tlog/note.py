"""C2SP signed notes (c2sp.org/signed-note): a text, a blank line, and one line per signature."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from shared.tlog.encoding import from_base64, to_base64
from shared.tlog.errors import SignatureRejected, TlogError
from shared.tlog.keys import KEY_ID_SIZE, Signer, Verifier, check_name, generate_key

__all__ = [
    "MAX_NOTE",
    "MAX_SIGNATURES",
    "Note",
    "NoteVerifier",
    "Signature",
    "SignatureRejected",
    "Signer",
    "TlogError",
    "Verifier",
    "add_signatures",
    "generate_key",
    "open_note",
    "parse_note",
    "read_signatures",
    "sign_note",
    "verify_signatures",
]

MAX_SIGNATURES: Final = 100
MAX_NOTE: Final = 1_000_000
"""Bytes; the limits of sumdb/note. The specification asks for at least 16 signatures."""

_CONTROL: Final = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_DASH: Final = "\N{EM DASH} "


class NoteVerifier(Protocol):
    """A key that a reader of notes trusts: `Verifier`, or `CosignatureVerifier` for a witness."""

    @property
    def name(self) -> str: ...
    @property
    def key_id(self) -> bytes: ...
    def verify(self, message: bytes, signature: bytes, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line (signed-note, "Signatures"); `value` is the signature without the key
    id."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        return f"{_DASH}{self.name} {to_base64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that at least one trusted key signed. The `unverified` signatures are of unknown keys
    and have not been checked."""

    text: str
    verified: tuple[Signature, ...]
    unverified: tuple[Signature, ...] = ()


def sign_note(text: str, *signers: Signer) -> bytes:
    """The note of this text, signed by each (signed-note, "Format" and "Ed25519 signatures")."""
    message = text.encode("utf-8", "replace")
    return add_signatures(
        text, (Signature(signer.name, signer.key_id, signer.sign(message)) for signer in signers)
    )


def add_signatures(text: str, signatures: Iterable[Signature]) -> bytes:
    """The note of this text with these signatures, in this order (signed-note, "Format")."""
    try:
        note = (text + "\n" + "".join(signature.line for signature in signatures)).encode("utf-8")
    except UnicodeEncodeError as error:
        raise TlogError("the text of a note is valid Unicode") from error
    if parse_note(note)[0] != text:
        raise TlogError("the text of a note ends with a newline")
    return note


def parse_note(note: bytes) -> tuple[str, tuple[Signature, ...]]:
    """Text and signatures of a note, unverified (signed-note, "Format")."""
    if len(note) > MAX_NOTE:
        raise TlogError(f"the note is longer than {MAX_NOTE} bytes")
    if _CONTROL.search(note):
        raise TlogError("the note contains a control character")
    try:
        content = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TlogError("the note is not UTF-8") from error
    head, blank, tail = content.rpartition("\n\n")
    if not blank:
        raise TlogError("the note has no blank line between text and signatures")
    return head + "\n", read_signatures(tail)


def read_signatures(lines: str) -> tuple[Signature, ...]:
    """One or more signature lines, each ended by a newline (signed-note, "Signatures")."""
    if not lines.endswith("\n"):
        raise TlogError("a signature line ends with a newline")
    if lines.count("\n") > MAX_SIGNATURES:
        raise TlogError(f"more than {MAX_SIGNATURES} signatures")
    return tuple(_signature(line) for line in lines[:-1].split("\n"))


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise TlogError("a signature line reads: em dash, space, key name, space, base64")
    blob = from_base64(encoded)
    if len(blob) <= KEY_ID_SIZE:
        raise TlogError("a signature line holds a key id of four bytes and a signature")
    return Signature(check_name(name), blob[:KEY_ID_SIZE], blob[KEY_ID_SIZE:])


def open_note(note: bytes, verifiers: Iterable[NoteVerifier]) -> Note:
    """The note, if a trusted key signed it and none of its trusted signatures is false
    (signed-note, "Signatures")."""
    text, signatures = parse_note(note)
    verified, unverified = verify_signatures(text, signatures, verifiers)
    if not verified:
        raise SignatureRejected("no trusted key signed the note")
    return Note(text, verified, unverified)


def verify_signatures(
    text: str, signatures: Iterable[Signature], verifiers: Iterable[NoteVerifier]
) -> tuple[tuple[Signature, ...], tuple[Signature, ...]]:
    """The signatures of trusted keys, the first of each key, and those of unknown keys
    (signed-note, "Signatures").

    Raises SignatureRejected when a signature with name and id of a trusted key is false."""
    known = _by_identity(verifiers)
    message = text.encode("utf-8")
    verified: dict[tuple[str, bytes], Signature] = {}
    unverified: list[Signature] = []
    for signature in signatures:
        identity = (signature.name, signature.key_id)
        if (verifier := known.get(identity)) is None:
            unverified.append(signature)
        elif not verifier.verify(message, signature.value):
            raise SignatureRejected(f"the signature of {signature.name} is false")
        else:
            verified.setdefault(identity, signature)
    return tuple(verified.values()), tuple(unverified)


def _by_identity(verifiers: Iterable[NoteVerifier]) -> dict[tuple[str, bytes], NoteVerifier]:
    known: dict[tuple[str, bytes], NoteVerifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise TlogError(f"two trusted keys share the name {verifier.name} and a key id")
    return known
