"""The two byte formulas of the ledger: what an event hashes to, and what is signed."""

import hashlib
from typing import Final

ZERO_HASH: Final = bytes(32)
"""Stands for "there is none before" in `prevhash` and `subjectprev`."""

PAYLOAD_TYPE: Final = "application/vnd.incident-ledger.envelope.v1+json"


def event_hash(envelope: bytes) -> bytes:
    """SHA-256(0x00 || envelope): the RFC 6962 §2.1 leaf hash, so that one hash links the chain and
    is the leaf of the log."""
    return hashlib.sha256(b"\x00" + envelope).digest()


def signed_bytes(envelope: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding of the envelope: the message of the Ed25519 signature."""
    return b"DSSEv1 %d %s %d %s" % (
        len(PAYLOAD_TYPE),
        PAYLOAD_TYPE.encode(),
        len(envelope),
        envelope,
    )
