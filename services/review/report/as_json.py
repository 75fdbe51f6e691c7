"""The report as JSON: the model as it is, for programs."""

import json
from typing import Final

from pydantic import TypeAdapter

from services.review.report.model import Report

_REPORT: Final = TypeAdapter(Report)


def render_json(report: Report) -> bytes:
    value = _REPORT.dump_python(report, mode="json")
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
