"""Traces, metrics and logs as they leave a process: each test starts one of its own, and receives
what it sends."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.unit.runtime.collector import Receiver, collecting

pytestmark = pytest.mark.slow

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PARENT_TRACE, PARENT_SPAN = PARENT.split("-")[1:3]

PRELUDE = """
import asyncio, logging, sys
import structlog
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.lag import Lag
from shared.runtime.process import logging as logs, telemetry
from shared.runtime.process.settings import LogFormat
logs.configure(ServiceName.TRIAGE, LogFormat.JSON)
telemetry.configure(ServiceName.TRIAGE)
log = structlog.get_logger("test")
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with collecting() as receiver:
        yield receiver


def process(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", f"{PRELUDE}{script}\ntelemetry.shutdown()"],
        env=own | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def logged(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_without_otel_variables_nothing_is_sent_and_every_span_is_real() -> None:
    done = process(
        f"""
with telemetry.linked_span("FillSeat", []):
    print(telemetry.traceparent())
with telemetry.span_from("{PARENT}", "triage hears"):
    print(telemetry.traceparent())
print(telemetry.traceparent(), telemetry.trace_id())
telemetry.appended(1)
"""
    )
    own, heard, outside = done.stdout.splitlines()
    version, trace, span, flags = own.split("-")
    assert (version, len(trace), len(span), int(flags, 16) & 1) == ("00", 32, 16, 1)
    assert heard.startswith(f"00-{PARENT_TRACE}-")
    assert PARENT_SPAN not in heard
    assert outside == "None None"
    assert done.stderr == ""


def test_a_command_has_a_trace_of_its_own_and_links_to_what_it_decided_on(
    receiver: Receiver,
) -> None:
    process(
        f'with telemetry.linked_span("FillSeat", ["{PARENT}", "nonsense"]): pass',
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )
    span = receiver.spans["FillSeat"]
    assert span.trace_id.hex() != PARENT_TRACE
    assert span.parent_span_id == b""
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in span.links] == [
        (PARENT_TRACE, PARENT_SPAN)
    ]
    assert receiver.services == {"incident-ledger-triage"}


def test_what_is_heard_goes_on_in_the_trace_in_which_it_was_said(receiver: Receiver) -> None:
    process(
        f'with telemetry.span_from("{PARENT}", "triage reacts"): pass',
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )
    span = receiver.spans["triage reacts"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (PARENT_TRACE, PARENT_SPAN)
    assert span.kind == Span.SPAN_KIND_CONSUMER


def test_what_went_wrong_is_on_the_span(receiver: Receiver) -> None:
    process(
        f"""
try:
    with telemetry.span_from("{PARENT}", "triage reacts"):
        raise RuntimeError("boom")
except RuntimeError:
    pass
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )
    assert [event.name for event in receiver.spans["triage reacts"].events] == ["exception"]


def test_metrics(receiver: Receiver) -> None:
    process(
        """
telemetry.appended(2)
telemetry.appended(3)
telemetry.relayed(5)
telemetry.parked("gap")
telemetry.heard([], ServiceName.TRIAGE)
lag = Lag()
telemetry.observe_lag(lag)
lag.measure({4: 7})
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )
    assert [point.as_int for point in receiver.metrics["ledger.appended"]] == [5]
    assert [point.as_int for point in receiver.metrics["ledger.relayed"]] == [5]
    (parked,) = receiver.metrics["ledger.parked"]
    assert {item.key: item.value.string_value for item in parked.attributes} == {"reason": "gap"}
    (lag,) = receiver.metrics["ledger.lag"]
    assert (lag.as_int, lag.attributes[0].value.int_value) == (7, 4)


def test_queries_belong_to_a_story_or_are_left_out(receiver: Receiver) -> None:
    process(
        """
from opentelemetry import trace
tracer = trace.get_tracer("opentelemetry.instrumentation.asyncpg")
with tracer.start_as_current_span("the relay looks", kind=trace.SpanKind.CLIENT): pass
with telemetry.linked_span("FillSeat", []):
    with tracer.start_as_current_span("SELECT", kind=trace.SpanKind.CLIENT): pass
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )
    assert set(receiver.spans) == {"FillSeat", "SELECT"}


@pytest.mark.parametrize("exported", [True, False])
def test_health_has_an_id_and_no_span(receiver: Receiver, exported: bool) -> None:
    done = process(
        f"""
import httpx
from fastapi import FastAPI
from opentelemetry import trace
from shared.runtime.web.edge.door import Door, Entrances
app = FastAPI(telemetry={{"tracing": False, "metrics": False, "logs": False}})
async def asked():
    tracer = trace.get_tracer("opentelemetry.instrumentation.asyncpg")
    with tracer.start_as_current_span("SELECT", kind=trace.SpanKind.CLIENT):
        return "yes"
for path in ("/healthz", "/readyz", "/page"):
    app.get(path)(asked)
telemetry.instrument(app, lambda _: False)
app.add_middleware(Door, entrances=Entrances(app))
async def story():
    here = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=here, base_url="http://here") as client:
        for path in ("/healthz", "/readyz", "/page", "/nowhere/healthz"):
            answers = [
                await client.get(path, headers=traced)
                for traced in ({{}}, {{"traceparent": "{PARENT}"}})
            ]
            print(*[answer.headers["X-Request-Id"] for answer in answers])
asyncio.run(story())
""",
        **({"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint} if exported else {}),
    )
    names = [line.split() for line in done.stdout.splitlines()]
    assert len(names) == 4
    assert all(
        len(own) == 32 and int(own, 16) and own != PARENT_TRACE == given for own, given in names
    )
    assert set(receiver.spans) == ({"GET /page", "SELECT"} if exported else set())
    if exported:
        assert receiver.spans["SELECT"].parent_span_id == receiver.spans["GET /page"].span_id


@pytest.mark.parametrize("exported", [True, False])
def test_a_request_that_leaves_its_callers_trace_leads_back_to_it_by_name_only(
    receiver: Receiver, exported: bool
) -> None:
    done = process(
        f"""
import httpx
from fastapi import FastAPI, Request
from shared.runtime.web.edge.door import Door, Entrances
from shared.runtime.web.edge.traces import Leaving, leaves_trace
app = FastAPI(telemetry={{"tracing": False, "metrics": False, "logs": False}})
async def anonymous(request: Request):
    assert "{PARENT_TRACE}" not in str(request.headers), request.headers
    log.warning("anonymous")
    with telemetry.apart(), telemetry.linked_span("Anonymous", []):
        return telemetry.traceparent()
async def named(request: Request):
    with telemetry.within(request.scope[telemetry.CALLERS], "takes"):
        with telemetry.linked_span("Named", []):
            return telemetry.traceparent()
for path, report in (("/anonymous", anonymous), ("/named", named)):
    app.post(path, dependencies=[leaves_trace()])(report)
telemetry.instrument(app, Leaving(app))
app.add_middleware(Door, entrances=Entrances(app))
sent = {{
    "traceparent": "{PARENT}",
    "tracestate": "vendor={PARENT_TRACE}",
    "baggage": "session={PARENT_TRACE}",
}}
async def story():
    here = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=here, base_url="http://here") as client:
        for path in ("/anonymous", "/named"):
            answer = await client.post(path, headers=sent)
            print(answer.headers["X-Request-Id"], answer.json())
asyncio.run(story())
""",
        OTEL_PROPAGATORS="tracecontext,baggage",
        **({"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint} if exported else {}),
    )
    (asked, anonymous), (asked_by_name, named) = map(str.split, done.stdout.splitlines())
    assert PARENT_TRACE not in {asked, asked_by_name}
    assert PARENT_TRACE not in anonymous
    assert asked not in anonymous
    assert PARENT_TRACE in named
    assert PARENT_TRACE not in done.stderr
    if exported:
        spans = receiver.spans
        left = [spans["POST /anonymous"], spans["Anonymous"], spans["POST /named"]]
        for span in left:
            assert (PARENT_TRACE in str(span), span.parent_span_id) == (False, b""), span
            assert bytes.fromhex(PARENT_TRACE) not in span.SerializeToString()
        assert spans["takes"].parent_span_id.hex() == PARENT_SPAN
        assert {spans[name].trace_id.hex() for name in ("takes", "Named")} == {PARENT_TRACE}
        assert [link.trace_id.hex() for link in spans["takes"].links] == [asked_by_name]


@pytest.mark.parametrize(
    ("environment", "traces", "metrics"),
    [
        ({"OTEL_TRACES_EXPORTER": "none"}, False, True),
        ({"OTEL_METRICS_EXPORTER": "none"}, True, False),
        ({"OTEL_SDK_DISABLED": "true"}, False, False),
        ({"OTEL_SERVICE_NAME": "triage-eu", "OTEL_TRACES_EXPORTER": "otlp"}, True, True),
    ],
)
def test_standard_variables(
    receiver: Receiver, environment: dict[str, str], traces: bool, metrics: bool
) -> None:
    process(
        'telemetry.appended(1)\nwith telemetry.linked_span("FillSeat", []): pass',
        **environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint},
    )
    assert (bool(receiver.spans), bool(receiver.metrics)) == (traces, metrics)
    assert receiver.services <= {environment.get("OTEL_SERVICE_NAME", "incident-ledger-triage")}


def test_logs_of_every_library_come_out_in_one_form_with_the_trace() -> None:
    done = process(
        f"""
log.info("outside", number=7)
with telemetry.span_from("{PARENT}", "triage hears"):
    log.warning("inside")
    logging.getLogger("uvicorn.error").error("from %s", "uvicorn")
"""
    )
    outside, inside, uvicorn = logged(done)
    assert (outside["event"], outside["number"], outside["service"], outside["level"]) == (
        *("outside", 7, "triage", "info"),
    )
    assert "trace_id" not in outside
    assert inside["trace_id"] == uvicorn["trace_id"] == PARENT_TRACE
    assert len(inside["span_id"]) == 16
    assert (uvicorn["event"], uvicorn["level"], uvicorn["logger"]) == (
        "from uvicorn",
        "error",
        "uvicorn.error",
    )
    assert outside["timestamp"].endswith("Z")
    assert done.stdout == ""


def test_secrets_never_reach_the_log() -> None:
    done = process(
        """
import jwt
from pydantic import BaseModel
class Report(BaseModel):
    number: int
token = jwt.encode({"sub": "u-1"}, "x" * 32, "HS256")
try:
    Report(number="hunter2 told me")
except ValueError as error:
    log.error("a bug", exc_info=error)
try:
    raise OSError("cannot reach postgresql://somebody:hunter2@db:5432/incident with " + token)
except OSError:
    logging.getLogger("uvicorn.error").exception("postgresql://hunter2@db")
log.info("asked", header="Bearer " + token, dsn="postgresql://a:hunter2@db")
assert token not in ""
"""
    )
    assert "hunter2" not in done.stderr
    assert "eyJ" not in done.stderr
    bug, reached, asked = logged(done)
    assert "Report" in bug["exception"]
    assert "int_parsing" in bug["exception"]
    assert "db:5432/incident" in reached["exception"]
    assert asked["dsn"] == "postgresql://…@db"
