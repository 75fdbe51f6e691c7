"""From what a command or a route raises to the problem that its caller reads, without a route."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.authority import Role
from shared.contract.decision import Missing, Rejected
from shared.contract.envelope import MalformedEnvelope
from shared.runtime.process.persistence import PASSING
from shared.runtime.say.conflicts import (
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    Malformed,
    Stale,
    Unauthenticated,
)
from shared.runtime.web.desk import WeakETag
from shared.runtime.web.problems import (
    DETAIL,
    ERRORS,
    SHOWN,
    TABLE,
    describe,
    field_problems,
    invalid,
    nothing_here,
    other_media,
    other_methods,
    overloaded,
    problem,
    response_to,
)

INCIDENT = UUID("01960000-0000-7000-8000-000000000001")
REJECTED = Rejected("four_eyes", "it takes two", missing=("somebody else",), who=(Role.LEGAL,))

ANSWERS: list[tuple[Exception, int, dict[str, Any]]] = [
    (
        Malformed("cursor: no"),
        400,
        {
            "kind": "malformed",
            "title": "The request is not well formed",
            "detail": "cursor: no",
        },
    ),
    (
        asyncpg.CharacterNotInRepertoireError("invalid byte sequence for encoding: 0x00"),
        400,
        {
            "kind": "malformed",
            "title": "The request is not well formed",
            "detail": "A text holds the character NUL, which cannot be stored; leave it out.",
        },
    ),
    (
        Unauthenticated("send a token"),
        401,
        {"kind": "unauthenticated", "title": "Who are you?", "detail": "send a token"},
    ),
    (
        Forbidden((Role.LEGAL, Role.LEAD)),
        403,
        {
            "kind": "forbidden",
            "title": "Not with these roles",
            "detail": "this is for legal or lead",
            "who_can_supply": ["legal", "lead"],
        },
    ),
    (
        Forbidden((), "this seat is not yours"),
        403,
        {
            "kind": "forbidden",
            "title": "Not with these roles",
            "detail": "this seat is not yours",
            "who_can_supply": [],
        },
    ),
    (
        Missing("incident 7"),
        404,
        {"kind": "missing", "title": "Not known here", "detail": "incident 7 is not known here"},
    ),
    (
        REJECTED,
        409,
        {
            "kind": "rejected",
            "title": "A rule says no",
            "detail": "it takes two",
            "rule": "four_eyes",
            "missing": ["somebody else"],
            "who_can_supply": ["legal"],
        },
    ),
    (
        Conflict(INCIDENT, 3, 4),
        409,
        {
            "kind": "conflict",
            "title": "Others keep changing this incident; try again",
            "detail": f"incident {INCIDENT} is at version 4, not at 3",
        },
    ),
    (
        IdempotencyMismatch("u-1 secret"),
        409,
        {
            "kind": "idempotency-mismatch",
            "title": "The same key came with another request",
            "detail": DETAIL[IdempotencyMismatch],
        },
    ),
    (
        Stale(3, 4),
        412,
        {
            "kind": "stale",
            "title": "The incident has moved on; read it again",
            "detail": "the incident is at version 4, not at 3",
        },
    ),
    (
        WeakETag(7),
        412,
        {
            "kind": "stale",
            "title": "The incident has moved on; read it again",
            "detail": 'a weak ETag guards no change: send If-Match: "7", without W/',
        },
    ),
    (
        MalformedEnvelope("70000 bytes, at most 65535 fit"),
        413,
        {
            "kind": "too-large",
            "title": "The event is too large",
            "detail": "70000 bytes, at most 65535 fit",
        },
    ),
]


def body(answer: JSONResponse) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(bytes(answer.body))
    return read


@pytest.mark.parametrize(("error", "status", "members"), ANSWERS)
def test_an_answer_is_described_by_the_table(
    error: Exception, status: int, members: dict[str, Any]
) -> None:
    assert describe(error) == (status, members)


def test_no_kind_of_answer_is_left_out_above() -> None:
    described = {kind for error, _, _ in ANSWERS for kind in type(error).__mro__}
    assert set(TABLE) <= described


@pytest.mark.parametrize(("error", "status", "members"), ANSWERS)
def test_the_caller_reads_what_was_described(
    error: Exception, status: int, members: dict[str, Any]
) -> None:
    answer = response_to(error)
    kind = members["kind"]
    rest = {name: value for name, value in members.items() if name != "kind"}
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert body(answer) == {
        "type": f"https://incident-ledger.example/problems/{kind}",
        "status": status,
        **rest,
    }


@pytest.mark.parametrize(("error", "status", "members"), ANSWERS)
def test_headers_say_how_to_go_on_and_only_where_it_helps(
    error: Exception, status: int, members: dict[str, Any]
) -> None:
    headers = response_to(error).headers
    assert headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert headers.get("retry-after") == ("1" if isinstance(error, Conflict) else None)


@pytest.mark.parametrize(
    "error",
    [
        OSError("10.0.0.7 refused"),
        TimeoutError("10.0.0.7 hangs"),
        ConnectionResetError(104, "reset by 10.0.0.7"),
        asyncpg.TooManyConnectionsError("10.0.0.7 is full"),
        KafkaConnectionError("10.0.0.7:9092"),
    ],
)
def test_what_is_away_is_not_named_and_a_second_try_is_made_safe(error: Exception) -> None:
    assert isinstance(error, PASSING)
    answer = response_to(error)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "same Idempotency-Key" in body(answer)["detail"]
    assert "10.0.0.7" not in bytes(answer.body).decode()


@pytest.mark.parametrize(
    "error", [ValueError("boom"), KeyError("x"), asyncpg.UndefinedTableError("ledger")]
)
def test_a_bug_is_no_answer(error: Exception) -> None:
    assert describe(error) is None
    with pytest.raises(type(error)) as raised:
        response_to(error)
    assert raised.value is error


def test_a_kind_of_a_kind_is_answered_as_that_kind() -> None:
    class ClosedSeat(Rejected):
        pass

    described = describe(ClosedSeat("seat", "closed"))
    assert described is not None
    assert (described[0], described[1]["kind"]) == (409, "rejected")


@pytest.mark.parametrize(
    ("wrong", "named", "more"),
    [
        (1, 1, None),
        (ERRORS - 1, ERRORS - 1, None),
        (ERRORS, ERRORS, None),
        (ERRORS + 1, ERRORS, 1),
        (500, ERRORS, 500 - ERRORS),
    ],
)
def test_the_first_fields_are_named_and_the_others_counted(
    wrong: int, named: int, more: int | None
) -> None:
    answer = invalid([{"pointer": f"#/{number}", "detail": "no"} for number in range(wrong)])
    assert answer.status_code == 422
    assert [one["pointer"] for one in body(answer)["errors"]] == [f"#/{n}" for n in range(named)]
    assert body(answer).get("more_errors") == more


Item = Mapping[str, Any]


def item(kind: str, *loc: str | int, msg: str = "no", **ctx: Any) -> Item:
    return {"type": kind, "loc": loc, "msg": msg, "ctx": ctx}


@pytest.mark.parametrize(
    ("wrong", "pointer", "detail"),
    [
        (item("value_error", "body", "name", msg="Value error, no"), "#/name", "no"),
        (item("value_error", "body", "parts", 3, "a"), "#/parts/3/a", "no"),
        (item("value_error", "body", "a/b~c"), "#/a~1b~0c", "no"),
        (item("value_error", "body", "~1"), "#/~01", "no"),
        (item("value_error", "body"), "#", "no"),
        (item("missing", "body", "name"), "#/name", "is required"),
        (
            item("extra_forbidden", "body", "x"),
            "#/x",
            "is no field of this request; leave it out",
        ),
        (item("value_error", "query", "limit"), "query.limit", "no"),
        (item("value_error", "header", "If-Match"), "header.If-Match", "no"),
        (item("missing", "path", "id"), "path.id", "is required"),
        (item("json_invalid", "body", 7, error="Expecting value"), "#", None),
        (item("json_invalid", "body", error="Empty"), "#", "not JSON: Empty"),
    ],
)
def test_a_field_is_named_by_where_it_stands(wrong: Item, pointer: str, detail: str | None) -> None:
    expected = detail or "not JSON: Expecting value at character 7"
    assert field_problems(RequestValidationError([wrong])) == [
        {"pointer": pointer, "detail": expected}
    ]


@pytest.mark.parametrize(
    ("length", "shown"),
    [(SHOWN - 2, "#/" + "k" * (SHOWN - 2)), (SHOWN - 1, "#/" + "k" * (SHOWN - 2) + "…")],
)
def test_a_long_key_is_not_repeated_whole(length: int, shown: str) -> None:
    (one,) = field_problems(RequestValidationError([item("missing", "body", "k" * length)]))
    assert one["pointer"] == shown


@given(st.text(max_size=50))
def test_a_pointer_leads_back_to_the_key(key: str) -> None:
    (one,) = field_problems(RequestValidationError([item("missing", "body", key)]))
    assert one["pointer"][2:].replace("~1", "/").replace("~0", "~") == key


@given(st.text(st.characters(), max_size=30))
def test_any_text_can_be_answered_with(text: str) -> None:
    answer = problem(409, "rejected", "A rule says no", text)
    assert json.loads(bytes(answer.body))["status"] == 409


def test_half_of_a_surrogate_pair_is_answered_escaped() -> None:
    assert b"\\ud800" in bytes(problem(422, "invalid", "no", "\ud800").body)


@pytest.mark.parametrize(
    ("answer", "status", "kind", "headers"),
    [
        (nothing_here(), 404, "missing", {}),
        (other_methods({"POST", "GET"}), 405, "method-not-allowed", {"allow": "GET, POST"}),
        (other_media("send JSON"), 415, "other-media", {}),
        (other_media("no gzip", coding=True), 415, "other-media", {"accept-encoding": "identity"}),
        (overloaded(), 503, "overloaded", {"retry-after": "1"}),
        (overloaded({"Connection": "close"}), 503, "overloaded", {"connection": "close"}),
    ],
)
def test_what_is_refused_before_a_route(
    answer: JSONResponse, status: int, kind: str, headers: dict[str, str]
) -> None:
    assert answer.status_code == status
    assert body(answer)["type"].rpartition("/")[2] == kind
    told = {"allow", "accept-encoding", "retry-after", "connection"} & set(answer.headers)
    assert headers.items() <= {name: answer.headers[name] for name in told}.items()
    assert told <= {*headers, "retry-after"}
