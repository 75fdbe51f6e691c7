"""Whose signature counts: the trust file, and the keys in force at any number of any chain.

The file is text, `#` begins a comment, one key a line:

    <service> <partition or *> <first sequence> <vkey>

A key is in force from its first sequence until the next one of the same chain. A vkey is a C2SP
signed-note verifier key. Later keys are learned from the chains themselves:
`ledger.key_rotated.v1`, signed with the key before it."""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.chain import signatures
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.tlog.encoding import from_decimal
from shared.tlog.note import TlogError, Verifier
from shared.tlog.turns import Roots

_BLANKS: Final = re.compile(r"[ \t]+")


class BadTrustFile(ValueError):
    """A line of the trust file does not say what it must."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    service: ServiceName
    partition: int
    first_sequence: int
    verifier: Verifier


class Trust:
    """The keys of every chain, newest first."""

    def __init__(self, keys: Iterable[TrustedKey]) -> None:
        self._keys: dict[tuple[ServiceName, int], list[TrustedKey]] = {}
        self._rotated: dict[tuple[ServiceName, int], int] = {}
        self._roots = Roots()
        for key in sorted(keys, key=lambda key: -key.first_sequence):
            self._keys.setdefault((key.service, key.partition), []).append(key)

    @property
    def keys(self) -> frozenset[TrustedKey]:
        """All of them."""
        return frozenset(key for keys in self._keys.values() for key in keys)

    def rotated(self, service: ServiceName, partition: int) -> int:
        """The number of the last change of key that was learned from this chain; 0 when there is
        none."""
        return self._rotated.get((service, partition), 0)

    def learn(self, event: Event) -> None:
        """Takes in the key that the event names for its chain, if it names one. The caller has
        verified that the event counts.

        What is no key changes nothing: the one before stays in force, for every reader alike."""
        link = event.link
        chain = (link.service, link.partition)
        if not isinstance(event.data, KeyRotated) or link.sequence <= self.rotated(*chain):
            return
        self._rotated[chain] = link.sequence
        with contextlib.suppress(TlogError):
            key = TrustedKey(*chain, link.sequence + 1, Verifier.parse(event.data.vkey))
            # Sorting is stable: at the same number the trust file has the last word.
            self._keys[chain] = sorted(
                [*self._keys.get(chain, ()), key], key=lambda key: -key.first_sequence
            )

    def after(self, *events: Event) -> "Trust":
        """This trust and what it learns of these events; itself when that is nothing."""
        if not any(isinstance(event.data, KeyRotated) for event in events):
            return self
        trust = self.copy()
        for event in events:
            trust.learn(event)
        return trust

    def copy(self) -> "Trust":
        """What is known now, whatever this learns later."""
        trust = Trust(())
        trust._keys, trust._rotated = dict(self._keys), dict(self._rotated)
        # What a key signed stays true, whichever keys are in force where.
        trust._roots = self._roots
        return trust

    def in_force(self, service: ServiceName, partition: int, sequence: int) -> Verifier | None:
        """The key that must have signed this number of this chain."""
        for key in self._keys.get((service, partition), ()):
            if key.first_sequence <= sequence:
                return key.verifier
        return None

    def first_sequences(self, service: ServiceName, partition: int) -> tuple[int, ...]:
        """From which numbers on the keys of this chain are in force, the newest first."""
        return tuple(key.first_sequence for key in self._keys.get((service, partition), ()))

    def refusal(self, event: Event, signature: bytes) -> str | None:
        """Why the signature does not count, or None when it does."""
        link = event.link
        verifier = self.in_force(link.service, link.partition, link.sequence)
        if verifier is None:
            return (
                f"no key of {link.service} is trusted for partition {link.partition} at "
                f"{link.sequence}"
            )
        if verifier.key_id.hex() != event.keyid:
            return f"signed with key {event.keyid}, in force is {verifier.key_id.hex()}"
        if not signatures.verify(event, signature, verifier, self._roots):
            return "the signature does not verify"
        return None


def parse(text: str) -> Trust:
    """The keys of a trust file; see `keyfiles` for one that comes from a disk. Raises BadTrustFile
    naming the line.

    Only a newline ends a line: after any other sign that some programs break lines at, a key would
    be read that an editor shows as part of a comment."""
    keys: list[TrustedKey] = []
    for number, line in enumerate(text.split("\n"), 1):
        if fields := _BLANKS.split(line.partition("#")[0].strip(" \t\r")):
            if fields == [""]:
                continue
            try:
                keys.extend(_keys(fields))
            except ValueError as error:
                raise BadTrustFile(f"trust file, line {number}: {error}") from error
    return Trust(keys)


def _keys(fields: list[str]) -> list[TrustedKey]:
    if len(fields) != 4:
        raise ValueError("must be: <service> <partition or *> <first sequence> <vkey>")
    service, partition, first, vkey = fields
    partitions = range(PARTITIONS) if partition == "*" else (from_decimal(partition),)
    if not (number := from_decimal(first)) >= 1 or partitions[-1] >= PARTITIONS:
        raise ValueError("sequences count from 1, partitions from 0")
    verifier = Verifier.parse(vkey)
    return [TrustedKey(ServiceName(service), place, number, verifier) for place in partitions]
