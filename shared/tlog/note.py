"""C2SP signed notes: keys for now (the tlog worker completes this file)."""

import base64
import hashlib
from dataclasses import dataclass

import nacl.exceptions
import nacl.signing


class TlogError(ValueError):
    """Not what the specification says."""


def _key_id(name: str, material: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]


@dataclass(frozen=True, slots=True)
class Verifier:
    name: str
    key_id: bytes
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        try:
            name, key_id, encoded = vkey.split("+", 2)
            material = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise TlogError("not a verifier key") from error
        if material[:1] != b"\x01" or len(material) != 33 or _key_id(name, material).hex() != key_id:
            raise TlogError("not an Ed25519 verifier key")
        return cls(name, bytes.fromhex(key_id), material[1:])

    def verify(self, message: bytes, signature: bytes) -> bool:
        try:
            nacl.signing.VerifyKey(self.public_key).verify(message, signature)
        except (nacl.exceptions.BadSignatureError, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    name: str
    key_id: bytes
    seed: bytes

    @classmethod
    def parse(cls, skey: str) -> "Signer":
        try:
            private, key, name, key_id, encoded = skey.split("+", 4)
            material = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise TlogError("not a signer key") from error
        if (private, key) != ("PRIVATE", "KEY") or material[:1] != b"\x01" or len(material) != 33:
            raise TlogError("not an Ed25519 signer key")
        return cls(name, bytes.fromhex(key_id), material[1:])

    def sign(self, message: bytes) -> bytes:
        return nacl.signing.SigningKey(self.seed).sign(message).signature

    @property
    def vkey(self) -> str:
        public = b"\x01" + bytes(nacl.signing.SigningKey(self.seed).verify_key)
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(public).decode()}"


def generate_key(name: str) -> tuple[str, str]:
    seed = nacl.signing.SigningKey.generate()
    public = b"\x01" + bytes(seed.verify_key)
    key_id = _key_id(name, public)
    skey = "PRIVATE+KEY+" + name + "+" + key_id.hex() + "+" + base64.b64encode(b"\x01" + bytes(seed)).decode()
    return skey, Signer.parse(skey).vkey
