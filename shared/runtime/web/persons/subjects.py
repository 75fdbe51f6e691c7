"""The names of people and machines in tokens: one spelling for each, and none that is somebody
else's by the look of it."""

import re
import unicodedata
from typing import Final, TypeGuard

from shared.contract.characters import shows

MOST: Final = 200
"""Characters."""
FORMAT: Final = "subject"
"""Named in the documents, because no pattern can tell which letters are printable and composed."""

_OURS: Final = re.compile(r"service\s*:", re.IGNORECASE)
_NOBODY: Final = frozenset({"anonymous", "anybody", "nobody", "unknown"})
"""Words that stand where no name is known."""


def flaw(subject: object) -> str | None:
    """Why this cannot be a subject, as the end of a sentence; None for one that can."""
    if not isinstance(subject, str) or not 1 <= len(subject) <= MOST or _odd(subject):
        return f"must be 1 to {MOST} printable characters"
    if subject != subject.strip() or "  " in subject:
        return "must not begin or end with a blank, nor have two in a row"
    if unicodedata.normalize("NFC", subject) != subject:
        return "must be in Unicode's normal form C"
    # Compatibility forms look the same: fullwidth letters spell our names, too.
    plain = unicodedata.normalize("NFKC", subject).casefold()
    if _OURS.match(plain):
        return "must not begin with service: which the services' own subjects do"
    if plain in _NOBODY:
        return "must be a name: this word stands for nobody"
    return None


def is_name(name: object) -> TypeGuard[str]:
    """Whether the directory can show this as a person's name."""
    return (
        isinstance(name, str) and 1 <= len(name) <= MOST and not _odd(name) and bool(name.strip())
    )


def _odd(subject: str) -> bool:
    return not subject.isprintable() or any(
        not shows(letter) and letter != " " for letter in subject
    )
