"""What of a span leaves the process: nothing that a caller chooses, nor a value of anybody's data.

Libraries record an exception in its own words, and a driver's words hold the row that it refused.
"""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from shared.runtime.process.logging import said

OURS: Final = "incident-ledger"
"""The instrumentation scope whose spans this module fills; all others are a library's."""
OF_A_REQUEST: Final = (
    "http.method",
    "http.request.method",
    "http.route",
    "http.scheme",
    "url.scheme",
    "http.status_code",
    "http.response.status_code",
    "http.flavor",
    "network.protocol.version",
    "error.type",
)
"""What the span of a request may say of it: nothing that its caller chooses, nor who that is."""
_EXCEPTION: Final = "exception"
_KIND: Final = "exception.type"
_WORDS: Final = "exception.message"


class Stories(BatchSpanProcessor):
    """Leaves out queries that belong to no request and no event: the relay alone looks ten times a
    second."""

    def on_end(self, span: ReadableSpan) -> None:
        if span.parent is not None or span.kind is not SpanKind.CLIENT:
            super().on_end(span if _is_ours(span) else _of_a_library(span))


def _is_ours(span: ReadableSpan) -> bool:
    return span.instrumentation_scope is not None and span.instrumentation_scope.name == OURS


def _of_a_library(span: ReadableSpan) -> ReadableSpan:
    """The span with an exception's kind alone, and without a status's words. That of a request has
    what OF_A_REQUEST names: an anonymous report is not to be traced to an address, a program, or a
    header that the environment asks to be captured."""
    attributes = span.attributes or {}
    is_request = span.kind is SpanKind.SERVER
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={
            name: value
            for name, value in attributes.items()
            if name in OF_A_REQUEST or not is_request
        },
        events=[_kind_of(event) for event in span.events if event.name == _EXCEPTION],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _kind_of(event: Event) -> Event:
    attributes = event.attributes or {}
    kept = {_KIND: attributes[_KIND]} if _KIND in attributes else {}
    return Event(event.name, kept, event.timestamp)


@contextlib.contextmanager
def without_values(entering: AbstractContextManager[trace.Span]) -> Iterator[trace.Span]:
    """A span of ours, in which an exception stands as in the log."""
    with entering as span:
        try:
            yield span
        except Exception as error:
            words = said(error)
            span.add_event(_EXCEPTION, {_KIND: type(error).__qualname__, _WORDS: words})
            span.set_status(Status(StatusCode.ERROR, words))
            raise
