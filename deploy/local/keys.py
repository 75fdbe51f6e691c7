"""The secrets of a local stack, made on the first run and kept in `keys/` of its data folder: 0700,
each file 0600."""

import base64
import hashlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from deploy.local.errors import StackError
from shared.contract.vocabulary import ServiceName
from shared.tlog.note import Signer, generate_key

JWT_ISSUER: Final = "incident-ledger.local"
JWT_AUDIENCE: Final = "incident-ledger"
LOG_ORIGIN: Final = "incident-ledger/log"
INBOX_CHANNEL: Final = "webhook"
PASSWORDS: Final = (
    "postgres",
    "auditor",
    "kafka",
    *(f"{service}_{role}" for service in ServiceName for role in ("owner", "service")),
)


_INBOX: Final = re.compile(r"(json|http)://127\.0\.0\.1:\d+/inbox")
"""What we wrote ourselves: `json://` before there were signatures."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Where each secret of a data folder lies."""

    folder: Path

    @classmethod
    def of(cls, data: Path) -> "Keys":
        return cls(data.absolute() / "keys")

    def signing_key(self, service: ServiceName) -> Path:
        return self.folder / f"{service}.key"

    @property
    def trust_file(self) -> Path:
        return self.folder / "trust.txt"

    @property
    def token_key(self) -> Path:
        return self.folder / "token.pem"

    @property
    def jwks(self) -> Path:
        return self.folder / "jwks.json"

    @property
    def channels(self) -> Path:
        return self.folder / "channels.json"

    @property
    def inbox_secret(self) -> Path:
        return self.folder / "inbox.secret"

    @property
    def anonymity_key(self) -> Path:
        return self.folder / "anonymity.key"

    @property
    def pseudonym_key(self) -> Path:
        return self.folder / "pseudonym.key"

    @property
    def log_key(self) -> Path:
        return self.folder / "log.key"

    @property
    def log_vkey(self) -> Path:
        return self.folder / "log.vkey"

    @property
    def log_policy(self) -> Path:
        return self.folder / "policy"

    @property
    def log_store(self) -> Path:
        return self.folder.parent / "log"

    @property
    def _passwords(self) -> Path:
        return self.folder / "passwords.json"

    def passwords(self) -> dict[str, str]:
        """By role of Postgres: postgres, auditor, <service>_owner, <service>_service; and by
        `kafka`, that of every client of the broker."""
        passwords: dict[str, str] = json.loads(self._passwords.read_text(encoding="utf-8"))
        return passwords

    def make(self) -> None:
        """Makes what is missing; touches nothing that is there."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_signing_keys()
        self._make_log()
        if not self.token_key.exists():
            key = Ed25519PrivateKey.generate()
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_secret(self.token_key, pem.decode("ascii"))
        if not self.jwks.exists():
            write_secret(self.jwks, json.dumps({"keys": [public_jwk(self.token_key)]}, indent=2))
        for key_file in (self.anonymity_key, self.pseudonym_key):
            if not key_file.exists():
                write_secret(key_file, secrets.token_hex(32) + "\n")
        if not self.channels.exists():
            write_secret(self.channels, "{}\n")
        if not self.inbox_secret.exists():
            secret = base64.b64encode(secrets.token_bytes(32)).decode("ascii")
            write_secret(self.inbox_secret, f"whsec_{secret}\n")
        self._make_passwords()

    def _make_passwords(self) -> None:
        there = self.passwords() if self._passwords.exists() else {}
        missing = [name for name in PASSWORDS if name not in there]
        if missing:
            made = {name: secrets.token_urlsafe(24) for name in missing}
            write_secret(self._passwords, json.dumps({**there, **made}, indent=2))

    def lead_to_inbox(self, port: int) -> None:
        """Lets the one channel that there is at first lead to the stack's inbox, wherever that is
        now; other channels stay."""
        try:
            channels = json.loads(self.channels.read_text(encoding="utf-8"))
        except ValueError:
            return  # somebody has edited it; notify says what is wrong
        if not isinstance(channels, dict):
            return
        entry = channels.get(INBOX_CHANNEL)
        url = entry.get("url") if isinstance(entry, dict) else entry
        if not channels or _INBOX.fullmatch(str(url)):
            channels[INBOX_CHANNEL] = {
                "url": f"http://127.0.0.1:{port}/inbox",
                "secret": self.inbox_secret.read_text(encoding="ascii").strip(),
                "allow_private": True,
            }
            write_secret(self.channels, json.dumps(channels, indent=2) + "\n")

    def _make_signing_keys(self) -> None:
        missing = [service for service in ServiceName if not self.signing_key(service).exists()]
        if missing and self.trust_file.exists():
            raise StackError(
                f"{self.signing_key(missing[0])} is missing, which {self.trust_file.name} names; "
                "put it back from a backup, "
                "or write a new key's line with the sequence from which it holds"
            )
        for service in missing:
            private, _ = generate_key(f"incident-ledger/{service}")
            write_secret(self.signing_key(service), private + "\n")
        if not self.trust_file.exists():
            lines = ["# <service> <partition or *> <first sequence> <vkey>"]
            for service in ServiceName:
                signer = Signer.parse(self.signing_key(service).read_text(encoding="utf-8").strip())
                lines.append(f"{service} * 1 {signer.vkey}")
            write_secret(self.trust_file, "\n".join(lines) + "\n")

    def _make_log(self) -> None:
        """The key of the sealed log, and a policy that asks for no witness until somebody adds
        one."""
        if not self.log_key.exists():
            if self.log_store.exists():
                raise StackError(
                    f"{self.log_key} is missing, which signed {self.log_store}; "
                    "put it back from a backup"
                )
            write_secret(self.log_key, generate_key(LOG_ORIGIN)[0] + "\n")
        vkey = Signer.parse(self.log_key.read_text(encoding="utf-8").strip()).vkey
        if not self.log_vkey.exists():
            write_secret(self.log_vkey, vkey + "\n")
        if not self.log_policy.exists():
            write_secret(self.log_policy, f"log {vkey}\nquorum none\n")


def public_jwk(token_key: Path) -> dict[str, str]:
    """The public half as a JSON Web Key; its `kid` is the RFC 7638 thumbprint."""
    key = load_pem_private_key(token_key.read_bytes(), password=None)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    required = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    thumbprint = hashlib.sha256(
        json.dumps(required, separators=(",", ":"), sort_keys=True).encode()
    ).digest()
    return {**required, "alg": "EdDSA", "use": "sig", "kid": _base64url(thumbprint)}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def write_secret(path: Path, text: str) -> None:
    """Whole or not at all, readable by its owner alone."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    try:
        with open(
            os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise type(error)(error.errno, error.strerror, str(path)) from error
