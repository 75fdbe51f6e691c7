"""The worker by which the keys of anonymous reports are forgotten."""

import asyncio
import contextlib
from typing import Any, Final

from services.intake import queries
from services.intake.keys import KEPT
from services.intake.settings import Secrets
from shared.runtime.running import Running

LOOKS_EVERY: Final = 600.0
"""Seconds."""


async def forget_keys(process: Running[Any, Any, Secrets]) -> None:
    """Until the process stops."""
    while not process.stopping.is_set():
        async with process.read() as connection:
            await queries.forget_anonymous_keys(connection, process.now() - KEPT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.stopping.wait(), LOOKS_EVERY)
