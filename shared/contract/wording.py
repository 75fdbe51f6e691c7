"""How values are said to people: times, words of the vocabulary. No locale, no time zone
but UTC."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from shared.contract.catalogue.base import Exposure, words_of
from shared.contract.vocabulary import AudienceTier, Fidelity, Platform, PostKind

UNKNOWN: Final = "unknown"

_DIGITS: Final = {
    Fidelity.YEAR: 4,
    Fidelity.MONTH: 7,
    Fidelity.DAY: 10,
    Fidelity.HOUR: 13,
    Fidelity.MINUTE: 16,
    Fidelity.SECOND: 19,
}
"""How much of `2026-03-02 09:15:00` is known."""


def moment(at: datetime | None, fidelity: Fidelity | None = None) -> str:
    """`2026-03-02 09:15:00 UTC`, or as much of it as is known."""
    if at is None:
        return UNKNOWN
    shown, zone = at, "UTC"
    if at.tzinfo is None:
        zone = "(zone not given)"
    else:
        try:
            shown = at.astimezone(UTC)
        except OverflowError:  # the first or last day of the calendar
            zone = "(in its own zone)"
    text = shown.isoformat(sep=" ")[: _DIGITS[fidelity or Fidelity.SECOND]]
    return (
        f"{text} h {zone}"
        if fidelity is Fidelity.HOUR
        else text
        if len(text) <= 10
        else f"{text} {zone}"
    )


def word(value: str | None) -> str:
    """A word of the vocabulary as people write it: `got_lucky` → `got lucky`; None is unknown."""
    return UNKNOWN if value is None else value.replace("_", " ")


def words(values: Iterable[str], none: str = UNKNOWN) -> str:
    return ", ".join(word(value) for value in values) or none


def tier(value: AudienceTier) -> str:
    """`D (public)`"""
    if value is AudienceTier.UNKNOWN:
        return UNKNOWN
    letter, _, name = value.name.partition("_")
    return f"{letter} ({word(name.lower())})"


def place(exposure: Exposure) -> str:
    """`post on a photo network`"""
    kind = (
        "a post of unknown kind"
        if exposure.post_kind is PostKind.UNKNOWN
        else f"a {word(exposure.post_kind)}"
    )
    return f"{kind} on {platform(exposure) or 'an unknown platform'}"


def platform(exposure: Exposure) -> str | None:
    """One that lists know by its own name, any other as it was written: only that can be
    forgotten. None is unknown."""
    if exposure.platform is Platform.UNKNOWN:
        return None
    if exposure.platform is Platform.OTHER:
        return words_of(exposure.platform_name) or word(exposure.platform)
    return word(exposure.platform)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 finding`, `2 findings`, `no finding`."""
    if number == 0:
        return f"no {noun}"
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
