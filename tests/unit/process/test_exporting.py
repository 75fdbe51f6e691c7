"""What spans say of exceptions as they leave the process: the words of the log, or none."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode
from pydantic import BaseModel, ValidationError

from shared.contract.decision import Rejected
from shared.runtime.process import exporting, telemetry
from shared.runtime.process.logging import said
from shared.runtime.say.conflicts import IdempotencyMismatch

SECRET: Final = "hunter2"
ROOT: Final = Path(__file__).parents[3]


class Of(BaseModel):
    number: int


def invalid() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Of.model_validate({"number": SECRET})
    return caught.value


ERRORS: Final = [
    asyncpg.UniqueViolationError.new(
        {
            "C": "23505",
            "M": f"duplicate {SECRET}",
            "D": f"Key (key)=({SECRET}) already exists.",
            "n": "idempotency_pkey",
        }
    ),
    invalid(),
    ValueError(SECRET),
    KeyError(SECRET),
    Rejected("known_channel", f"There is no channel {SECRET}."),
    IdempotencyMismatch(SECRET),
    ExceptionGroup(SECRET, [ValueError(SECRET)]),
    OSError(111, "refused"),
]


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TracerProvider, list[str]]]:
    """A provider that exports as a service does, and what it exported, as JSON."""
    exporter, provider, told = InMemorySpanExporter(), TracerProvider(), list[str]()
    provider.add_span_processor(exporting.Stories(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer(exporting.OURS))
    yield provider, told
    provider.force_flush()
    told.extend(span.to_json() for span in exporter.get_finished_spans())
    provider.shutdown()
    assert told, "nothing was exported"
    assert not [text for text in told if SECRET in text]


def kind(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", ERRORS, ids=kind)
class TestAnException:
    def test_stands_in_a_span_of_ours_as_in_the_log(
        self, error: Exception, exported: tuple[TracerProvider, list[str]]
    ) -> None:
        provider, _ = exported
        kept = InMemorySpanExporter()
        provider.add_span_processor(exporting.Stories(kept))
        for span in (
            telemetry.linked_span("FillSeat", []),
            telemetry.span_from("", "triage reacts"),
        ):
            with pytest.raises(type(error)), span:
                raise error
        provider.force_flush()
        for finished in kept.get_finished_spans():
            (event,) = finished.events
            assert dict(event.attributes or {}) == {
                "exception.type": type(error).__qualname__,
                "exception.message": said(error),
            }
            assert (finished.status.status_code, finished.status.description) == (
                StatusCode.ERROR,
                said(error),
            )

    @pytest.mark.parametrize("of", SpanKind, ids=str)
    def test_in_the_span_of_a_library_is_of_its_kind_alone(
        self, error: Exception, of: SpanKind, exported: tuple[TracerProvider, list[str]]
    ) -> None:
        library = exported[0].get_tracer("some.instrumentation")
        with telemetry.linked_span("FillSeat", []), pytest.raises(type(error)):
            _failing(library, of, error)


def _failing(library: trace.Tracer, of: SpanKind, error: Exception) -> None:
    with library.start_as_current_span("INSERT", kind=of) as span:
        span.set_status(Status(StatusCode.ERROR, SECRET))
        span.add_event(SECRET, {"said": SECRET})
        raise error


@pytest.mark.parametrize("cancelled", [asyncio.CancelledError, KeyboardInterrupt, GeneratorExit])
def test_an_end_is_no_failure(
    cancelled: type[BaseException], exported: tuple[TracerProvider, list[str]]
) -> None:
    with pytest.raises(cancelled), telemetry.linked_span("FillSeat", []):
        raise cancelled
    assert not trace.get_current_span().get_span_context().is_valid
    assert exported[1] == []


def test_nobody_else_fills_spans() -> None:
    """Whoever did would bring the words of an exception back."""
    fills = {
        "add_event",
        "record_exception",
        "set_attribute",
        "set_attributes",
        "set_status",
        "start_as_current_span",
        "start_span",
        "get_tracer",
    }
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("shared", "services", "deploy")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in fills
    }
    assert found == {
        "shared/runtime/process/exporting.py",
        "shared/runtime/process/telemetry.py",
    }
