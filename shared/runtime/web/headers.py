"""Headers that every answer carries, whatever the route says: nothing is guessed, kept, leaked or
run."""

from typing import Final

from starlette.datastructures import MutableHeaders

from shared.runtime.process import telemetry

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of a page that sets none itself: no script runs."""


def complete(headers: MutableHeaders) -> None:
    """Adds what the answer does not say itself."""
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Referrer-Policy", "no-referrer")
    if headers.get("content-type", "").startswith("text/html"):
        headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    if (trace_id := telemetry.trace_id()) is not None:
        headers.setdefault("X-Request-Id", trace_id)
