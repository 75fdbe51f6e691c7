"""The report as Markdown (CommonMark with tables). The template is templates/report.md; every value
is escaped here, and only what is Markdown of our own making passes as it is."""

import functools
import re
from typing import Any, Final

import jinja2
from markupsafe import Markup

from services.review.report.model import Report
from services.review.report.templating import render, template
from shared.contract.visible import visible
from shared.contract.wording import UNKNOWN

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~&#!{}$])")
_LINE_START: Final = re.compile(r"^(\d{1,9}(?=[.)])|(?=[-+=]))")
_ADDRESS: Final = re.compile(r"(?i)\b(https?|ftp|www)([:.])")


def render_markdown(report: Report) -> bytes:
    return render(_template(), report)


@functools.cache
def _template() -> jinja2.Template:
    return template("report.md", _finish, code=_code, quoted=_quoted)


def _finish(value: Any) -> Any:
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return escape(str(value)) if is_text else value


def escape(text: str) -> Markup:
    """Text that stays text in Markdown: no mark-up, no link, no HTML, no new line."""
    lines = [_escape_line(line) for line in visible(text).split("\n")]
    return Markup("<br>".join(lines))  # noqa: S704


def _escape_line(line: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", line.replace("\t", " ").strip())
    escaped = _LINE_START.sub(r"\1\\", escaped)
    # An address stays text: what leaked is not to be clicked on.
    return _ADDRESS.sub(r"\1\\\2", escaped)


def _quoted(text: str | None) -> Markup:
    """Lines of a quotation; `unknown` for what nobody wrote."""
    if not text:
        return Markup(f"*{UNKNOWN}*")  # noqa: S704
    lines = (f"> {_escape_line(line)}  " for line in visible(text).split("\n"))
    return Markup("\n".join(lines))  # noqa: S704


def _code(text: object) -> Markup:
    """For ids, hashes and places, which hold no back-tick."""
    return Markup(f"`{text}`")  # noqa: S704
