"""The two byte formulas of an event: what it hashes to, and what is signed of one that is signed by
itself. Those that are said at once are signed together, by their hashes: see `tlog.turns`."""

import hashlib
from typing import Final

ZERO_HASH: Final = bytes(32)
"""Stands for "there is none before" in `prevhash` and `subjectprev`."""

PAYLOAD_TYPE: Final = "application/vnd.incident-ledger.envelope.v1+json"

SIGNATURE: Final = (
    "64 bytes are Ed25519 over the DSSE v1 pre-authentication encoding of the envelope with "
    f"payload type {PAYLOAD_TYPE}. An event that was said together with others has their "
    "signature (64 bytes), its index among them and their number (uint16 each, big-endian), and "
    "the hashes that lead from its own to the RFC 6962 root over all: signed is the text of a C2SP "
    "checkpoint, `incident-ledger/turn/<root as hex>`, the number, the root as base64, a line each."
)
"""What stands beside an event, for those who read our documents."""


def event_hash(envelope: bytes) -> bytes:
    """SHA-256(0x00 || envelope): the RFC 6962 §2.1 leaf hash, so that one hash links the chain and
    is the leaf of the log."""
    return hashlib.sha256(b"\x00" + envelope).digest()


def signed_bytes(envelope: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding of the envelope: the message of the Ed25519 signature of
    an event by itself."""
    return b"DSSEv1 %d %s %d %s" % (
        len(PAYLOAD_TYPE),
        PAYLOAD_TYPE.encode(),
        len(envelope),
        envelope,
    )
