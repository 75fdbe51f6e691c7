"""What a receiver does with what arrives on a partition, decided without any I/O.

Accepted is only the next number of a chain, decodable, on the right partition, signed with the key
in force, and its speaker's to say. A duplicate is dropped. Everything else is parked with its
reason; an event that came too early is parked as a gap and taken up as soon as those before it have
come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from shared.chain.link import Head, Verdict, judge
from shared.chain.trust import Trust
from shared.contract.catalogue import not_theirs_to_say
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event, MalformedEnvelope, read
from shared.contract.topics import partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.plan import UNHEARD_OF, Recorded, Signed, SubjectHead


class ParkReason(StrEnum):
    MALFORMED = "malformed"
    WRONG_PARTITION = "wrong_partition"
    UNTRUSTED = "untrusted"
    NOT_THEIRS_TO_SAY = "not_theirs_to_say"
    GAP = "gap"
    EQUIVOCATION = "equivocation"
    BROKEN_LINK = "broken_link"
    NOT_OURS = "not_ours"
    PROJECTION = "projection"
    REACTION = "reaction"


@dataclass(frozen=True, slots=True)
class Record:
    """A message as it stands on the topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    signature: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    event: Event
    record: Record


@dataclass(frozen=True, slots=True)
class Parked:
    record: Record
    reason: ParkReason
    detail: str
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a batch: accepted in chain order, parked, duplicates, and the heads after
    it."""

    accepted: tuple[Heard, ...]
    parked: tuple[Parked, ...]
    duplicates: tuple[Heard, ...]
    heads: Mapping[ServiceName, Head]
    rotated: bool = False
    """The last accepted event changes a key."""
    rest: tuple[Record, ...] = ()
    """What came after that: to be examined again, with the new key."""


Known = Mapping[tuple[ServiceName, int], bytes]


def examine(record: Record, trust: Trust) -> Heard | Parked:
    """Whether the message may be heard at all, whatever its place: decodable, at its place,
    trusted, its speaker's to say."""
    return examine_together([record], trust)[0]


def examine_together(records: Iterable[Record], trust: Trust) -> list[Heard | Parked]:
    """The same of many: all are decoded, then all signatures checked."""
    readable = list(map(_readable, records))
    signed = [_signed(item, trust) for item in readable]
    return list(map(_theirs, signed))


def _readable(record: Record) -> Heard | Parked:
    try:
        event = read(record.value)
    except MalformedEnvelope as error:
        return Parked(record, ParkReason.MALFORMED, str(error))
    link = event.link
    if link.partition != record.partition or partition_of(event.subject_id) != record.partition:
        home = partition_of(event.subject_id)
        where = f"source names partition {link.partition}, its subject belongs on {home}"
        return Parked(record, ParkReason.WRONG_PARTITION, where, event)
    return Heard(event, record)


def _signed(item: Heard | Parked, trust: Trust) -> Heard | Parked:
    if (
        isinstance(item, Heard)
        and (refusal := trust.refusal(item.event, item.record.signature)) is not None
    ):
        return Parked(item.record, ParkReason.UNTRUSTED, refusal, item.event)
    return item


def _theirs(item: Heard | Parked) -> Heard | Parked:
    if isinstance(item, Parked):
        return item
    event = item.event
    if (why := not_theirs_to_say(event.type, event.service, event.subject_id)) is not None:
        return Parked(item.record, ParkReason.NOT_THEIRS_TO_SAY, why, event)
    return item


def receive(
    own: ServiceName | None,
    heads: Mapping[ServiceName, Head],
    known: Known,
    waiting: Sequence[Heard],
    examined: Sequence[Heard | Parked],
) -> Received:
    """`heads` are the partition's chains as locked; `known` the hashes this service holds at
    numbers that the batch repeats; `waiting` what came too early before and is still parked. `own`
    is the service that hears; None for the sealer, and for a service that has lost what it said.

    Goes no further than a change of key: what comes after it is signed with another one."""
    batch = _Batch(dict(heads), dict(known), {_place(item.event): item for item in waiting})
    batch.take_up_waiting()
    done = 0
    for item in examined:
        if batch.rotated:
            break
        done += 1
        if isinstance(item, Parked):
            batch.parked.append(item)
        elif item.event.service == own:
            batch.hear_own(item)
        else:
            batch.hear(item)
    batch.name_overtaken(waiting)
    return Received(
        tuple(batch.accepted),
        tuple(batch.parked),
        tuple(batch.duplicates),
        batch.heads,
        batch.rotated,
        tuple(item.record for item in examined[done:]),
    )


def placed(
    own: ServiceName, accepted: Sequence[Heard], subjects: Mapping[UUID, SubjectHead]
) -> tuple[list[Signed], dict[UUID, SubjectHead]]:
    """The rows that what was accepted becomes, and the heads of its subjects after it; `subjects`
    are those heads as locked.

    `own` is the service that hears: an event of its own was lost, and is taken in again."""
    moved = dict(subjects)
    rows: list[Signed] = []
    for heard in accepted:
        before = moved.get(heard.event.subject_id, UNHEARD_OF)
        said_hash = heard.event.hash if heard.event.service == own else before.said_hash
        moved[heard.event.subject_id] = SubjectHead(before.version + 1, said_hash)
        rows.append(Signed(Recorded(heard.event, before.version + 1), heard.record.signature))
    return rows, moved


@dataclass(slots=True)
class _Batch:
    heads: dict[ServiceName, Head]
    known: dict[tuple[ServiceName, int], bytes]
    early: dict[tuple[ServiceName, int], Heard]
    accepted: list[Heard] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    duplicates: list[Heard] = field(default_factory=list)
    rotated: bool = False

    def take_up_waiting(self) -> None:
        """What waited only for its key."""
        for service in tuple(self.heads):
            next_ = self.early.pop((service, self.heads[service].sequence + 1), None)
            if next_ is not None and not self.rotated:
                self.hear(next_)

    def name_overtaken(self, waiting: Sequence[Heard]) -> None:
        """Two events waited at one number, and the other was heard there."""
        for item in waiting:
            place, head = _place(item.event), self.heads[item.event.service]
            if (
                item.event.link.sequence <= head.sequence
                and self.known.get(place) != item.event.hash
            ):
                detail = f"another event is {_number(item.event)}"
                self.parked.append(Parked(item.record, ParkReason.EQUIVOCATION, detail, item.event))

    def hear_own(self, item: Heard) -> None:
        if self.known.get(_place(item.event)) == item.event.hash:
            self.duplicates.append(item)
        else:
            self.parked.append(
                Parked(item.record, ParkReason.NOT_OURS, "this service never said it", item.event)
            )

    def hear(self, item: Heard) -> None:
        next_: Heard | None = item
        while next_ is not None:
            next_ = self._hear_one(next_)

    def _hear_one(self, item: Heard) -> Heard | None:
        """Returns the event that waited for this one, if there is one."""
        event = item.event
        match verdict := judge(self.heads[event.service], event, self.known.get(_place(event))):
            case Verdict.ACCEPT:
                self.accepted.append(item)
                self.heads[event.service] = Head(event.link.sequence, event.hash)
                self.known[_place(event)] = event.hash
                if isinstance(event.data, KeyRotated):
                    self.rotated = True
                    return None
                return self.early.pop((event.service, event.link.sequence + 1), None)
            case Verdict.DUPLICATE:
                self.duplicates.append(item)
            case Verdict.GAP | Verdict.EQUIVOCATION | Verdict.BROKEN_LINK:
                head = self.heads[event.service]
                detail = f"{_number(event)}; the head is {head.sequence}"
                self.parked.append(Parked(item.record, ParkReason(verdict.value), detail, event))
                if verdict is Verdict.GAP:
                    self.early.setdefault(_place(event), item)
        return None


def _place(event: Event) -> tuple[ServiceName, int]:
    return event.service, event.link.sequence


def _number(event: Event) -> str:
    return f"number {event.link.sequence} of {event.service}/{event.link.partition}"
