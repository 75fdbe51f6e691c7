"""Who writes to the topic without being a service: an administrator of the broker, and a service
that was taken over and signs with its own key what another should say.

Nothing of it may be heard as an event. Copies of true events count under their own signature only,
whatever comes before or after them."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from shared.chain import signatures
from shared.chain.link import Head, next_link
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.disclosure import conceal
from shared.contract.envelope import Event, Said, read, write
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.texts import message_of
from shared.runtime.hear.judge import Record
from tests.simulation.chance import Chance

KEYID: Final = "00000000"
FAULTS: Final[dict[str, float]] = {
    "spoilt copy": 0.05,
    "forged in a turn": 0.03,
    "said for another in a turn": 0.03,
    "lied about a text": 0.05,
    "told under another event": 0.05,
}

LIE: Final = Reported(opens=False, channel=ReportChannel.API, description="a lie")


@dataclass(slots=True)
class Adversary:
    """`sign` gives a service's signature, `log` what stands on a partition, `data` what each
    service may say. `forged` are the envelopes that no service has said."""

    chance: Chance
    random: Random
    sign: Callable[[ServiceName, bytes], bytes]
    log: Callable[[int], Sequence[Record]]
    data: dict[ServiceName, EventData]
    forged: set[bytes] = field(default_factory=set)

    def tamper(self, partition: int, records: Sequence[Record]) -> list[Record]:
        """What arrives where these records were sent."""
        return [one for record in records for one in self._around(f"topic/{partition}", record)]

    def tell_lies(self, partition: int, records: Sequence[Record]) -> list[Record]:
        """Texts that nobody said, and those of others, under an event's id. What is said of the
        event itself comes last: else it would be the lie that stays when the topic is cleaned."""
        told: list[Record] = []
        for record in records:
            where = f"topic/{partition}"
            if self.chance("lied about a text", where):
                _, (lie, *_) = conceal(LIE, lambda: self.random.randbytes(16))
                told.append(replace(record, value=message_of([lie.text]) or b""))
            log = self.log(partition)
            if log and self.chance("told under another event", where):
                told.append(replace(record, value=self.random.choice(log).value))
            told.append(record)
        return told

    def _around(self, where: str, record: Record) -> Iterator[Record]:
        if self.chance("forged in a turn", where):
            yield self._forge(record)
        spoilt = self.chance("spoilt copy", where)
        first = spoilt and self.random.random() < 0.7
        if first:
            yield self._spoil(record)
        yield record
        if spoilt and not first:
            yield self._spoil(record)
        if self.chance("said for another in a turn", where):
            yield from self._say_for_another(record)

    def _spoil(self, record: Record) -> Record:
        """The same bytes; their signature damaged, of another place in the turn, or cut off."""
        signature, turn = record.signature, len(record.signature) > 64
        index, size = struct.unpack_from(">HH", signature, 64) if turn else (0, 1)
        ways = [signature[:-1], bytes(64), b"", signature[:64]] if turn else [signature[:-1], b""]
        ways += [_flipped(signature, place) for place in (0, 63, len(signature) - 1)]
        ways += [
            signature[:64] + struct.pack(">HH", other, size) + signature[68:]
            for other in range(size)
            if other != index
        ]
        return replace(record, signature=self.random.choice(ways))

    def _forge(self, record: Record) -> Record:
        """Another event at the same place, with the signature of the true one."""
        value = record.value.replace(b'"actor":"', b'"actor":"forged ', 1)
        self.forged.add(value)
        return replace(record, value=value)

    def _say_for_another(self, record: Record) -> Iterator[Record]:
        """The speaker's event once more, in a turn with one that it says for another service, next
        on that one's chain."""
        event = read(record.value)
        others = [service for service in self.data if service is not event.service]
        other = self.random.choice(others)
        head = self._head(record.partition, other)
        said = Said(event.id, event.subject_id, event.time, "forged", self.data[other], "forged")
        link = next_link(other, record.partition, head, ZERO_HASH)
        forged = read(write(said, link, KEYID))
        self.forged.add(forged.envelope)
        beside = signatures.sign([event, forged], lambda text: self.sign(event.service, text))
        yield replace(record, signature=beside[0])
        yield replace(record, value=forged.envelope, signature=beside[1])

    def _head(self, partition: int, service: ServiceName) -> Head:
        """The last true event of this service on the partition."""
        events = (read(one.value) for one in self.log(partition) if one.value not in self.forged)
        own = [event for event in events if event.service is service]
        last: Event | None = max(own, key=lambda event: event.link.sequence, default=None)
        return Head(last.link.sequence, last.hash) if last else Head(0, ZERO_HASH)


def _flipped(signature: bytes, place: int) -> bytes:
    return signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :]
