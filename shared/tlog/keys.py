"""Keys of C2SP signed notes: their names, ids and text forms, and plain Ed25519 signing with them.

A key signs any bytes: the text of a note, the root of a turn, or the DSSE encoding of an event.
Timestamped cosignatures are in `cosignature`."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

import nacl.bindings
import nacl.exceptions

from shared.tlog.encoding import from_base64, to_base64
from shared.tlog.errors import TlogError

ED25519: Final = 0x01
KEY_ID_SIZE: Final = 4
_KEY_SIZE: Final = nacl.bindings.crypto_sign_PUBLICKEYBYTES
_SEED_SIZE: Final = nacl.bindings.crypto_sign_SEEDBYTES
_SIGNATURE_SIZE: Final = nacl.bindings.crypto_sign_BYTES
_MAX_KEY_TEXT: Final = 16_384
_CONTROL: Final = re.compile(r"[\x00-\x1f]")


def check_name(name: str) -> str:
    """A key name: not empty, no Unicode space, no plus, no control character (signed-note,
    "Format")."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TlogError("a key name is valid Unicode") from error
    if not name or "+" in name or any(map(str.isspace, name)) or _CONTROL.search(name):
        raise TlogError(
            "a key name is not empty and has no space, no plus and no control character"
        )
    return name


def key_id(name: str, algorithm: int, public_key: bytes) -> bytes:
    """The first four bytes of SHA-256(name, newline, type byte, public key) (signed-note,
    "Signatures")."""
    return hashlib.sha256(name.encode("utf-8") + b"\n" + bytes([algorithm]) + public_key).digest()[
        :KEY_ID_SIZE
    ]


def write_vkey(name: str, algorithm: int, public_key: bytes) -> str:
    """`name+id+base64(type byte, public key)` (signed-note, "Verifier keys")."""
    identity = key_id(name, algorithm, public_key).hex()
    return f"{name}+{identity}+{to_base64(bytes([algorithm]) + public_key)}"


def read_vkey(vkey: str, algorithm: int) -> tuple[str, bytes]:
    """Name and Ed25519 public key of a vkey of this signature type (signed-note, "Verifier
    keys")."""
    if len(vkey) > _MAX_KEY_TEXT or vkey.count("+") < 2:
        raise TlogError("a verifier key reads <name>+<8 hex digits>+<base64>")
    name, _, encoded = vkey.split("+", 2)
    material = from_base64(encoded)
    if material[:1] != bytes([algorithm]) or len(material) != 1 + _KEY_SIZE:
        raise TlogError(f"not an Ed25519 verifier key of signature type {algorithm:#04x}")
    if write_vkey(check_name(name), algorithm, material[1:]) != vkey:
        raise TlogError("the key id of the verifier key is not that of its name and key")
    return name, material[1:]


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Ed25519 (RFC 8032 §5.1.7)."""
    if len(signature) != _SIGNATURE_SIZE:
        return False
    try:
        nacl.bindings.crypto_sign_open(signature + message, public_key)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public half of a key that signs notes (signed-note, "Ed25519 signatures")."""

    algorithm: ClassVar[int] = ED25519
    name: str
    key_id: bytes
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Reads a vkey (signed-note, "Verifier keys")."""
        name, public_key = read_vkey(vkey, cls.algorithm)
        return cls(name, key_id(name, cls.algorithm, public_key), public_key)

    @property
    def vkey(self) -> str:
        """signed-note, "Verifier keys"."""
        return write_vkey(self.name, self.algorithm, self.public_key)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Ed25519 over exactly these bytes (signed-note, "Ed25519 signatures")."""
        return verifies(self.public_key, message, signature)


@dataclass(frozen=True, slots=True)
class Signer:
    """The private half. Its text form is that of golang.org/x/mod/sumdb/note; `repr` shows no
    secret."""

    algorithm: ClassVar[int] = ED25519
    name: str
    key_id: bytes = field(init=False)
    seed: bytes = field(repr=False)
    _expanded: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.seed) != _SEED_SIZE:
            raise TlogError(f"a seed has {_SEED_SIZE} bytes")
        public_key, expanded = nacl.bindings.crypto_sign_seed_keypair(self.seed)
        object.__setattr__(self, "key_id", key_id(self.name, self.algorithm, public_key))
        object.__setattr__(self, "_expanded", expanded)

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Reads `PRIVATE+KEY+name+id+base64(type byte, seed)` (sumdb/note, "Signing a Note")."""
        if len(skey) > _MAX_KEY_TEXT or not skey.startswith("PRIVATE+KEY+") or skey.count("+") < 4:
            raise TlogError("a signing key reads PRIVATE+KEY+<name>+<8 hex digits>+<base64>")
        name, _, encoded = skey.removeprefix("PRIVATE+KEY+").split("+", 2)
        material = from_base64(encoded)
        if material[:1] != bytes([cls.algorithm]) or len(material) != 1 + _SEED_SIZE:
            raise TlogError("not an Ed25519 signing key")
        signer = cls(name, material[1:])
        if signer.skey != skey:
            raise TlogError("the key id of the signing key is not that of its name and key")
        return signer

    @property
    def skey(self) -> str:
        """The secret text form (sumdb/note, "Signing a Note")."""
        material = to_base64(bytes([self.algorithm]) + self.seed)
        return f"PRIVATE+KEY+{self.name}+{self.key_id.hex()}+{material}"

    @property
    def public_key(self) -> bytes:
        return self._expanded[_SEED_SIZE:]

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key_id, self.public_key)

    @property
    def vkey(self) -> str:
        """signed-note, "Verifier keys"."""
        return self.verifier.vkey

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of Ed25519 over exactly these bytes (signed-note, "Ed25519 signatures")."""
        return nacl.bindings.crypto_sign(message, self._expanded)[:_SIGNATURE_SIZE]


def generate_key(name: str) -> tuple[str, str]:
    """A new key as the texts (skey, vkey) (sumdb/note, "Generating Keys")."""
    signer = Signer(name, nacl.bindings.randombytes(_SEED_SIZE))
    return signer.skey, signer.vkey
