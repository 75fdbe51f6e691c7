"""The only place where time passes and ids are drawn; everywhere else they are inputs."""

from datetime import UTC, datetime
from uuid import UUID

import uuid6


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7: unique, and sorted by the time it was drawn."""
    return UUID(int=uuid6.uuid7().int)
