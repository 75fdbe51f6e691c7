"""Services' own signed words about their chains, as C2SP signed notes by the key that signs their
events.

A chain checkpoint states all heads of a service's chains, a subject head how much the service has
said of one subject. Who holds them against the sealed log sees what was left out of it, without
asking Kafka or review. No I/O here."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from uuid import UUID

from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS, partition_of
from shared.contract.vocabulary import ServiceName
from shared.tlog.encoding import from_decimal, hash_from_base64, to_base64
from shared.tlog.errors import TlogError
from shared.tlog.note import Signer, parse_note, sign_note, verify_signatures

CHAINS: Final = "incident-ledger/chains/"
SUBJECTS: Final = "incident-ledger/incidents/"
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class BadStatement(ValueError):
    """The note is no statement of a service, or not one that counts; the message says why."""


@dataclass(frozen=True, slots=True)
class ChainHeads:
    """Where a service's chains stand: one head for each partition, in order."""

    service: ServiceName
    time: datetime
    heads: tuple[Head, ...]

    @property
    def text(self) -> str:
        lines = (f"{number} {_head(head)}" for number, head in enumerate(self.heads))
        return _text(f"{CHAINS}{self.service}", _moment(self.time), *lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadStatement."""
        origin, time, *lines = _lines(text, 2 + PARTITIONS)
        heads = []
        for number, line in enumerate(lines):
            partition, head = _placed(line)
            if partition != number:
                raise BadStatement(f"the line of partition {number} names partition {partition}")
            heads.append(head)
        return cls(_service(origin, CHAINS), _time(time), tuple(heads))

    def stated(self) -> Iterator[tuple[int, Head]]:
        """The chains that the statement speaks of."""
        return enumerate(self.heads)


@dataclass(frozen=True, slots=True)
class SubjectStatement:
    """How many events a service has said of an incident, and the hash of the last, as of a head of
    the subject's chain."""

    service: ServiceName
    subject_id: UUID
    time: datetime
    count: int
    last_hash: bytes
    head: Head

    @property
    def partition(self) -> int:
        return partition_of(self.subject_id)

    @property
    def text(self) -> str:
        said = f"{self.count} {to_base64(self.last_hash)}"
        chain = f"{self.partition} {_head(self.head)}"
        return _text(
            f"{SUBJECTS}{self.service}", str(self.subject_id), _moment(self.time), said, chain
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadStatement."""
        origin, subject, time, said, chain = _lines(text, 5)
        subject_id = _uuid(subject)
        count, last_hash = _counted(said)
        partition, head = _placed(chain)
        if partition != partition_of(subject_id):
            raise BadStatement(
                f"subject {subject_id} belongs on partition {partition_of(subject_id)}, not "
                f"{partition}"
            )
        if count > head.sequence:
            raise BadStatement(f"{count} events of a subject on a chain of {head.sequence}")
        return cls(_service(origin, SUBJECTS), subject_id, _time(time), count, last_hash, head)

    def stated(self) -> Iterator[tuple[int, Head]]:
        """The chain that the statement speaks of."""
        yield self.partition, self.head


Statement = ChainHeads | SubjectStatement


def sign(text: str, signer: Signer) -> bytes:
    """The statement as a signed note."""
    return sign_note(text, signer)


def parse(text: str) -> Statement:
    """Either statement, told by its first line. Raises BadStatement."""
    return (SubjectStatement if text.startswith(SUBJECTS) else ChainHeads).parse(text)


def open_statement(note: bytes, trust: Trust) -> Statement:
    """The statement, if the key that signs the next number of every chain that it speaks of has
    signed it. Raises BadStatement."""
    try:
        text, signatures = parse_note(note)
        statement = parse(text)
        for partition, head in statement.stated():
            where = f"{statement.service}/{partition} after {head.sequence}"
            verifier = trust.in_force(statement.service, partition, head.sequence + 1)
            if verifier is None:
                raise BadStatement(f"no key of {where} is trusted")
            if not verify_signatures(text, signatures, [verifier])[0]:
                raise BadStatement(
                    f"not signed with the key in force for {where}: {verifier.name} "
                    f"{verifier.key_id.hex()}"
                )
    except TlogError as error:
        raise BadStatement(str(error)) from error
    return statement


@dataclass(frozen=True, slots=True)
class MissingNumbers:
    """The service has said these numbers of the chain, and they are not there."""

    service: ServiceName
    partition: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Contradicted:
    """What stands at this number of the chain is not what the service has said there."""

    service: ServiceName
    partition: int
    sequence: int
    stated: bytes
    found: bytes


Difference = MissingNumbers | Contradicted
HashAt = Callable[[int, int], bytes | None]
"""The hash of what stands at (partition, sequence) of the service's chain."""


def hold_against(
    statement: Statement, sealed: Mapping[int, Head], hash_at: HashAt
) -> Iterator[Difference]:
    """What the statement says and a log lacks or has otherwise. `sealed` are the heads of the
    service's chains in the log, whose links were checked; `hash_at` is asked only for numbers up to
    them, and only where a statement ends before its chain does."""
    for partition, stated in statement.stated():
        head = sealed.get(partition, EMPTY)
        if head.sequence < stated.sequence:
            yield MissingNumbers(statement.service, partition, head.sequence + 1, stated.sequence)
        elif stated.sequence > 0:
            found = (
                head.hash
                if head.sequence == stated.sequence
                else hash_at(partition, stated.sequence) or ZERO_HASH
            )
            if found != stated.hash:
                yield Contradicted(
                    statement.service, partition, stated.sequence, stated.hash, found
                )


def contradicts(statement: SubjectStatement, count: int, last_hash: bytes) -> str | None:
    """Why the service's events of the subject up to the stated head, `count` of them ending with
    `last_hash`, are not all it has said; None when they are."""
    if count != statement.count:
        return (
            f"{statement.service} has said {statement.count} events of this subject, {count} "
            "are here"
        )
    if last_hash != statement.last_hash:
        return f"the last event of {statement.service} is not the one that it states"
    return None


def _text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def _lines(text: str, count: int) -> list[str]:
    *lines, rest = text.split("\n", count)
    if len(lines) != count or rest:
        raise BadStatement(f"the statement has not {count} lines, each ended by a newline")
    return lines


def _head(head: Head) -> str:
    return f"{head.sequence} {to_base64(head.hash)}"


def _placed(line: str) -> tuple[int, Head]:
    partition, _, rest = line.partition(" ")
    sequence, hash_ = _counted(rest)
    if (number := _number(partition)) >= PARTITIONS:
        raise BadStatement(f"partition {number} does not exist; there are {PARTITIONS}")
    return number, Head(sequence, hash_)


def _counted(line: str) -> tuple[int, bytes]:
    """A number, and the hash of the last of so many: zeros exactly when there is none."""
    number, _, hash_ = line.partition(" ")
    try:
        count, last = _number(number), hash_from_base64(hash_)
    except TlogError as error:
        raise BadStatement(f"not a number and the base64 of a hash: {error}") from error
    if (count == 0) != (last == ZERO_HASH):
        raise BadStatement("zeros stand for no event, and only for none")
    return count, last


def _number(text: str) -> int:
    try:
        return from_decimal(text)
    except TlogError as error:
        raise BadStatement(str(error)) from error


def _service(origin: str, kind: str) -> ServiceName:
    try:
        if not origin.startswith(kind):
            raise ValueError
        return ServiceName(origin.removeprefix(kind))
    except ValueError:
        raise BadStatement(f"the first line is not {kind}<service>") from None


def _uuid(text: str) -> UUID:
    try:
        value = UUID(text)
    except ValueError:
        value = None
    if value is None or str(value) != text:
        raise BadStatement("the second line is not a subject's UUID in its usual form")
    return value


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _time(text: str) -> datetime:
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadStatement("the time is not RFC 3339 in UTC and whole seconds") from None
