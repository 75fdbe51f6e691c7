"""The checkpoint: whether the trusted log signed it, who witnessed it, and whether it continues
what was seen before."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.audit.files import Files, NotALog
from shared.chain.findings import Finding
from shared.tlog.checkpoint import Checkpoint, open_checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier
from shared.tlog.merkle import verify_consistency
from shared.tlog.policy import Policy
from shared.tlog.tile_proofs import ReadTile, consistency_from_tiles


@dataclass(frozen=True, slots=True)
class Seen:
    """The largest tree that this auditor has checked of a log."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint that the trusted log signed, and who cosigned it when (POSIX seconds, by name of
    the policy)."""

    checkpoint: Checkpoint
    cosigned: dict[str, int]
    findings: tuple[Finding, ...]


def trusted_head(files: Files, path: str, log: Verifier) -> tuple[bytes, Checkpoint]:
    """The note at this path and the checkpoint in it. Nothing but a checkpoint that the log's key
    has signed says how large the log is. Raises NotALog, Unreachable."""
    note = files.read(path)
    if note is None:
        raise NotALog(
            f"{files.name} has no {path}; is it a log's folder or address? It holds checkpoint, "
            "tile/, …"
        )
    try:
        return note, open_checkpoint(note, [log])[0]
    except TlogError as error:
        raise NotALog(f"{files.name}: its {path} does not count: {error}") from error


def open_head(note: bytes, log: Verifier, policy: Policy | None) -> Opened:
    """Raises TlogError when the checkpoint is not the log's, or no checkpoint."""
    checkpoint, _ = open_checkpoint(note, [log])
    if policy is None:
        return Opened(checkpoint, {}, ())
    try:
        judgement = policy.judge(note)
    except TlogError as error:
        return Opened(checkpoint, {}, (Finding("not_witnessed", "checkpoint", str(error)),))
    if judgement.quorum:
        return Opened(checkpoint, dict(judgement.cosigned), ())
    by = ", ".join(judgement.cosigned) or "nobody"
    detail = f"the policy asks for the quorum {policy.quorum}, the checkpoint was cosigned by {by}"
    return Opened(
        checkpoint, dict(judgement.cosigned), (Finding("not_witnessed", "checkpoint", detail),)
    )


def witnessed_head(
    latest: Opened, note: bytes | None, log: Verifier, policy: Policy | None, read: ReadTile
) -> Opened:
    """The latest head, or where the witnesses have not seen that yet, the largest that they have,
    held against it.

    A log that grows is always a little ahead of its witnesses; what is sealed since they looked
    last nobody else has seen."""
    if note is None or not latest.findings:
        return latest
    try:
        seen = open_head(note, log, policy)
    except TlogError:
        return latest
    if seen.findings:
        return latest
    head = seen.checkpoint
    return Opened(
        head, seen.cosigned, tuple(continues(Seen(head.size, head.root), latest.checkpoint, read))
    )


def continues(seen: Seen, now: Checkpoint, read: ReadTile) -> Iterator[Finding]:
    """Whether the log has only grown since."""
    where = f"checkpoint of size {now.size}"
    if now.size < seen.size:
        yield Finding("log_went_back", where, f"its size was {seen.size} when it was checked last")
        return
    try:
        proof = consistency_from_tiles(seen.size, now.size, read)
        joined = verify_consistency(seen.size, now.size, seen.root, now.root, proof)
    except TlogError as error:
        yield Finding(
            "log_forked",
            where,
            f"it cannot be shown to continue the tree of size {seen.size}: {error}",
        )
        return
    if not joined:
        detail = (
            f"at size {seen.size} its root was {seen.root.hex()[:16]}…, which this log never had"
        )
        yield Finding("log_forked", where, detail)
