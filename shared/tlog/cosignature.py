"""Timestamped Ed25519 cosignatures (c2sp.org/tlog-cosignature): a witness states when it saw a log
grow consistently."""

from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

from shared.tlog.encoding import MAX_SIZE
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer, key_id, read_vkey, verifies, write_vkey
from shared.tlog.note import Signature

COSIGNATURE: Final = 0x04
MAX_TIMESTAMP: Final = MAX_SIZE
_TIMESTAMP_SIZE: Final = 8
_VALUE_SIZE: Final = _TIMESTAMP_SIZE + 64


@dataclass(frozen=True, slots=True)
class CosignatureVerifier:
    """The public half of a witness's key (tlog-cosignature, "Format"). A reader of notes takes it
    like any `Verifier`."""

    algorithm: ClassVar[int] = COSIGNATURE
    name: str
    key_id: bytes
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Reads a vkey of signature type 0x04 (tlog-cosignature, "Format")."""
        name, public_key = read_vkey(vkey, cls.algorithm)
        return cls(name, key_id(name, cls.algorithm, public_key), public_key)

    @property
    def vkey(self) -> str:
        """tlog-cosignature, "Format"."""
        return write_vkey(self.name, self.algorithm, self.public_key)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether timestamp and signature are this witness's over the text of a checkpoint
        ("Ed25519 signed message")."""
        if len(signature) != _VALUE_SIZE or (timestamp := _timestamp(signature)) > MAX_TIMESTAMP:
            return False
        return verifies(
            self.public_key, _signed_message(timestamp, message), signature[_TIMESTAMP_SIZE:]
        )


@dataclass(frozen=True, slots=True)
class Cosigner:
    """The private half: a signing key that must be used for cosignatures only (tlog-cosignature,
    "Format")."""

    signer: Signer = field(repr=False)

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Reads the text form of a `Signer`; as in Go's note tools, one text form serves both kinds
        of key."""
        return cls(Signer.parse(skey))

    @property
    def verifier(self) -> CosignatureVerifier:
        name, public_key = self.signer.name, self.signer.public_key
        return CosignatureVerifier(name, key_id(name, COSIGNATURE, public_key), public_key)

    @property
    def vkey(self) -> str:
        """tlog-cosignature, "Format"."""
        return self.verifier.vkey

    def cosign(self, text: str, timestamp: int) -> Signature:
        """The cosignature of the text of a checkpoint, at this POSIX second (tlog-cosignature,
        "Ed25519 signed message").

        The caller must have verified that the checkpoint is consistent with every one of this log
        that it ever cosigned."""
        if not 0 <= timestamp <= MAX_TIMESTAMP:
            raise TlogError("the time of a cosignature is a number of seconds from 1970 on")
        value = self.signer.sign(_signed_message(timestamp, text.encode("utf-8")))
        return Signature(
            self.signer.name,
            self.verifier.key_id,
            timestamp.to_bytes(_TIMESTAMP_SIZE, "big") + value,
        )


def cosigned_at(signature: Signature) -> int:
    """The POSIX second of a verified cosignature (tlog-cosignature, "Format")."""
    if len(signature.value) != _VALUE_SIZE:
        raise TlogError("not an Ed25519 cosignature")
    return _timestamp(signature.value)


def _timestamp(value: bytes) -> int:
    return int.from_bytes(value[:_TIMESTAMP_SIZE], "big")


def _signed_message(timestamp: int, text: bytes) -> bytes:
    return b"cosignature/v1\ntime %d\n" % timestamp + text
