"""What was known at a moment, from the leaves of a log alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from shared.audit.files import Files, NotALog
from shared.audit.heads import trusted_head
from shared.audit.subjects import Sealed
from shared.audit.texts.lines import restoring
from shared.audit.tree import TreeCheck
from shared.contract.envelope import MalformedEnvelope, read
from shared.contract.topics import is_system
from shared.tlog.keys import Verifier


@dataclass(frozen=True, slots=True)
class Until:
    """A moment: a time that events carry, or a size of the log; None is now."""

    time: datetime | None = None
    size: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Until":
        """A number is a size; anything else a time in ISO 8601, UTC where it does not say. Raises
        ValueError."""
        if text.isascii() and text.isdigit():
            return cls(size=int(text))
        try:
            time = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(
                f"{text!r} is neither a size of the log nor a time such as 2026-03-02T09:00:00Z"
            ) from error
        return cls(time=time if time.tzinfo else time.replace(tzinfo=UTC))

    def includes(self, sealed: Sealed) -> bool:
        in_size = self.size is None or sealed.index < self.size
        return in_size and (self.time is None or sealed.event.time <= self.time)


def history(
    files: Files,
    log: Verifier,
    until: Until,
    incident: UUID | None,
    progress: Callable[[int, int], None],
) -> Iterator[Sealed]:
    """The events of subjects up to the moment, in the order of the log, with the texts that lie
    beside its files.

    Raises NotALog, at the end at the latest, when the files are not what the log's signed
    checkpoint commits to."""
    _, head = trusted_head(files, "checkpoint", log)
    if until.size is not None and until.size > head.size:
        raise NotALog(f"{files.name} has {head.size} events, fewer than {until.size}")
    with_texts = restoring(files)
    wanted = str(incident).encode() if incident else b""
    tree = TreeCheck(files, head.size, head.root)
    for leaves in tree.leaves():
        for index, entry in enumerate(leaves.entries, leaves.first):
            sealed = _sealed(index, entry) if wanted in entry else None
            if sealed and until.includes(sealed) and incident in {None, sealed.event.subject_id}:
                yield with_texts(sealed)
        progress(leaves.first + len(leaves.entries), head.size)
    damage = [finding for finding in tree.findings if finding.code != "signatures_missing"]
    if damage:
        raise NotALog(
            f"{files.name} is damaged at {damage[0].where}: {damage[0].detail}; see: ledger "
            f"verify {files.name}"
        )


def _sealed(index: int, entry: bytes) -> Sealed | None:
    try:
        event = read(entry)
    except MalformedEnvelope:
        return None  # nobody's event; `ledger verify` tells of it
    return None if is_system(event.subject_id) else Sealed(index, event)


def by_time(sealed: Sequence[Sealed]) -> list[Sealed]:
    return sorted(sealed, key=lambda one: (one.event.time, one.index))
