"""The report as one HTML page: self-contained, without JavaScript, for screen, phone and paper. The
template is templates/report.html."""

import functools
from typing import Any

import jinja2
from markupsafe import Markup

from services.review.report.model import Report
from services.review.report.plain import PLAIN, SECONDS
from services.review.report.templating import render, template


def render_html(report: Report) -> bytes:
    return render(_template(report.format), report)


@functools.cache
def _template(format_: int) -> jinja2.Template:
    plain = PLAIN[format_]

    def finish(value: Any) -> Any:
        is_text = isinstance(value, str) and not isinstance(value, Markup)
        return plain(str(value)) if is_text else value

    return template("report.html", finish, seconds=SECONDS[format_])
