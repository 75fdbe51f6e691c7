"""Spans of time in words."""

from typing import Final

_UNITS: Final = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def duration(seconds: float) -> str:
    """The two largest units that are not nought: `12 days`, `1 hour 30 minutes`, `0.5 seconds`."""
    if seconds < 1:
        return f"{seconds:g} seconds"
    parts, left = [], round(seconds)
    for name, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}" + ("s" if count > 1 else ""))
    return " ".join(parts[:2])
