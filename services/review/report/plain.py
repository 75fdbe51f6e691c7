"""What the formats of the report differ in: how text that people wrote is made safe to show, with
nothing invisible that could break a row or turn a line around; and how seconds are written."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from shared.contract.visible import visible

_NEW_LINE: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_LISTED: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
"""What the first format shows as invisible: a list, which misses much. It stays for the reports
that were published in it."""


def _plain_1(text: str) -> str:
    return _LISTED.sub("\ufffd", _NEW_LINE.sub("\n", text))


PLAIN: Final[Mapping[int, Callable[[str], str]]] = {1: _plain_1, 2: visible}
"""By format: line ends as LF; what is invisible is shown as U+FFFD, so that a reader sees that it
was there."""

SECONDS: Final[Mapping[int, Callable[[float], str]]] = {1: "{:g}".format, 2: "{:.15g}".format}
"""By format. The first writes twelve days as 1.0368e+06, and rounds to six digits; it stays for the
reports that were published in it."""
