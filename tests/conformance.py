"""Holds a service against its own OpenAPI document: requests made from it by schemathesis, those
that it allows and those that it refuses, and what each answer must be.

The requests are the same in every run: their seed is the document."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.runtime.web.persons import subjects

UNTOLD: Final = frozenset({"POST /events"})
"""An event's attributes are in its headers or in its body, by the content type; and who may say
what of which source is in a table."""

LINES: Final = "application/x-ndjson"

schemathesis.openapi.format(
    subjects.FORMAT,
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=200).filter(
        lambda name: subjects.flaw(name) is None
    ),
)


@schemathesis.serializer(LINES)
def _lines(_: Any, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


Ask: TypeAlias = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""Sends a request as somebody whom the service lets in."""

ALLOWED: Final = ("2xx", "304", "404", "406", "409", "412")
"""What may become of a request that the document allows: rules may refuse it, no reader may."""
REFUSED: Final = ("400", "404", "405", "406", "412", "413", "415", "422")
"""What must become of a request that the document does not allow."""
CHECKS: Final = (
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
BASE: Final = "http://service"


@dataclass(frozen=True, slots=True)
class Promises:
    """The document of a service, and whom to ask whether it is true."""

    document: dict[str, Any]
    ask: Ask
    known: Mapping[str, str] = field(default_factory=dict)
    """Path parameters that name something which is there; the others name nothing."""
    untold: frozenset[str] = frozenset()
    """Operations whose requests no document can tell whole: they may refuse what it allows."""

    async def broken(self, examples: int) -> list[str]:
        """Each operation's first broken promise, with so many requests of either kind."""
        loop = asyncio.get_running_loop()

        def send(request: httpx.Request) -> httpx.Response:
            return asyncio.run_coroutine_threadsafe(_waited(self.ask(request)), loop).result()

        return await asyncio.to_thread(lambda: list(self._broken(send, examples)))

    def _broken(
        self, send: Callable[[httpx.Request], httpx.Response], examples: int
    ) -> Iterator[str]:
        schema = schemathesis.openapi.from_dict(self.document, config=_config())
        for result in schema.get_all_operations():
            operation = result.ok()
            for mode in GenerationMode:
                if mode is GenerationMode.NEGATIVE and not _refuses_anything(operation):
                    continue
                try:
                    self._try(operation, mode, send, examples)
                except (AssertionError, FailureGroup) as broken:
                    yield f"{mode.value} {operation.label}: {broken}"

    def _try(
        self,
        operation: Any,
        mode: GenerationMode,
        send: Callable[[httpx.Request], httpx.Response],
        examples: int,
    ) -> None:
        @settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def conforms(case: Any) -> None:
            if mode is GenerationMode.POSITIVE:
                self._aim(case)
            answer = send(_request(case))
            case.validate_response(answer, checks=[*CHECKS, *self._judging(operation, mode)])

        conforms()

    def _aim(self, case: Any) -> None:
        """At what is there. No document can say which cursors there are: none is sent."""
        for name in case.path_parameters.keys() & self.known.keys():
            case.path_parameters[name] = self.known[name]
        (case.query or {}).pop("cursor", None)

    def _judging(self, operation: Any, mode: GenerationMode) -> list[Any]:
        judging: list[Any] = [not_a_server_error]
        if mode is GenerationMode.NEGATIVE:
            judging.append(negative_data_rejection)
        elif operation.label not in self.untold:
            judging.append(positive_data_acceptance)
        return judging


def _config() -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "checks": {
                "positive_data_acceptance": {"expected-statuses": [*ALLOWED]},
                "negative_data_rejection": {"expected-statuses": [*REFUSED]},
            },
            "generation": {"with-security-parameters": False},
        }
    )


def _refuses_anything(operation: Any) -> bool:
    """Lines of any text are taken: each has an answer of its own."""
    if any(body.media_type == LINES for body in operation.body):
        return False
    return any(True for _ in operation.iter_parameters()) or bool(operation.body)


def _request(case: Any) -> httpx.Request:
    sent = requests.Request(**_plain(case.as_transport_kwargs(base_url=BASE))).prepare()
    assert sent.url is not None
    headers = [
        (name.encode("latin-1"), value if isinstance(value, bytes) else value.encode("utf-8"))
        for name, value in sent.headers.items()
    ]
    return httpx.Request(sent.method or "GET", sent.url, headers=headers, content=sent.body)


def _plain(how: dict[str, Any]) -> dict[str, Any]:
    takes = ("method", "url", "headers", "files", "data", "params", "cookies", "json")
    return {name: value for name, value in how.items() if name in takes}


async def _waited(answer: Awaitable[httpx.Response]) -> httpx.Response:
    return await answer
