"""The spans of requests, as they are exported, hold nothing of the caller."""

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.runtime.process.exporting import OF_A_REQUEST, Stories

ADDRESS = "203.0.113.7"
AGENT = "unmistakable-agent/4711"
FORWARDED = "198.51.100.9"
QUERY = "unmistakable-query"
HEADERS = {"User-Agent": AGENT, "X-Forwarded-For": FORWARDED, "Authorization": "Bearer secret"}


@pytest.mark.parametrize("path", ["/reports", "/nowhere", "/bug"])
@pytest.mark.parametrize("conventions", ["", "http", "http/dup"])
async def test_leave_out_address_agent_headers_and_query(
    path: str, conventions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", conventions)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", ".*")
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(Stories(exporter))
    app = FastAPI()

    @app.post("/reports")
    async def report() -> dict[str, str]:
        return {}

    @app.post("/bug")
    async def bug() -> None:
        raise ZeroDivisionError(AGENT)

    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, exclude_spans=["receive", "send"]
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(ADDRESS, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        await http.post(f"{path}?q={QUERY}", headers=HEADERS)
    provider.force_flush()
    (span,) = exporter.get_finished_spans()
    told = span.to_json()
    assert [text for text in (ADDRESS, "4711", FORWARDED, QUERY, "secret") if text in told] == []
    assert set(span.attributes or {}) <= set(OF_A_REQUEST)
    assert {"POST"} <= {str(value) for value in (span.attributes or {}).values()}
    provider.shutdown()
