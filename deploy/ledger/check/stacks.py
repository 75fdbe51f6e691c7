"""Verifies a running stack: its databases against the topic, and the log that it serves."""

import asyncio
from pathlib import Path

from deploy.ledger.check.believing import Pinned
from deploy.ledger.check.logs import How, verify_log
from deploy.ledger.check.rules import rules
from deploy.ledger.check.stacklog import log_of_stack, pinned_by_stack
from deploy.ledger.check.verified import StackVerified
from deploy.ledger.progress import counting
from deploy.ledger.sources import open_sources
from shared.runtime.repair.auditing import Sources, Verification
from shared.runtime.repair.auditing import verify as verify_sources


def verify_stack(data: Path | None, pinned: Pinned, how: How) -> StackVerified:
    """Databases against the topic, and the log that is served."""
    sources = open_sources(data)
    verification = asyncio.run(check(sources, quiet=how.quiet))
    files = log_of_stack(data)
    if files is None or files.read("checkpoint") is None:
        return StackVerified(verification, None)
    pinned = pinned_by_stack(data, pinned)
    log = verify_log(files, pinned, how, verification.topic.order())
    return StackVerified(verification, log)


def verified_stack(data: Path) -> StackVerified:
    """A running local stack, checked as `ledger verify` does, without telling how far it is."""
    return verify_stack(data, Pinned(), How.quietly(data, rules()))


async def check(sources: Sources, *, quiet: bool) -> Verification:
    """Databases against the topic."""
    with counting(quiet=quiet) as bar:
        return await verify_sources(sources, lambda name, count: bar(name, count, None))
