"""Every chain as the log has it: gapless, linked, and vouched for by the signature on its last
event under each key.

Each event names the hash of the one before it, so one valid signature vouches for all before it,
back to the last key's end or to a break. The memory it takes does not grow with the log."""

from binascii import hexlify
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.audit import places
from shared.chain.findings import Finding
from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event, MalformedEnvelope, read
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName

SignatureOf = Callable[[int], bytes | None]
"""The signature beside the leaf of this index, or None when it is not there."""

NEVER = -1


@dataclass(slots=True)
class Chain:
    """As far as it has been read. `stop` is the next number at which its hash is remembered in
    `marks`."""

    service: ServiceName
    partition: int
    sequence: int = 0
    hash: bytes = EMPTY.hash
    envelope: bytes = b""
    index: int = 0
    expected: bytes = field(default_factory=lambda: places.expected(1, EMPTY.hash))
    stop: int = NEVER
    to_mark: list[int] = field(default_factory=list)
    marks: dict[int, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.service}/{self.partition}"

    def mark(self, sequence: int) -> None:
        """Asks to remember the hash of this number, which has not been read yet."""
        self.to_mark = sorted({*self.to_mark, sequence})
        self.stop = self.to_mark[0]

    def move(self, index: int, sequence: int, hash_: bytes, envelope: bytes) -> None:
        self.index, self.sequence, self.hash, self.envelope = index, sequence, hash_, envelope
        self.expected = places.expected(sequence + 1, hash_)


class ChainCheck:
    """Fed every leaf in order. `stated` are numbers at which a service's own word is compared
    later."""

    def __init__(
        self,
        trust: Trust,
        signature_of: SignatureOf,
        stated: Mapping[tuple[ServiceName, int], Head],
    ) -> None:
        self.trust = trust
        self.signature_of = signature_of
        self.chains = {
            (name, number): Chain(name, number)
            for name in ServiceName
            for number in range(PARTITIONS)
        }
        self.findings: list[Finding] = []
        self._places = {
            key: (self.chains[service, partition], at)
            for key, (service, partition, at) in places.places().items()
        }
        for place, head in stated.items():
            if head.sequence:
                self.chains[place].mark(head.sequence)
        for chain in self.chains.values():
            self._mark_ends_of_keys(chain)

    def take(self, first: int, entries: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """The hot path: some calls on bytes for each event; whatever is not as it most often is
        goes to `_read`."""
        known, start, end = self._places.get, places.START, places.END
        for index, (entry, hash_) in enumerate(zip(entries, hashes, strict=True), first):
            if place := known(entry[start:end]):
                chain, number_at = place
                if (
                    entry.startswith(chain.expected, number_at)
                    and entry.find(b"{", 1, number_at) < 0
                ):
                    chain.sequence = number = chain.sequence + 1
                    chain.index, chain.hash, chain.envelope = index, hash_, entry
                    # places.expected, written out: a call would cost a twentieth of the whole
                    # verification
                    following = number + 1, hexlify(hash_)
                    chain.expected = (
                        b'","sequence":"%020d","prevhash":"%b","subjectprev":"' % following
                    )
                    if number == chain.stop:
                        self._stop(chain)
                    continue
            self._read(index, entry, hash_)

    def finish(self) -> None:
        """Checks the signature on the head of every chain."""
        for chain in self.chains.values():
            self._vouch(chain)

    def _read(self, index: int, entry: bytes, hash_: bytes) -> None:
        try:
            event = read(entry)
        except MalformedEnvelope as error:
            self._find("malformed", index, str(error))
            return
        chain = self.chains[event.service, event.link.partition]
        sequence, follows = event.link.sequence, event.link.sequence == chain.sequence + 1
        if sequence <= chain.sequence:
            detail = (
                f"{chain.name} number {sequence} comes after number {chain.sequence}: "
                "moved, doubled or slipped in"
            )
            self._find("broken_link", index, detail, event)
            return
        if not follows or event.link.prevhash != chain.hash:
            self._broken(chain, index, event, follows=follows)
        chain.move(index, sequence, hash_, entry)
        while chain.to_mark and chain.to_mark[0] < sequence:
            chain.to_mark.pop(0)
        chain.stop = chain.to_mark[0] if chain.to_mark else NEVER
        if sequence == chain.stop:
            self._stop(chain)
        if isinstance(event.data, KeyRotated):
            self._rotate(chain, event)

    def _rotate(self, chain: Chain, event: Event) -> None:
        """The last word of the old key. One that does not count changes no key."""
        if self._vouch(chain):
            self.trust = self.trust.after(event)

    def _broken(self, chain: Chain, index: int, event: Event, *, follows: bool) -> None:
        """Nothing later vouches for what stands before the break, so its own signature must."""
        self._vouch(chain)
        if follows:
            detail = (
                f"{chain.name} number {event.link.sequence} names "
                f"{event.link.prevhash.hex()[:16]}…, "
                f"the one before it hashes to {chain.hash.hex()[:16]}…"
            )
            self._find("broken_link", index, detail, event)
        else:
            self._find(
                "gap",
                index,
                f"{chain.name} goes from {chain.sequence} to {event.link.sequence}",
                event,
            )

    def _stop(self, chain: Chain) -> None:
        chain.marks[chain.to_mark.pop(0)] = chain.hash
        chain.stop = chain.to_mark[0] if chain.to_mark else NEVER
        self._vouch(chain)

    def _vouch(self, chain: Chain) -> bool:
        """Whether the signature on the last event that was read counts."""
        if chain.sequence == 0:
            return True
        try:
            event = read(chain.envelope)
        except MalformedEnvelope as error:
            self._find("malformed", chain.index, str(error))
            return False
        signature = self.signature_of(chain.index)
        if signature is None:
            self._find(
                "signatures_missing",
                chain.index,
                f"that of {chain.name} number {chain.sequence}",
                event,
            )
        elif (refusal := self.trust.refusal(event, signature)) is not None:
            detail = (
                f"{chain.name} number {chain.sequence}, which vouches for those before it: "
                f"{refusal}"
            )
            self._find("untrusted", chain.index, detail, event)
        else:
            return True
        return False

    def _mark_ends_of_keys(self, chain: Chain) -> None:
        """Each key vouches for its own part of the chain."""
        for first in self.trust.first_sequences(chain.service, chain.partition):
            if first > 1:
                chain.mark(first - 1)

    def _find(self, code: str, index: int, detail: str, event: Event | None = None) -> None:
        self.findings.append(Finding(code, f"leaf {index}", detail, event.id if event else None))


def every_signature(
    first: int, entries: Sequence[bytes], signature_of: SignatureOf, trust: Trust
) -> Iterator[Finding]:
    """Checks the signature of each event by itself, and that its envelope names the key in
    force."""
    for index, entry in enumerate(entries, first):
        try:
            event = read(entry)
        except MalformedEnvelope as error:
            yield Finding("malformed", f"leaf {index}", str(error))
            continue
        signature = signature_of(index)
        if signature is None:
            yield Finding("signatures_missing", f"leaf {index}", "", event.id)
        elif (refusal := trust.refusal(event, signature)) is not None:
            yield Finding("untrusted", f"leaf {index}", refusal, event.id)
