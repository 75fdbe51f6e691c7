"""Structured logs with trace ids. Tokens, DSNs and bodies never enter them."""

import logging
import re
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from typing import Final

import asyncpg
import structlog
from opentelemetry import trace
from pydantic import ValidationError
from structlog.typing import EventDict, WrappedLogger

from shared.contract.decision import Rejected
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.settings import LogFormat

_SECRETS: Final = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@]*@"), r"\1…@"),
    (re.compile(r"\beyJ[\w-]*\.[\w-]*\.[\w-]*"), "…"),
)
"""What words may carry that are ours to say: the password of an address, a token."""

_SAY_NO_VALUES: Final = ("shared.", "services.", "deploy.", "aiokafka.", "httpx", "uvicorn.")
"""Modules whose exceptions name no value that a caller sent."""
_ANSWER_CALLERS: Final = ("shared.runtime.say.conflicts",)
"""And one whose exceptions may: their words are for the caller."""


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
                structlog.processors.ExceptionRenderer(_traced),
                _without_secrets,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # aiokafka logs every retry of a broker that is away; `persist` says it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def said(error: BaseException) -> str:
    """An exception for the log: its kind, and its words where they hold no caller's value. A
    driver's name the row that it refused, a parser's the text."""
    kind = type(error)
    if isinstance(error, asyncpg.PostgresError):
        named = (error.sqlstate, error.schema_name, error.table_name, error.constraint_name)
        return f"{kind.__name__}({', '.join(filter(None, named))})"
    if isinstance(error, ValidationError):
        kinds = Counter(one["type"] for one in error.errors(include_url=False, include_input=False))
        return f"{kind.__name__}({error.title}: {', '.join(kinds)})"
    if isinstance(error, Rejected):
        return f"{kind.__name__}({error.rule})"
    ours = kind.__module__.startswith(_SAY_NO_VALUES) and kind.__module__ not in _ANSWER_CALLERS
    if ours or isinstance(error, OSError | RuntimeError | AssertionError):
        return _without(repr(error))
    return kind.__name__


def _traced(exc_info: structlog.typing.ExcInfo) -> str:
    """A traceback as Python writes it, in which each exception stands as `said`."""
    return "\n".join(_lines(exc_info[1]))


def _lines(error: BaseException) -> Iterator[str]:
    inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if inner is not None:
        yield from _lines(inner)
        yield "raised"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    yield said(error)
    for one in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _lines(one)


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
