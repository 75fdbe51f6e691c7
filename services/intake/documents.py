"""What the OpenAPI document says of the routes that take many reports, or events of others: their
bodies are read by hand, so nothing derives it."""

import json
from typing import Any, Final

from services.intake.bodies import RECEIPT_EXAMPLE, REPORT_EXAMPLE
from shared.runtime.web import problems

NDJSON: Final = "application/x-ndjson"

_PROBLEM_EXAMPLE: Final = {
    "type": "https://incident-ledger.example/problems/invalid",
    "title": "A field is wrong",
    "status": 422,
    "detail": "See errors: each names a field and what it must be.",
    "errors": [{"pointer": "#/platfrom", "detail": "is no field of this request; leave it out"}],
}

_EVENT_EXAMPLE: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "finding-4711",
    "source": "//dlp.example/scanner",
    "type": "com.example.dlp.finding",
    "datacontenttype": "application/json",
    "data": REPORT_EXAMPLE,
}


def _answers(place: str, first: int) -> list[dict[str, Any]]:
    return [
        {place: first, "status": 201, "receipt": RECEIPT_EXAMPLE},
        {place: first + 1, "status": 422, "problem": _PROBLEM_EXAMPLE},
    ]


_LINES_EXAMPLE: Final = "".join(f"{json.dumps(answer)}\n" for answer in _answers("line", 1))

_OTHER_MEDIA: Final[dict[int | str, dict[str, Any]]] = {
    415: {
        "description": "Another content type is expected: which",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}

BATCH: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            NDJSON: {
                "schema": {"type": "string"},
                "example": '{"exposure":{"platform":"mastodon"}}\n{"exercise":true}\n',
            }
        },
    }
}
BATCH_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "One answer a line", "content": {NDJSON: {"example": _LINES_EXAMPLE}}},
    **_OTHER_MEDIA,
}

EVENTS: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": f"ce-{name}",
            "in": "header",
            "required": False,
            "description": f"The attribute `{name}` of an event in binary mode.",
            "schema": {"type": "string"},
            "example": _EVENT_EXAMPLE[name],
        }
        for name in ("specversion", "id", "source", "type")
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {
                "schema": {
                    "type": "object",
                    "required": ["specversion", "id", "source", "type"],
                    "properties": {"specversion": {"const": "1.0"}},
                },
                "example": _EVENT_EXAMPLE,
            },
            "application/cloudevents-batch+json": {
                "schema": {"type": "array"},
                "example": [_EVENT_EXAMPLE],
            },
            "application/json": {
                "schema": {"$ref": "#/components/schemas/ReportBody"},
                "example": REPORT_EXAMPLE,
            },
        },
    },
}
EVENT_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A batch: one answer an event",
        "content": {"application/json": {"example": _answers("index", 0)}},
    },
    **_OTHER_MEDIA,
}
