"""The report as one HTML page: self-contained, without JavaScript, for screen, phone and paper. The
template is templates/report.html."""

import functools
from typing import Any

import jinja2
from markupsafe import Markup

from services.review.report.model import Report
from services.review.report.templating import render, template
from shared.contract.visible import visible


def render_html(report: Report) -> bytes:
    return render(_template(), report)


@functools.cache
def _template() -> jinja2.Template:
    return template("report.html", _finish)


def _finish(value: Any) -> Any:
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return visible(str(value)) if is_text else value
