"""One checker for histories, simulated or real: what the clients were answered, against what
ledgers, topic and sealed log hold.

The input is plain: no broker, no database, no model. The names of what can be wrong are those of
Jepsen's reports.

| anomaly | what it means here |
|---|---|
| lost | accepted or said, and missing where it must be |
| duplicated | one command carried out twice, or one event held twice |
| reordered | held in another order than said, or decided on a version that had been left |
| phantom | held, and never said by its speaker, or asked for by a command that was refused |
| fork | two events claim one number of a chain, or one does not name the hash before it |
| hole | a number is missing below one that is there |
| unsigned | held with a signature that proves it to nobody else |
| resurrected | a text that was erased is at hand, or still told |
| waiting | a message is still parked when nothing is on its way any more |
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum

Chain = tuple[str, int]
Place = tuple[str, int, int]


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The client got no answer, or one that leaves open whether the command was carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client of one command knows at the end. `says` is the number of events that the
    command makes when carried out; `events` are the hashes in the answer, `decided_on` the version
    of the incident that the answer was decided on."""

    command: str
    outcome: Outcome
    says: int = 1
    events: tuple[bytes, ...] = ()
    decided_on: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it is held somewhere. `command` is the mark that its client gave it; `version` is
    None on the topic; `signed`: the signature beside it proves it."""

    service: str
    partition: int
    sequence: int
    hash: bytes
    prevhash: bytes
    incident: str
    command: str | None = None
    version: int | None = None
    signed: bool = True

    @property
    def place(self) -> Place:
        return self.service, self.partition, self.sequence


@dataclass(frozen=True, slots=True)
class Texts:
    """Digests of texts: all that were said, those that were erased, and by place those that are at
    hand there."""

    said: Set[str]
    erased: Set[str]
    held: Mapping[str, Set[str]]


@dataclass(frozen=True, slots=True)
class History:
    """`ledgers` by service in the order of writing, `topic` by partition in the order of offsets,
    `sealed` the leaf hashes in order (None: nobody seals), `sealed_before` what was shown of the
    log at earlier times, `waiting` the unresolved parked messages by service.

    `settled`: everybody had time to hear all; otherwise what is on its way is not lost.
    `truncated`: the broker has forgotten messages that it had acknowledged, so that the topic holds
    the chains, but no longer in their order."""

    answers: Sequence[Answer]
    ledgers: Mapping[str, Sequence[Entry]]
    topic: Mapping[int, Sequence[Entry]]
    sealed: Sequence[bytes] | None = None
    sealed_before: Sequence[Sequence[bytes]] = ()
    waiting: Mapping[str, int] = field(default_factory=dict)
    settled: bool = True
    truncated: bool = False
    texts: Texts | None = None


@dataclass(frozen=True, slots=True)
class Anomaly:
    name: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.where}: {self.detail}"


def check(history: History) -> list[Anomaly]:
    """Everything that is wrong with a history, each once."""
    said = {
        entry.hash: entry
        for service, entries in history.ledgers.items()
        for entry in entries
        if entry.service == service
    }
    found: list[Anomaly] = []
    for service, entries in history.ledgers.items():
        found.extend(_ledger(f"{service}'s ledger", entries))
    found.extend(_forks(history))
    found.extend(_phantoms(history, said))
    found.extend(_commands(history, said))
    found.extend(_topic(history, said))
    if history.sealed is not None:
        found.extend(_sealed(history.sealed, said, settled=history.settled))
        found.extend(
            Anomaly(
                "fork",
                "sealed log",
                f"a log of {len(shown)} leaves was shown that this one does not continue",
            )
            for shown in history.sealed_before
            if list(history.sealed[: len(shown)]) != list(shown)
        )
    if history.settled:
        found.extend(_unheard(history, said))
        found.extend(_texts(history.texts) if history.texts else ())
        found.extend(
            Anomaly("waiting", f"{service}'s parked messages", str(count))
            for service, count in history.waiting.items()
            if count
        )
    return list(dict.fromkeys(found))


def _ledger(where: str, entries: Sequence[Entry]) -> Iterator[Anomaly]:
    heads: dict[Chain, Entry] = {}
    versions: dict[str, int] = defaultdict(int)
    held: set[Place] = set()
    for entry in entries:
        before = heads.get(entry.place[:2])
        if entry.place in held:
            yield Anomaly("duplicated", where, name(entry))
            continue
        held.add(entry.place)
        if not entry.signed:
            yield Anomaly("unsigned", where, name(entry))
        yield from _follows(where, before.sequence if before else 0, entry)
        if (
            before is not None
            and entry.sequence == before.sequence + 1
            and entry.prevhash != before.hash
        ):
            yield Anomaly("fork", where, f"{name(entry)} does not name the hash before it")
        heads[entry.place[:2]] = entry
        if entry.version is not None:
            if entry.version != versions[entry.incident] + 1:
                detail = (
                    f"version {entry.version} of {entry.incident} after {versions[entry.incident]}"
                )
                yield Anomaly(
                    "reordered" if entry.version <= versions[entry.incident] else "hole",
                    where,
                    detail,
                )
            versions[entry.incident] = entry.version


def _follows(where: str, before: int, entry: Entry) -> Iterator[Anomaly]:
    if entry.sequence <= before:
        yield Anomaly("reordered", where, f"{name(entry)} after {before}")
    elif entry.sequence > before + 1:
        yield Anomaly("hole", where, f"{name(entry)} after {before}")


def _forks(history: History) -> Iterator[Anomaly]:
    holders = [(f"{service}'s ledger", entries) for service, entries in history.ledgers.items()]
    holders += [(f"topic/{partition}", entries) for partition, entries in history.topic.items()]
    first: dict[Place, tuple[bytes, str]] = {}
    for where, entries in holders:
        for entry in entries:
            hash_, there = first.setdefault(entry.place, (entry.hash, where))
            if hash_ != entry.hash:
                yield Anomaly("fork", where, f"{name(entry)} is another event than in {there}")


def _phantoms(history: History, said: Mapping[bytes, Entry]) -> Iterator[Anomaly]:
    refused = {answer.command for answer in history.answers if answer.outcome is Outcome.REFUSED}
    for service, entries in history.ledgers.items():
        for entry in entries:
            if entry.service in history.ledgers and entry.hash not in said:
                yield Anomaly("phantom", f"{service}'s ledger", f"{name(entry)} was never said")
            if entry.command in refused:
                yield Anomaly(
                    "phantom", f"{service}'s ledger", f"{name(entry)}: {entry.command} was refused"
                )
    for partition, entries in history.topic.items():
        for entry in entries:
            if entry.service in history.ledgers and entry.hash not in said:
                yield Anomaly("phantom", f"topic/{partition}", f"{name(entry)} was never said")


def _commands(history: History, said: Mapping[bytes, Entry]) -> Iterator[Anomaly]:
    carried_out = Counter(entry.command for entry in said.values())
    for answer in history.answers:
        times = carried_out[answer.command]
        if times > answer.says:
            yield Anomaly(
                "duplicated", answer.command, f"{times} events, the command makes {answer.says}"
            )
        elif answer.outcome is Outcome.ACCEPTED and times < answer.says:
            yield Anomaly(
                "lost",
                answer.command,
                f"accepted; {times} of its {answer.says} events are in the ledger",
            )
        elif 0 < times < answer.says:
            yield Anomaly(
                "lost", answer.command, f"half carried out: {times} of {answer.says} events"
            )
        for number, hash_ in enumerate(answer.events):
            if hash_ not in said:
                yield Anomaly(
                    "lost",
                    answer.command,
                    f"accepted with hash {hash_.hex()[:16]}…, which the ledger does not hold",
                )
            elif (
                answer.decided_on is not None
                and said[hash_].version != answer.decided_on + 1 + number
            ):
                detail = (
                    f"decided on version {answer.decided_on}, written as version "
                    f"{said[hash_].version}"
                )
                yield Anomaly("reordered", answer.command, detail)


def _topic(history: History, said: Mapping[bytes, Entry]) -> Iterator[Anomaly]:
    for partition, entries in history.topic.items():
        heads: dict[Chain, int] = defaultdict(int)
        seen: set[bytes] = set()
        for entry in entries:
            if entry.hash in seen:
                continue
            seen.add(entry.hash)
            if not history.truncated:
                yield from _follows(f"topic/{partition}", heads[entry.place[:2]], entry)
            heads[entry.place[:2]] = entry.sequence
        if history.settled:
            for entry in said.values():
                if entry.partition == partition and entry.hash not in seen:
                    yield Anomaly("lost", f"topic/{partition}", f"{name(entry)} is missing")


def _sealed(
    sealed: Sequence[bytes], said: Mapping[bytes, Entry], *, settled: bool
) -> Iterator[Anomaly]:
    heads: dict[Chain, int] = defaultdict(int)
    seen: set[bytes] = set()
    for index, hash_ in enumerate(sealed):
        if hash_ in seen:
            yield Anomaly("duplicated", "sealed log", f"leaf {index}")
        elif (entry := said.get(hash_)) is None:
            yield Anomaly("phantom", "sealed log", f"leaf {index} was never said")
        else:
            yield from _follows("sealed log", heads[entry.place[:2]], entry)
            heads[entry.place[:2]] = entry.sequence
        seen.add(hash_)
    if settled:
        yield from (
            Anomaly("lost", "sealed log", f"{name(entry)} is not sealed")
            for entry in said.values()
            if entry.hash not in seen
        )


def _texts(texts: Texts) -> Iterator[Anomaly]:
    for where, held in texts.held.items():
        if there := held & texts.erased:
            yield Anomaly("resurrected", where, f"{len(there)} texts that were erased")
        if missing := texts.said - texts.erased - held:
            yield Anomaly("lost", where, f"{len(missing)} texts that nobody has erased")


def _unheard(history: History, said: Mapping[bytes, Entry]) -> Iterator[Anomaly]:
    for service, entries in history.ledgers.items():
        held = {entry.hash for entry in entries}
        yield from (
            Anomaly("lost", f"{service}'s ledger", f"{name(entry)} was not heard")
            for entry in said.values()
            if entry.hash not in held
        )


def name(entry: Entry) -> str:
    return f"{entry.service}/{entry.partition} number {entry.sequence}"
