"""Verifies a log by its static files alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.ledger.check import believing
from deploy.ledger.check.believing import Pinned
from deploy.ledger.check.verified import LogVerified
from deploy.ledger.progress import counting
from shared.audit.files import Files
from shared.audit.log import audit_log
from shared.audit.order import OrderCheck
from shared.audit.outcome import Options
from shared.audit.seen import SeenFile


@dataclass(frozen=True, slots=True)
class How:
    """How thoroughly, by whose rules (None: links alone), against which heads seen before, and
    whether it tells how far it is."""

    every_signature: bool
    rules: Any
    seen: SeenFile
    quiet: bool

    @classmethod
    def quietly(cls, data: Path, rules: Any) -> "How":
        """A stack by these rules, against the heads that its folder remembers, saying nothing."""
        return cls(False, rules, SeenFile(data / "seen.json"), quiet=True)


def verify_log(
    files: Files,
    pinned: Pinned,
    how: How,
    order: Mapping[int, Sequence[bytes]] | None = None,
) -> LogVerified:
    """A log's static files, and with `order` whether they stand as the topic has them. Remembers
    its head where that may be believed."""
    believed = believing.believe(files, pinned)
    vkey = believed.anchors.log.vkey
    with counting(quiet=how.quiet) as bar:
        options = Options(
            how.rules,
            how.every_signature,
            how.seen.load(vkey),
            OrderCheck(order) if order is not None else None,
        )
        audit = audit_log(files, believed.anchors, options, bar)
    if (head := audit.to_remember) is not None:
        how.seen.save(vkey, head)
    return LogVerified(audit, believed)
