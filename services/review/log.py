"""The sealed log of all services' events, as a process of review is started with it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from services.review.settings import ReviewSettings
from shared.chain.keyfiles import log_signer
from shared.runtime.process.database import Connection
from shared.seal.status import about
from shared.seal.store import LogStore
from shared.seal.stores import open_store
from shared.tlog.keys import Signer


@dataclass(frozen=True, slots=True)
class Log:
    """The sealed log, as this process was started with it."""

    settings: ReviewSettings
    store: LogStore
    signer: Signer

    @property
    def open(self) -> bool:
        """Whether anybody may read it, not auditors alone."""
        return self.settings.log_open


@contextlib.asynccontextmanager
async def open_log(settings: ReviewSettings) -> AsyncIterator[Log]:
    """The log, for as long as the service runs."""
    signer = log_signer(settings.log_key_file.read_bytes())
    yield Log(settings, open_store(settings.log_store), signer)


async def shown(connection: Connection) -> dict[str, Any]:
    """What readiness says of the log, whichever process seals it."""
    return {"log": await about(connection)}
