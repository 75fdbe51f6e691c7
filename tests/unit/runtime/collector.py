"""A collector that speaks OTLP over HTTP, as any does, and keeps what it receives."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver:
    """A collector of a test's own; spans and metrics by name, the last of each."""

    def __init__(self) -> None:
        self.spans: dict[str, Span] = {}
        self.metrics: dict[str, list[Any]] = {}
        self.services: set[str] = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self._serve(resource)
                for scope in resource.scope_spans:
                    self.spans |= {span.name: span for span in scope.spans}
        else:
            for measured in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self._serve(measured)
                for group in measured.scope_metrics:
                    for metric in group.metrics:
                        self.metrics[metric.name] = list(
                            getattr(metric, metric.WhichOneof("data")).data_points
                        )

    def _serve(self, resource: Any) -> None:
        attributes = {item.key: item.value.string_value for item in resource.resource.attributes}
        self.services.add(attributes["service.name"])


@contextlib.contextmanager
def collecting() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()
