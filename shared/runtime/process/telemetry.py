"""Traces and metrics. Exported by the standard OTEL_* variables; silent without them.

Spans are made in any case, so that every event carries the trace context in which it was said.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from fastapi import FastAPI
from opentelemetry import context, metrics, propagate, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import exporting
from shared.runtime.process.lag import Lag

T = TypeVar("T")

HEALTH: Final = ("/healthz", "/readyz")
"""Asked all day: they get ids, and no spans."""
CALLERS: Final = "incident_ledger.traceparent"
"""In the scope of a request that left its caller's trace: what the caller named, or None."""
_TRACES: Final = ("traceparent", "tracestate", "baggage")
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_ids: Final = RandomIdGenerator()


_tracer: trace.Tracer | None = None
"""None where nothing is exported: then a span only has its ids, at a tenth of the cost."""
_meter = metrics.get_meter(exporting.OURS)
_appended = _meter.create_counter(
    "ledger.appended", "{event}", "Events that this service said and committed."
)
_relayed = _meter.create_counter(
    "ledger.relayed", "{event}", "Events that the broker acknowledged."
)
_heard = _meter.create_counter(
    "ledger.heard", "{event}", "Events of other services that were accepted."
)
_parked = _meter.create_counter(
    "ledger.parked", "{message}", "Messages that could not be heard, by reason."
)
_refused = _meter.create_counter(
    "ledger.refused", "{request}", "What was refused before a route answered, by reason."
)
_sealed = _meter.create_counter(
    "ledger.sealed", "{event}", "Events that became leaves of the published log."
)


def configure(service: ServiceName) -> None:
    """Installs what exports, where OTEL_* names an endpoint; only then is it imported, for it takes
    six megabytes."""
    global _tracer  # noqa: PLW0603  one process, one tracer
    name = os.environ.get("OTEL_SERVICE_NAME") or f"incident-ledger-{service}"
    resource = Resource.create({SERVICE_NAME: name})
    if _exports("TRACES"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

        tracers = TracerProvider(resource=resource)
        tracers.add_span_processor(exporting.Stories(OTLPSpanExporter()))
        trace.set_tracer_provider(tracers)
        _tracer = trace.get_tracer(exporting.OURS)
        AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]
    if _exports("METRICS"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        # Not without a reader: FastAPI measures every request for a provider that is there, and
        # nobody would see it.
        metrics.set_meter_provider(
            MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
        )


def shutdown() -> None:
    """Sends what is left."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if isinstance(provider, TracerProvider | MeterProvider):
            provider.shutdown()


def _exports(signal: str) -> bool:
    """Whether OTEL_* asks for OTLP: by an endpoint, or by naming the exporter, whose endpoint then
    is the standard's."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if exporters := os.environ.get(f"OTEL_{signal}_EXPORTER"):
        return "otlp" in exporters.split(",")
    return bool(
        os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        or os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    )


def instrument(app: FastAPI, leaves: Callable[[Scope], bool]) -> None:
    """Gives every request a span, in the caller's trace if it names one; but in a trace of its own
    where it leaves that."""
    if _tracer is not None:
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        excluded = ",".join(f"{path}$" for path in HEALTH)
        FastAPIInstrumentor.instrument_app(
            app, excluded_urls=excluded, exclude_spans=["receive", "send"]
        )
    build = app.build_middleware_stack
    # Around Starlette's own too, as the instrumentation does it: what is refused or goes wrong
    # there is answered with the id.
    app.build_middleware_stack = lambda: _Traced(build(), leaves)  # type: ignore[method-assign]


class _Traced:
    def __init__(self, app: ASGIApp, leaves: Callable[[Scope], bool]) -> None:
        self._app = app
        self._leaves = leaves
        # Whatever propagator the environment chooses.
        fields = (*_TRACES, *propagate.get_global_textmap().fields)
        self._fields = frozenset(name.lower().encode() for name in fields)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = next(
            (value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"),
            None,
        )
        if self._leaves(scope):
            rest = [one for one in scope["headers"] if one[0] not in self._fields]
            scope, parent = {**scope, "headers": rest, CALLERS: parent}, None
        if _tracer is not None and not scope["path"].endswith(HEALTH):
            await self._app(scope, receive, send)
            return
        with named(parent):
            await self._app(scope, receive, send)


def trace_id() -> str | None:
    """The current trace, as logs and backends write it."""
    current = trace.get_current_span().get_span_context()
    return trace.format_trace_id(current.trace_id) if current.is_valid else None


def traceparent() -> str | None:
    """The current span as W3C trace context."""
    current = trace.get_current_span().get_span_context()
    if not current.is_valid:
        return None
    return f"00-{current.trace_id:032x}-{current.span_id:016x}-{current.trace_flags:02x}"


def linked_span(name: str, traceparents: Iterable[str]) -> AbstractContextManager[object]:
    """A person's command: a span of the caller's own trace, linked to the events it decides on."""
    if _tracer is None and trace.get_current_span().get_span_context().is_valid:
        return contextlib.nullcontext()  # nobody would see a span within the request's
    links = [
        Link(said_in)
        for parent in _told(traceparents)
        if (said_in := _span_context(parent)) is not None
    ]
    return _span(name, links=links)


def within(parent: str | None, name: str) -> AbstractContextManager[object]:
    """Goes on in the trace of a caller whose request had left it, and links to the request's."""
    if parent is None or _span_context(parent) is None:
        return contextlib.nullcontext()
    callers = _PROPAGATOR.extract({"traceparent": parent})
    return _span(name, callers, links=[Link(trace.get_current_span().get_span_context())])


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Leaves the caller's trace: what is done within begins a trace of its own, from which nothing
    leads back to the request."""
    token = context.attach(context.Context())
    try:
        yield
    finally:
        context.detach(token)


def named(parent: str | None = None) -> AbstractContextManager[object]:
    """The ids of a span that nobody exports, nor what is done within: enough for an answer to be
    told from others."""
    named_ = _ids_of_a_span(_PROPAGATOR.extract({"traceparent": parent}) if parent else None)
    unseen = (
        named_ if _tracer is None else trace.SpanContext(named_.trace_id, named_.span_id, False)
    )
    return trace.use_span(trace.NonRecordingSpan(unseen))


def span_from(parent: str | None, name: str) -> AbstractContextManager[object]:
    """What a service does on hearing an event: continues the trace in which the event was said."""
    said_in = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
    return _span(name, said_in, kind=SpanKind.CONSUMER)


def _span(
    name: str, within: context.Context | None = None, **how: Any
) -> AbstractContextManager[object]:
    if _tracer is None:
        return trace.use_span(trace.NonRecordingSpan(_ids_of_a_span(within)))
    return exporting.without_values(
        _tracer.start_as_current_span(
            name, within, record_exception=False, set_status_on_exception=False, **how
        )
    )


def _ids_of_a_span(within: context.Context | None) -> trace.SpanContext:
    parent = trace.get_current_span(within).get_span_context()
    if parent.is_valid:
        return trace.SpanContext(
            parent.trace_id, _ids.generate_span_id(), False, parent.trace_flags
        )
    return trace.SpanContext(
        _ids.generate_trace_id(), _ids.generate_span_id(), False, TraceFlags(TraceFlags.SAMPLED)
    )


def _span_context(parent: str) -> trace.SpanContext | None:
    named = trace.get_current_span(_PROPAGATOR.extract({"traceparent": parent})).get_span_context()
    return named if named.is_valid else None


def appended(count: int) -> None:
    _appended.add(count)


def relayed(count: int) -> None:
    _relayed.add(count)


def heard(events: Sequence[Event], service: ServiceName) -> None:
    """Counts what was heard, and leaves a span for each event in the trace in which it was said."""
    _heard.add(len(events))
    for event in _told(events):
        with span_from(event.traceparent, f"{service} hears {event.type}"):
            pass


def _told(items: Iterable[T]) -> Iterable[T]:
    """Those of which a span tells: none where spans are not exported."""
    return () if _tracer is None else items


def parked(reason: str) -> None:
    _parked.add(1, {"reason": reason})


def refused(reason: str) -> None:
    _refused.add(1, {"reason": reason})


def observe_lag(lag: Lag) -> None:
    """Publishes the messages that each assigned partition has not heard yet."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [
            Observation(count, {"partition": partition})
            for partition, count in lag.by_partition.items()
        ]

    _meter.create_observable_gauge(
        "ledger.lag", [observe], "{message}", "Messages on the topic that are not heard yet."
    )


def sealed(count: int) -> None:
    _sealed.add(count)


def observe_log(log: Mapping[str, int]) -> None:
    """Publishes how the sealed log stands: sizes, holes, what waits, witnesses that do not
    answer."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, {"of": name}) for name, value in log.items()]

    _meter.create_observable_gauge(
        "ledger.log",
        [observe],
        description="Of the sealed log: leaves (size, witnessed_size), open holes, events that "
        "wait, …",
    )
