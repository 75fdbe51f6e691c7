"""What is refused before a route sees it, or because what a route needs was away, counted by
reason: in the metrics, and in the log by one line a second at most.

On the worst day there are thousands a second: a line for each would fill the disk, and none would
leave the operator blind."""

import asyncio
from enum import StrEnum
from typing import Final

import structlog

from shared.runtime.process import telemetry
from shared.runtime.process.logging import said

LOGGED_EVERY: Final = 1.0

log = structlog.get_logger(__name__)


class Reason(StrEnum):
    """Few and fixed: nothing of what a caller sent is among them."""

    NEWCOMER = "newcomer_gave_way"
    WAITED_FOR = "connection_gave_way"
    CONNECTIONS = "no_place_for_connection"
    READS = "no_place_for_read"
    WRITES = "no_place_for_write"
    BODIES = "no_room_for_body"
    HEAD_TOO_LARGE = "head_too_large"
    HEAD_TOO_SLOW = "head_too_slow"
    HEAD_MALFORMED = "head_malformed"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TOO_SLOW = "body_too_slow"
    UNREAD = "answer_not_taken"
    AWAY = "something_away"
    """A route began, but what it needs does not answer."""


_counted = dict.fromkeys(Reason, 0)
"""Since the last line. All reasons are there from the beginning, for health counts in a thread of
its own."""


_last_error = ""
"""Of what was away."""


def refused(reason: Reason, error: Exception | None = None) -> None:
    global _last_error  # noqa: PLW0603  one process, one log
    _counted[reason] += 1
    telemetry.refused(reason)
    if error is not None:
        _last_error = said(error)


async def tell() -> None:
    """Logs what was refused since the last line; ends only when it is cancelled, and then says the
    rest."""
    try:
        while True:
            await asyncio.sleep(LOGGED_EVERY)
            _log()
    finally:
        _log()


def _log() -> None:
    global _last_error  # noqa: PLW0603
    reasons = {reason.value: count for reason, count in _counted.items() if count}
    if reasons:
        error = {"last_error": _last_error} if _last_error else {}
        log.warning("refused", count=sum(reasons.values()), reasons=reasons, **error)
        _counted.update(dict.fromkeys(Reason, 0))
        _last_error = ""
