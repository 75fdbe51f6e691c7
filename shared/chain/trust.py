"""Whose signature counts: the trust file, and the keys in force at any number of any chain.

The file is text, `#` begins a comment, one key a line:

    <service> <partition or *> <first sequence> <vkey>

A key is in force from its first sequence until the next one of the same chain. A vkey is a C2SP
signed-note verifier key. Later keys are learned from the chains themselves:
`incident.key_rotated.v1`, signed with the key before it."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event
from shared.contract.hashing import signed_bytes
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.tlog.note import TlogError, Verifier


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
        for key in sorted(keys, key=lambda key: -key.first_sequence):
            self._keys.setdefault((key.service, key.partition), []).append(key)

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
            return f"no key of {link.service} is trusted for partition {link.partition} at {link.sequence}"
        if verifier.key_id.hex() != event.keyid:
            return f"signed with key {event.keyid}, in force is {verifier.key_id.hex()}"
        if not verifier.verify(signed_bytes(event.envelope), signature):
            return "the signature does not verify"
        return None


def load(path: Path) -> Trust:
    """Raises BadTrustFile naming the line, or OSError when the file cannot be read."""
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Trust:
    keys: list[TrustedKey] = []
    for number, line in enumerate(text.splitlines(), 1):
        if fields := line.partition("#")[0].split():
            try:
                keys.extend(_keys(fields))
            except ValueError as error:
                raise BadTrustFile(f"trust file, line {number}: {error}") from error
    return Trust(keys)


def _keys(fields: list[str]) -> list[TrustedKey]:
    if len(fields) != 4:
        raise ValueError("must be: <service> <partition or *> <first sequence> <vkey>")
    service, partition, first, vkey = fields
    partitions = range(PARTITIONS) if partition == "*" else (int(partition),)
    if not int(first) >= 1 or not all(0 <= number < PARTITIONS for number in partitions):
        raise ValueError("sequences count from 1, partitions from 0")
    verifier = Verifier.parse(vkey)
    return [TrustedKey(ServiceName(service), number, int(first), verifier) for number in partitions]
