"""A moment as callers send it."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


def _in_utc(time: datetime) -> datetime:
    if not _EARLIEST <= time < _LATEST:
        raise ValueError("must lie in the years 1970 to 9998")
    return time.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""With an offset, of any zone; inside it is UTC. The years leave every zone room to both sides."""
