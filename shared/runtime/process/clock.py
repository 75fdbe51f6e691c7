"""The only place where time passes and ids are drawn; everywhere else they are inputs."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  here it comes in


def new_id() -> UUID:
    """A UUIDv7: unique, and sorted by the time it was drawn."""
    return uuid7()
