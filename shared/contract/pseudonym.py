"""Pseudonyms: events name a person by a keyed hash of the subject in the person's token, never by
the subject. Without the deployment's secret nobody can tell whose a pseudonym is, not even by
trying every name."""

import base64
import hashlib
import hmac
import re
import unicodedata
from typing import Final

PSEUDONYM: Final = r"^p[a-z2-7]{26}$"
FOR_KEYS: Final = b"idempotency\x00"
"""Begins whatever is hashed under the secret for another purpose than a pseudonym. No subject holds
NUL, so no pseudonym is ever the hash of anything else."""

_BYTES: Final = 16


def normalised(subject: str) -> str:
    """The one spelling of a subject under which persons are compared: width, case and blanks around
    it make nobody another person."""
    folded = unicodedata.normalize("NFKC", subject).casefold()
    # Folding can undo the normal form, and normalising can bring blanks to the ends.
    return unicodedata.normalize("NFKC", folded).strip()


def pseudonym(secret: bytes, subject: str) -> str:
    """`p` and 26 characters of lowercase base32: the first 128 bits of HMAC-SHA256."""
    digest = hmac.digest(secret, normalised(subject).encode(), hashlib.sha256)[:_BYTES]
    return "p" + base64.b32encode(digest).decode().rstrip("=").lower()


def is_pseudonym(text: str) -> bool:
    return re.fullmatch(PSEUDONYM[1:-1], text) is not None


def keyed(secret: bytes, text: bytes) -> bytes:
    """HMAC-SHA256 of what a caller chose or asked for, which a database keeps only to recognise
    it."""
    return hmac.digest(secret, FOR_KEYS + text, hashlib.sha256)
