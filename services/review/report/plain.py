"""Text that people wrote, made safe to show: nothing invisible that could break a row or turn a
line around."""

import re
from typing import Final

_NEW_LINE: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
"""Control characters, and the marks that reorder or hide what stands beside them."""


def plain(text: str) -> str:
    """Line ends as LF; what is invisible is shown as U+FFFD, so that a reader sees that it was
    there."""
    return _INVISIBLE.sub("\ufffd", _NEW_LINE.sub("\n", text))
