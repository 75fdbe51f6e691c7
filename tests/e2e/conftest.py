"""Four real processes on a real Kafka and Postgres, and a real OTLP receiver that they send their
traces and metrics to."""

import os
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy.ledger.run import stack as local
from deploy.ledger.run.demo.cast import PEOPLE
from deploy.ledger.run.demo.office import Office
from deploy.local.keys import Keys
from deploy.local.state import Stack
from deploy.local.tokens import issue
from shared.contract.vocabulary import ServiceName
from tests.e2e.world import World
from tests.integration.servers import free_base


@dataclass(slots=True)
class Collector:
    """What the services exported."""

    url: str
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                collected.traces.append(ExportTraceServiceRequest.FromString(body))
            else:
                collected.metrics.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    collected = Collector(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield collected
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stack]:
    """One stack for the stories; they use incidents of their own."""
    data = Path(tmp_path_factory.mktemp("stack"))
    # For the stack alone: a service that another test runs in this process would begin to export
    # its own traces.
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        environment.setenv("OTEL_METRIC_EXPORT_INTERVAL", "1000")
        started = local.start(data, free_base())
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in os.environ
    yield started
    local.end(data)


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    """The stack with its people at their desks."""
    urls = {service: stack.services[service.value].url for service in ServiceName}
    keys = Keys.of(stack.data)
    tokens = {person.name: issue(keys, person.name, [person.role]) for person in PEOPLE}
    async with httpx.AsyncClient(timeout=30) as client:
        yield World(stack, Office(urls, tokens, client))
