"""Structured logs with trace ids. Tokens, DSNs and bodies never enter them."""

import logging
import re
import sys
from typing import Final

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger

from shared.contract.vocabulary import ServiceName
from shared.runtime.process.settings import LogFormat

_SECRETS: Final = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@]*@"), r"\1…@"),
    (re.compile(r"\beyJ[\w-]*\.[\w-]*\.[\w-]*"), "…"),
    (re.compile(r"input_value=.*?, input_type="), "input_value=…, input_type="),
)
"""What an exception's words may carry: the password of an address, a token, and what pydantic was
given."""


def configure(service: ServiceName, form: LogFormat) -> None:
    """Everything that logs in this process, uvicorn and aiokafka included, comes out in one form on
    standard error."""
    shared: list[structlog.typing.Processor] = [
        _of(service),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        _with_trace,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form is LogFormat.JSON
        else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_secrets,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # aiokafka logs every retry of a broker that is away; `persist` says it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _of(service: ServiceName) -> structlog.typing.Processor:
    def name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service.value
        return event

    return name


def _without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {
        name: _without(value) if isinstance(value, str) else value for name, value in event.items()
    }


def _without(text: str) -> str:
    for secret, instead in _SECRETS:
        text = secret.sub(instead, text)
    return text


def _with_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event
