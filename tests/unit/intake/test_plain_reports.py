"""Which requests take the short way of POST /reports: only those that the declared way takes."""

import pytest
from starlette.requests import Request

from services.intake.api.commands import _plainly_a_report as plainly_a_report

PLAIN = b'{"description": "A slide", "exposure": {"platform": "Mastodon"}}'


def request(**headers: str) -> Request:
    named = {"content-type": "application/json"} | headers
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]
    return Request({"type": "http", "method": "POST", "path": "/reports", "headers": pairs})


def test_a_plain_report_is_read() -> None:
    report = plainly_a_report(request(), PLAIN)
    assert report is not None
    assert report.description == "A slide"


@pytest.mark.parametrize(
    "body",
    [
        b'{"description": "A slide", "description": "Another"}',
        b'{"exposure": {"platform": "Mastodon", "platform": "Reddit"}}',
        b'{"noticed_at": 20260302}',
        b'{"anonymous": "no"}',
        b'{"description": " "}',
        b'{"nobody_knows": 1}',
        b"[" * 2000,
        b"\xff",
        b"",
    ],
    ids=[
        "twice",
        "twice within",
        "number for a time",
        "no",
        "blank",
        "unknown",
        "deep",
        "odd",
        "0",
    ],
)
def test_what_the_declared_way_refuses_is_left_to_it(body: bytes) -> None:
    assert plainly_a_report(request(), body) is None


@pytest.mark.parametrize(
    "headers",
    [{"content_type": "text/json"}, {"if_match": '"7"'}, {"idempotency_key": "not one key"}],
    ids=["media type", "version", "key"],
)
def test_what_is_not_plain_goes_the_declared_way(headers: dict[str, str]) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    assert plainly_a_report(request(**named), PLAIN) is None
