"""Traces and metrics. Exported by the standard OTEL_* variables; silent without them.

Spans are made in any case, so that every event carries the trace context in which it was said.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from opentelemetry import context, metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("incident-ledger")
_meter = metrics.get_meter("incident-ledger")
_appended = _meter.create_counter("ledger.appended", "{event}", "Events that this service said and committed.")
_relayed = _meter.create_counter("ledger.relayed", "{event}", "Events that the broker acknowledged.")
_heard = _meter.create_counter("ledger.heard", "{event}", "Events of other services that were accepted.")
_parked = _meter.create_counter("ledger.parked", "{message}", "Messages that could not be heard, by reason.")

_sealed = _meter.create_counter("ledger.sealed", "{event}", "Events that became leaves of the published log.")


def configure(service: ServiceName) -> None:
    """Installs the providers of this process; exporters only where OTEL_* names an endpoint."""
    name = os.environ.get("OTEL_SERVICE_NAME") or f"incident-ledger-{service}"
    resource = Resource.create({SERVICE_NAME: name})
    tracers = TracerProvider(resource=resource)
    trace.set_tracer_provider(tracers)
    if _exports("TRACES"):
        tracers.add_span_processor(_Stories(OTLPSpanExporter()))
        AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]
    readers = [PeriodicExportingMetricReader(OTLPMetricExporter())] if _exports("METRICS") else []
    metrics.set_meter_provider(MeterProvider(readers, resource=resource))


def shutdown() -> None:
    """Sends what is left."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if isinstance(provider, TracerProvider | MeterProvider):
            provider.shutdown()


class _Stories(BatchSpanProcessor):
    """Leaves out queries that belong to no request and no event: the relay alone looks ten times a second."""

    def on_end(self, span: ReadableSpan) -> None:
        if span.parent is not None or span.kind is not SpanKind.CLIENT:
            super().on_end(span)


def _exports(signal: str) -> bool:
    """Whether OTEL_* asks for OTLP: by an endpoint, or by naming the exporter, whose endpoint then is the standard's."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if exporters := os.environ.get(f"OTEL_{signal}_EXPORTER"):
        return "otlp" in exporters.split(",")
    return bool(
        os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    )


def trace_id() -> str | None:
    """The current trace, as logs and backends write it."""
    current = trace.get_current_span().get_span_context()
    return trace.format_trace_id(current.trace_id) if current.is_valid else None


def traceparent() -> str | None:
    """The current span as W3C trace context."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


@contextlib.contextmanager
def linked_span(name: str, traceparents: Iterable[str]) -> Iterator[None]:
    """A person's command: a span of the caller's own trace, linked to the events it decides on."""
    links = [Link(said_in) for parent in traceparents if (said_in := _span_context(parent)) is not None]
    with _tracer.start_as_current_span(name, links=links):
        yield


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Leaves the caller's trace: what is done within begins a trace of its own, from which nothing leads back to the request."""
    token = context.attach(context.Context())
    try:
        yield
    finally:
        context.detach(token)


@contextlib.contextmanager
def span_from(parent: str | None, name: str) -> Iterator[None]:
    """What a service does on hearing an event: continues the trace in which the event was said."""
    said_in = _PROPAGATOR.extract({"traceparent": parent} if parent else {})
    with _tracer.start_as_current_span(name, context=said_in, kind=SpanKind.CONSUMER):
        yield


def _span_context(parent: str) -> trace.SpanContext | None:
    named = trace.get_current_span(_PROPAGATOR.extract({"traceparent": parent})).get_span_context()
    return named if named.is_valid else None


def appended(count: int) -> None:
    _appended.add(count)


def relayed(count: int) -> None:
    _relayed.add(count)


def heard(events: Iterable[Event], service: ServiceName) -> None:
    """Counts what was heard, and leaves a span for each event in the trace in which it was said."""
    count = 0
    for event in events:
        count += 1
        with span_from(event.traceparent, f"{service} hears {event.type}"):
            pass
    _heard.add(count)


def parked(reason: str) -> None:
    _parked.add(1, {"reason": reason})


def observe_lag(lag: Mapping[int, int]) -> None:
    """Publishes the messages that each assigned partition has not heard yet."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(count, {"partition": partition}) for partition, count in lag.items()]

    _meter.create_observable_gauge(
        "ledger.lag", [observe], "{message}", "Messages on the topic that are not heard yet."
    )


def sealed(count: int) -> None:
    _sealed.add(count)


def observe_log(log: Mapping[str, int]) -> None:
    """Publishes how the sealed log stands: sizes, holes, what waits, witnesses that do not answer."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, {"of": name}) for name, value in log.items()]

    _meter.create_observable_gauge(
        "ledger.log",
        [observe],
        description="Of the sealed log: leaves (size, witnessed_size), open holes, events that wait, …",
    )
