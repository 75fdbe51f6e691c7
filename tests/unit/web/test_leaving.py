"""Which routes leave the trace of their caller: all that an anonymous reporter may come to."""

from typing import Final

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from shared.contract.authority import who_may
from shared.runtime.process import telemetry
from shared.runtime.web.auth import allowed_roles, public
from shared.runtime.web.edge.traces import Leaving, leaves, leaves_trace
from tests.services import SERVICES

REPORTERS: Final = frozenset(who_may("report"))


def test_all_that_an_anonymous_reporter_may_come_to() -> None:
    found = set()
    for service in SERVICES:
        for route in iter_route_contexts(service.router.routes):
            roles, methods = allowed_roles(route), route.methods or frozenset()
            reports = roles is not None and roles >= REPORTERS and "POST" in methods
            asks = roles is None and "{report_id}" in (route.path or "")
            assert leaves(route) == (reports or asks), route.path
            found |= {route.path} if leaves(route) else set()
    assert found == {"/reports", "/reports/batch", "/events", "/reports/{report_id}/status"}


@pytest.mark.parametrize(
    ("method", "path", "left"),
    [
        ("POST", "/reports", True),
        ("GET", "/reports", False),
        ("HEAD", "/reports", False),
        ("GET", "/reports/7/status", True),
        ("HEAD", "/reports/7/status", True),
        ("POST", "/reports/7/status", False),
        ("POST", "/reports/", False),
        ("POST", "/nowhere", False),
    ],
)
def test_goes_by_method_and_address(method: str, path: str, left: bool) -> None:
    app = FastAPI()
    app.post("/reports", dependencies=[public(), leaves_trace()])(_nothing)
    app.get("/reports", dependencies=[public()])(_nothing)
    app.get("/reports/{number}/status", dependencies=[leaves_trace(), public()])(_nothing)
    assert Leaving(app)({"type": "http", "method": method, "path": path}) is left


@pytest.mark.parametrize("parent", [None, "", "garbage", f"00-{'0' * 32}-{'0' * 16}-01"])
def test_without_a_trace_of_the_caller_a_request_stays_in_its_own(parent: str | None) -> None:
    with telemetry.named():
        own = telemetry.traceparent()
        with telemetry.within(parent, "takes"):
            assert telemetry.traceparent() == own


async def _nothing() -> None:
    """Never asked."""
