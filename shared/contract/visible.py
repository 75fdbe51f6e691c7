"""Text that people wrote, made safe to show: a mark stands where a reader would see nothing.

A character counts as unseen by its Unicode properties: a control, a format character (all that turn
a line around among them), a line or paragraph separator, a lone surrogate, a private or a
non-character, anything that is ignorable by default, and the few letters and signs that fonts leave
blank. An unassigned character is not among them: fonts draw a box for it, and one day its sign."""

import re
from typing import Final

UNSEEN: Final = (
    (0x0000, 0x0008),
    (0x000B, 0x001F),
    (0x007F, 0x009F),
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xD800, 0xF8FF),
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFC),
    (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x13441, 0x13442),
    (0x16FE4, 0x16FE4),
    (0x1BCA0, 0x1BCA3),
    (0x1D159, 0x1D159),
    (0x1D173, 0x1D17A),
    (0x1FFFE, 0x1FFFF),
    (0x2FFFE, 0x2FFFF),
    (0x3FFFE, 0x3FFFF),
    (0x4FFFE, 0x4FFFF),
    (0x5FFFE, 0x5FFFF),
    (0x6FFFE, 0x6FFFF),
    (0x7FFFE, 0x7FFFF),
    (0x8FFFE, 0x8FFFF),
    (0x9FFFE, 0x9FFFF),
    (0xAFFFE, 0xAFFFF),
    (0xBFFFE, 0xBFFFF),
    (0xCFFFE, 0xCFFFF),
    (0xDFFFE, 0xE0FFF),
    (0xEFFFE, 0x10FFFF),
)
"""First and last of each range, by the properties of Unicode 17 (Cc but for tab and LF, Cf, Cs, Co,
Zl, Zp, Default_Ignorable_Code_Point, Noncharacter_Code_Point), and the letters and signs whose
glyph is empty. Written down here because the bytes of a published report must not depend on the
Unicode version of the running Python, as the answers of characters.py do; a test holds the two
equal."""

_CLASS: Final = "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in UNSEEN)
_EMOJI: Final = "#*0-9©®\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_JOINING: Final = "\u0590-\U0010ffff"
"""Scripts that join their letters, and emoji."""

_NEW_LINE: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_DRAWN_OR_UNSEEN: Final = re.compile(
    f"(?P<drawn>(?<=[{_EMOJI}])[\ufe0e\ufe0f]"
    f"|((?<=\ufe0f)|(?<![{_CLASS}])(?<=[{_JOINING}]))[\u200c\u200d](?![{_CLASS}])(?=[{_JOINING}]))"
    f"|[{_CLASS}]"
)
"""A selector on an emoji and a joiner inside a word of a script that joins change what is drawn:
Persian, Hindi and families of emoji are not readable without them. Alone, doubled or beside Latin
letters they hide something, and are shown."""


def visible(text: str, mark: str = "\ufffd") -> str:
    """The text with LF as its only line end and the mark in place of each unseen character; tabs
    and blanks stay."""
    return _DRAWN_OR_UNSEEN.sub(
        lambda found: found[0] if found["drawn"] else mark, _NEW_LINE.sub("\n", text)
    )
