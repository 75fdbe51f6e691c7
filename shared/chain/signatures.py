"""The signature beside each event, made and checked.

64 bytes are Ed25519 over the DSSE encoding of the envelope. What one commit says beyond one event
is signed together, by turns (`tlog.turns`): up to 64 events that share one signature, each with its
path to what was signed. The event's hash is the leaf, and the envelope that it is of names chain,
number, link and key; so a signature counts for no other place than the event's own.

The log keeps the signatures of a bundle's events in a file of their own, which is an entry bundle
of them: each behind its length."""

from collections.abc import Callable, Sequence

from shared.contract.envelope import Event
from shared.contract.hashing import signed_bytes
from shared.tlog import turns
from shared.tlog.bundles import decode_bundle, encode_bundle
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier

Sign = Callable[[bytes], bytes]


def sign(events: Sequence[Event], signer: Sign) -> list[bytes]:
    """The signature of each event of one commit, in their order; all are of one key.

    Neighbours on a chain share a turn where they can: who hears one partition then checks as few
    signatures as there are."""
    order = sorted(range(len(events)), key=lambda at: events[at].link.partition)
    beside = [
        signature
        for start in range(0, len(order), turns.MOST)
        for signature in _sign([events[at] for at in order[start : start + turns.MOST]], signer)
    ]
    return [beside[at] for at in sorted(range(len(order)), key=order.__getitem__)]


def _sign(events: Sequence[Event], signer: Sign) -> list[bytes]:
    if len(events) == 1:
        return [signer(signed_bytes(events[0].envelope))]
    return turns.sign([event.hash for event in events], signer)


def verify(event: Event, signature: bytes, key: Verifier, roots: turns.Roots) -> bool:
    """Whether the event counts as signed with this key, by itself or in its turn."""
    if len(signature) == turns.ALONE:
        return key.verify(signed_bytes(event.envelope), signature)
    return roots.verify(key, event.hash, signature)


def to_file(signatures: Sequence[bytes]) -> bytes:
    """The file with the signatures of a bundle's events. Raises TlogError when one has a length
    that no signature has."""
    return encode_bundle(_checked(signatures))


def from_file(data: bytes, width: int) -> list[bytes]:
    """The signatures of so many events. Raises TlogError."""
    return list(_checked(decode_bundle(data, width)))


def _checked(signatures: Sequence[bytes]) -> Sequence[bytes]:
    for at, signature in enumerate(signatures):
        if len(signature) not in turns.LENGTHS:
            raise TlogError(f"the signature at {at} has {len(signature)} bytes, as none has")
    return signatures
