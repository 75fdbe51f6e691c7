"""The forms of the report: JSON, Markdown and HTML."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.review.report.as_html import render_html
from services.review.report.as_json import render_json
from services.review.report.as_markdown import render_markdown
from services.review.report.model import Report
from shared.contract.catalogue.review import ReportDigest


class Form(StrEnum):
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a form is made, and which digest on the log is of its bytes."""

    media_type: str
    render: Callable[[Report], bytes]
    digest: Callable[[ReportDigest], str]


RENDERINGS: Final[Mapping[Form, Rendering]] = {
    Form.JSON: Rendering("application/json", render_json, lambda digest: digest.json_sha256),
    Form.MARKDOWN: Rendering(
        "text/markdown", render_markdown, lambda digest: digest.markdown_sha256
    ),
    Form.HTML: Rendering("text/html", render_html, lambda digest: digest.html_sha256),
}
"""In the order of our preference."""


def digest_of(report: Report) -> ReportDigest:
    """SHA-256 of each form."""
    return ReportDigest(
        format=report.format,
        json_sha256=hashlib.sha256(render_json(report)).hexdigest(),
        markdown_sha256=hashlib.sha256(render_markdown(report)).hexdigest(),
        html_sha256=hashlib.sha256(render_html(report)).hexdigest(),
    )
