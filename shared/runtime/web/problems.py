"""Answers that are not success, as problem details (RFC 9457): one table from kind of answer to
status."""

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from shared.contract.decision import Missing, Rejected
from shared.contract.envelope import MalformedEnvelope
from shared.runtime.process import telemetry
from shared.runtime.process.persistence import PASSING, is_full
from shared.runtime.say.conflicts import (
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    Malformed,
    Stale,
    Unauthenticated,
)
from shared.runtime.web import headers
from shared.runtime.web.overload import Reason, refused

MEDIA_TYPE: Final = "application/problem+json"
log = structlog.get_logger(__name__)


class FieldProblem(BaseModel):
    pointer: str = Field(
        description="JSON pointer into the body, or the name of the parameter or header."
    )
    detail: str


class Problem(BaseModel):
    """RFC 9457, with what helps to go on."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "https://incident-ledger.example/problems/rejected",
                "title": "A rule says no",
                "status": 409,
                "detail": "platform_report waits for facts: where, still_live.",
                "rule": "facts",
                "missing": ["where", "still_live"],
                "who_can_supply": ["responder", "lead"],
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str
    rule: str | None = Field(
        default=None, description="The rule that refused; search the code for it."
    )
    missing: list[str] | None = None
    who_can_supply: list[str] | None = Field(default=None, description="Roles.")
    errors: list[FieldProblem] | None = Field(default=None, description="The first twenty.")
    more_errors: int | None = Field(default=None, description="How many there are beside them.")
    trace_id: str | None = Field(
        default=None, description="Under it the log says more; also in `X-Request-Id`."
    )


TABLE: Final[Mapping[type[Exception], tuple[int, str, str]]] = {
    Malformed: (400, "malformed", "The request is not well formed"),
    asyncpg.CharacterNotInRepertoireError: (400, "malformed", "The request is not well formed"),
    Unauthenticated: (401, "unauthenticated", "Who are you?"),
    Forbidden: (403, "forbidden", "Not with these roles"),
    Missing: (404, "missing", "Not known here"),
    Rejected: (409, "rejected", "A rule says no"),
    Conflict: (409, "conflict", "Others keep changing this incident; try again"),
    IdempotencyMismatch: (409, "idempotency-mismatch", "The same key came with another request"),
    Stale: (412, "stale", "The incident has moved on; read it again"),
    MalformedEnvelope: (413, "too-large", "The event is too large"),
}

DETAIL: Final[Mapping[type[Exception], str]] = {
    IdempotencyMismatch: "This Idempotency-Key came before with another request. "
    "Send a new request under a new key.",
    asyncpg.CharacterNotInRepertoireError: "A text holds the character NUL, "
    "which cannot be stored; leave it out.",
}
"""Where the error's own words say less than the caller needs, or more than the caller should
see."""

BUGS: Final = (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError)
"""Kinds of OSError that do not pass by themselves."""

ANSWERED: Final = (*TABLE, *PASSING)
"""What is no bug but an answer."""
ERRORS: Final = 20
"""Fields that an answer names."""
SHOWN: Final = 200
"""Characters of a caller's key that an answer repeats."""

REMEDY: Final = {
    "missing": "is required",
    "extra_forbidden": "is no field of this request; leave it out",
}
HTTP_KINDS: Final = {
    404: "missing",
    405: "method-not-allowed",
    413: "too-large",
    415: "other-media",
}
HTTP_DETAIL: Final = {
    "Not Found": "Nothing has this address; /openapi.json lists what there is.",
    "Method Not Allowed": "This address takes other methods, named in the Allow header.",
}
"""By what the framework says."""

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in (
        (400, "Not well formed"),
        (401, "No token, or one that does not count"),
        (403, "Not with these roles"),
        (404, "Not known here"),
        (409, "A rule says no: which, what is missing, who can supply it"),
        (412, "`If-Match` names a version that the incident has left"),
        (413, "The body is too large"),
        (422, "A field is wrong: which, and what it must be"),
        (
            503,
            "Too much at once, or the database or the broker is away: try again after "
            "`Retry-After` seconds",
        ),
    )
}


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JSONResponse:
    body = {
        "type": f"https://incident-ledger.example/problems/{kind}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    return _Problem({**body, **members}, status, headers=headers, media_type=MEDIA_TYPE)


class _Problem(JSONResponse):
    def render(self, content: Any) -> bytes:
        """What a caller sent may be anything that JSON can write, half of a surrogate pair
        included."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")


def overloaded(headers: Mapping[str, str] = MappingProxyType({})) -> JSONResponse:
    """More is asked for at once than can be done; nothing of this request was done."""
    detail = (
        "Too much is asked for at once. Nothing of this request was done: send it again after "
        "Retry-After seconds. "
        "Many reports cost least in one batch."
    )
    return problem(503, "overloaded", "Not now", detail, {"Retry-After": "1", **headers})


def describe(error: Exception) -> tuple[int, dict[str, Any]] | None:
    """Status and members of an answer kind's problem; None for what is no answer but a bug."""
    answer = next((kind for kind in type(error).__mro__ if kind in TABLE), None)
    if answer is None:
        return None
    status, kind, title = TABLE[answer]
    members: dict[str, Any] = {
        "kind": kind,
        "title": title,
        "detail": DETAIL.get(answer, str(error)),
    }
    if isinstance(error, Rejected):
        who = [role.value for role in error.who]
        members |= {"rule": error.rule, "missing": list(error.missing), "who_can_supply": who}
    if isinstance(error, Forbidden):
        members["who_can_supply"] = [role.value for role in error.roles]
    return status, members


def install(app: FastAPI) -> None:
    """Registers every answer kind, validation, HTTP errors, absent servers, and bugs."""
    for kind in TABLE:
        app.add_exception_handler(kind, _answer)
    for away in PASSING:
        app.add_exception_handler(away, _answer)
    for bug in (Exception, *BUGS):
        app.add_exception_handler(bug, _bug)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def response_to(error: Exception) -> JSONResponse:
    """The answer to one of ANSWERED. Raises any other again."""
    if isinstance(error, PASSING):
        return _unavailable(error)
    described = describe(error)
    if described is None:
        raise error
    status, members = described
    how = {}
    if status == 401:
        how["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Conflict):
        how["Retry-After"] = "1"
    return problem(status, headers=how, **members)


async def _answer(_: Request, error: Exception) -> JSONResponse:
    return response_to(error)


def _unavailable(error: Exception) -> JSONResponse:
    refused(Reason.AWAY, error)
    # A connection that breaks while it commits leaves open whether it did: only the key makes a
    # second try safe.
    detail = f"{why_not_now(error)} Send the same request again, with the same Idempotency-Key."
    return problem(503, "unavailable", "Not now", detail, {"Retry-After": "2"})


def why_not_now(error: Exception) -> str:
    """Of one of PASSING, in a sentence for the caller."""
    if is_full(error):
        return "A disk that this service needs is full, until its operator has made space."
    return "Something this service needs does not answer."


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return invalid(field_problems(error))


def invalid(errors: Sequence[Mapping[str, str]]) -> JSONResponse:
    """Names the first ERRORS fields that are wrong, and counts the others: a body of nothing but
    errors has an answer that can be read."""
    more: dict[str, Any] = {"more_errors": len(errors) - ERRORS} if len(errors) > ERRORS else {}
    return problem(
        422,
        "invalid",
        "A field is wrong",
        "See errors: each names a field and what it must be.",
        errors=list(errors[:ERRORS]),
        **more,
    )


def nothing_here() -> JSONResponse:
    return problem(404, "missing", "The request cannot be served", HTTP_DETAIL["Not Found"])


def other_methods(methods: Iterable[str]) -> JSONResponse:
    detail, allowed = HTTP_DETAIL["Method Not Allowed"], {"Allow": ", ".join(sorted(methods))}
    return problem(405, "method-not-allowed", "The request cannot be served", detail, allowed)


def other_media(detail: str, *, coding: bool = False) -> JSONResponse:
    """`detail` says what to send instead; `coding` when the content's coding is what is wrong."""
    accepted = {"Accept-Encoding": "identity"} if coding else {}
    return problem(415, "other-media", "The request cannot be served", detail, accepted)


def field_problems(error: RequestValidationError) -> list[dict[str, str]]:
    problems = []
    for item in error.errors():
        where, *path = item["loc"]
        if item["type"] == "json_invalid":
            at = f" at character {path[0]}" if path else ""
            problems.append({"pointer": "#", "detail": f"not JSON: {item['ctx']['error']}{at}"})
            continue
        pointer = (
            "#" + "".join(map(_step, path)) if where == "body" else ".".join(map(str, item["loc"]))
        )
        problems.append(
            {
                "pointer": pointer if len(pointer) <= SHOWN else f"{pointer[:SHOWN]}…",
                "detail": REMEDY.get(item["type"], item["msg"].removeprefix("Value error, ")),
            }
        )
    return problems


def _step(step: str | int) -> str:
    return "/" + str(step).replace("~", "~0").replace("/", "~1")


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = HTTP_KINDS.get(error.status_code, "http")
    detail = HTTP_DETAIL.get(str(error.detail), str(error.detail))
    return problem(error.status_code, kind, "The request cannot be served", detail, error.headers)


async def _bug(_: Request, error: Exception) -> JSONResponse:
    log.error("a bug", exc_info=error)
    detail = "This is a bug of ours, and the log has it. Please tell us the trace_id."
    answer = problem(500, "bug", "Something is broken here", detail, trace_id=telemetry.trace_id())
    headers.complete(answer.headers)  # sent outside of all that we put around routes
    return answer
