"""The forms of the report: JSON, Markdown and HTML."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter

from services.review.report.as_html import render_html
from services.review.report.as_markdown import render_markdown
from services.review.report.model import Report
from shared.contract.catalogue.review import ReportDigest

_REPORT: Final = TypeAdapter(Report)


class Form(StrEnum):
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a form is made."""

    media_type: str
    render: Callable[[Report], bytes]


def render_json(report: Report) -> bytes:
    """The model as it is, for programs."""
    value = _REPORT.dump_python(report, mode="json")
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


RENDERINGS: Final[Mapping[Form, Rendering]] = {
    Form.JSON: Rendering("application/json", render_json),
    Form.MARKDOWN: Rendering("text/markdown", render_markdown),
    Form.HTML: Rendering("text/html", render_html),
}
"""In the order of our preference."""


def digest_of(skeleton: Report) -> ReportDigest:
    """SHA-256 of the skeleton, which is the JSON form of the report on bare events."""
    return ReportDigest(
        format=skeleton.format, skeleton_sha256=hashlib.sha256(render_json(skeleton)).hexdigest()
    )
