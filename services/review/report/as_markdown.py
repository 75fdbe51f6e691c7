"""The report as Markdown (CommonMark with tables). The template is templates/report.md; every value
is escaped here, and only what is Markdown of our own making passes as it is."""

import functools
import re
from collections.abc import Callable
from typing import Any, Final

import jinja2
from markupsafe import Markup

from services.review.report.model import Report
from services.review.report.plain import PLAIN, SECONDS
from services.review.report.templating import render, template
from shared.contract.wording import UNKNOWN

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~&#!{}$])")
_LINE_START: Final = re.compile(r"^(\d{1,9}(?=[.)])|(?=[-+=]))")
_ADDRESS: Final = re.compile(r"(?i)\b(https?|ftp|www)([:.])")


def render_markdown(report: Report) -> bytes:
    return render(_template(report.format), report)


@functools.cache
def _template(format_: int) -> jinja2.Template:
    plain = PLAIN[format_]

    def finish(value: Any) -> Any:
        is_text = isinstance(value, str) and not isinstance(value, Markup)
        return escape(str(value), plain) if is_text else value

    def quoted(text: str | None) -> Markup:
        return _quoted(text, plain)

    return template("report.md", finish, code=_code, quoted=quoted, seconds=SECONDS[format_])


def escape(text: str, plain: Callable[[str], str]) -> Markup:
    """Text that stays text in Markdown: no mark-up, no link, no HTML, no new line."""
    return Markup("<br>".join(_escape_line(line) for line in plain(text).split("\n")))  # noqa: S704


def _escape_line(line: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", line.replace("\t", " ").strip())
    escaped = _LINE_START.sub(r"\1\\", escaped)
    # An address stays text: what leaked is not to be clicked on.
    return _ADDRESS.sub(r"\1\\\2", escaped)


def _quoted(text: str | None, plain: Callable[[str], str]) -> Markup:
    """Lines of a quotation; `unknown` for what nobody wrote."""
    if not text:
        return Markup(f"*{UNKNOWN}*")  # noqa: S704
    lines = (f"> {_escape_line(line)}  " for line in plain(text).split("\n"))
    return Markup("\n".join(lines))  # noqa: S704


def _code(text: object) -> Markup:
    """For ids, hashes and places, which hold no back-tick."""
    return Markup(f"`{text}`")  # noqa: S704
