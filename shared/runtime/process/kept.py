"""A value that is asked for often and made seldom."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Kept(Generic[T]):
    make: Callable[[], Awaitable[T]]
    holds_for: float
    """Seconds, from the moment at which it was asked for."""
    _last: tuple[float, T] | None = None

    async def get(self) -> T:
        """The value, at most so old. Raises what making it raises, and keeps the old one then."""
        asked = asyncio.get_running_loop().time()
        if self._last is None or asked - self._last[0] >= self.holds_for:
            self._last = (asked, await self.make())
        return self._last[1]
