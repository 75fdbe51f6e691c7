"""Java's `.properties` files, in which backslash, separators and everything outside Latin-1 are
escaped."""

from collections.abc import Mapping
from typing import Final

_ESCAPED: Final = {
    "\\": "\\\\",
    "\t": "\\t",
    "\n": "\\n",
    "\r": "\\r",
    "\f": "\\f",
    "=": "\\=",
    ":": "\\:",
    "#": "\\#",
    "!": "\\!",
}


def lines(properties: Mapping[str, str]) -> str:
    """A file that `java.util.Properties.load` reads as exactly these names and values."""
    return "".join(f"{_key(name)}={_value(value)}\n" for name, value in properties.items())


def _key(text: str) -> str:
    return _escaped(text).replace(" ", "\\ ")


def _value(text: str) -> str:
    escaped = _escaped(text)
    # Blanks before a value belong to the separator unless they are escaped.
    return "\\" + escaped if escaped.startswith(" ") else escaped


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(character) or _ascii(character) for character in text)


def _ascii(character: str) -> str:
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
