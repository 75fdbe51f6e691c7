"""What a log says of an exception: its own words where they are ours, its kind where they may hold
a caller's value."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka.errors import KafkaConnectionError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.contract.decision import Missing, Rejected
from shared.runtime.process.logging import _traced, _without_secrets, said
from shared.runtime.say.conflicts import IdempotencyMismatch, Malformed
from shared.runtime.say.keyring import KeyMissing

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1LTEifQ.c2lnbmF0dXJl"
DSN = "postgresql://triage:hunter2@db:5432/incident_triage"


class Of(BaseModel):
    number: int
    text: str


def invalid(**values: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Of(**values)
    return caught.value


def postgres(kind: type[asyncpg.PostgresError], **fields: str) -> asyncpg.PostgresError:
    return kind.new({"C": kind.sqlstate, "M": "hunter2", **fields})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(13, "denied", "/etc/key"), "PermissionError(13, 'denied')"),
        (TimeoutError(), "TimeoutError()"),
        (RuntimeError("no worker"), "RuntimeError('no worker')"),
        (AssertionError("a chain moved"), "AssertionError('a chain moved')"),
        (RecursionError("deep"), "RecursionError('deep')"),
        (Missing("incident 7"), "Missing('incident 7 is not known here')"),
        (Rejected("facts", "hunter2 waits"), "Rejected(facts)"),
        (KeyMissing("no key"), "KeyMissing('no key')"),
        (IdempotencyMismatch("hunter2"), "IdempotencyMismatch"),
        (Malformed("hunter2"), "Malformed"),
        (httpx.ConnectError("refused"), "ConnectError('refused')"),
        (ValueError("hunter2"), "ValueError"),
        (KeyError("hunter2"), "KeyError"),
        (TypeError("hunter2"), "TypeError"),
        (LookupError("hunter2"), "LookupError"),
        (Exception("hunter2"), "Exception"),
        (json.JSONDecodeError("hunter2", "hunter2", 0), "JSONDecodeError"),
        (UnicodeDecodeError("utf-8", b"hunter2", 0, 1, "no"), "UnicodeDecodeError"),
        (ExceptionGroup("hunter2", [ValueError("x")]), "ExceptionGroup"),
        (asyncio.CancelledError("hunter2"), "CancelledError"),
        (asyncpg.DataError("hunter2"), "DataError(22000)"),
        (postgres(asyncpg.UndefinedTableError), "UndefinedTableError(42P01)"),
        (
            postgres(asyncpg.CheckViolationError, s="public", t="chain", n="chain_check"),
            "CheckViolationError(23514, public, chain, chain_check)",
        ),
        (postgres(asyncpg.NotNullViolationError, t="chain"), "NotNullViolationError(23502, chain)"),
        (invalid(number="hunter2", text="x"), "ValidationError(Of: int_parsing)"),
        (invalid(number="hunter2"), "ValidationError(Of: int_parsing, missing)"),
        (invalid(), "ValidationError(Of: missing)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_exception_is_said(error: BaseException, words: str) -> None:
    assert said(error) == words


def test_a_client_of_the_broker_speaks_for_itself() -> None:
    assert "localhost:9092" in said(KafkaConnectionError("no broker at localhost:9092"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (DSN, "postgresql://…@db:5432/incident_triage"),
        (
            f"cannot reach {DSN}, again",
            "cannot reach postgresql://…@db:5432/incident_triage, again",
        ),
        ("https://u:p@a/b and http://q@c", "https://…@a/b and http://…@c"),
        (f"Bearer {TOKEN}", "Bearer …"),
        (f"{TOKEN} {TOKEN}", "… …"),
        ("https://issuer.test/jwks", "https://issuer.test/jwks"),
        ("maria@example.org", "maria@example.org"),
        ("eyJ is no token", "eyJ is no token"),
    ],
)
def test_what_is_secret_by_its_form_is_left_out_everywhere(text: str, shown: str) -> None:
    assert said(RuntimeError(text)) == repr(RuntimeError(shown))
    assert _without_secrets(None, "", {"event": text, "count": 3}) == {"event": shown, "count": 3}


@given(st.from_regex(r"[!-.0-?A-~]{1,20}", fullmatch=True))
def test_no_password_of_an_address_is_said(password: str) -> None:
    text = f"postgresql://u:{password}@host/x"
    assert _without_secrets(None, "", {"event": text})["event"] == "postgresql://…@host/x"


def traced(error: BaseException) -> list[str]:
    with pytest.raises(type(error)) as raised:
        raise error
    return _traced((type(error), raised.value, error.__traceback__)).splitlines()


def test_a_traceback_tells_causes_first() -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = ValueError("hunter2")
    told = [line for line in traced(outer) if not line.startswith(" ") and line]
    assert told == ["ValueError", "raised", "RuntimeError('outer')"]


def test_a_context_is_told_unless_it_is_suppressed() -> None:
    outer = RuntimeError("outer")
    outer.__context__ = OSError("inner")
    assert "OSError('inner')" in traced(outer)
    outer.__suppress_context__ = True
    assert "OSError('inner')" not in traced(outer)


def test_each_exception_of_a_group_is_told() -> None:
    told = traced(ExceptionGroup("hunter2", [ValueError("hunter2"), OSError("a"), OSError("b")]))
    assert [line for line in told if line in ("ExceptionGroup", "ValueError")] == [
        "ExceptionGroup",
        "ValueError",
    ]
    assert "OSError('a')" in told
    assert "OSError('b')" in told
    assert "hunter2" not in "".join(line for line in told if not line.startswith(" "))
