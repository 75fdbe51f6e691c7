"""What holds of every route of the four services, asked of those that are declared: a new one is
walked by being there."""

import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
import structlog.testing

from shared.runtime.service import Service
from shared.runtime.web.edge.limits import BODY, Takes
from shared.runtime.web.reading import models
from tests.services import SERVICES, by_name
from tests.unit.runtime.callers import Issuer
from tests.unit.runtime.nowhere import Address, Standing, standing

ANSWER: Final = 64 * 1024
"""Bytes that a refusal may have."""
SECONDS: Final = 5.0
"""Of processor time, in which the worst body must be refused; it is taken under load, too."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


@pytest_asyncio.fixture(params=SERVICES, ids=by_name)
async def stands(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Standing]:
    service: Service[Any, Any, Any] = request.param
    async with standing(Issuer(tmp_path / "jwks.json"), service) as standing_:
        yield standing_


def guarded(stands: Standing) -> Iterator[Address]:
    return (address for address in stands.addresses() if address.allowed is not None)


def reads(address: Address) -> bool:
    return address.method in {"GET", "HEAD"}


def takes_body(address: Address) -> bool:
    """One that its model reads, or its endpoint by itself."""
    calls = [one.call for one in address.route.dependant.dependencies]
    return getattr(address.route, "body_field", None) is not None or any(
        isinstance(call, Takes) for call in calls
    )


def read_by_a_model(address: Address) -> bool:
    field = getattr(address.route, "body_field", None)
    return field is not None and any(models(field))


def kind(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


def limit(address: Address) -> int:
    calls = [one.call for one in address.route.dependant.dependencies]
    return next((call.most for call in calls if isinstance(call, Takes)), BODY)


# Who comes in, before anything is read


class Unread(httpx.AsyncByteStream):
    """A body that nobody may ask for."""

    asked = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.asked = True
        yield b"{}"


async def test_who_may_not_come_in_sends_no_body(stands: Standing) -> None:
    walked = 0
    for address in guarded(stands):
        for role, status in ((None, 401), (address.wrong, 403)):
            if role is None and status == 403:
                continue
            body = Unread()
            answer = await stands.ask(
                address, role, content=body, headers={"Content-Type": "application/json"}
            )
            assert (answer.status_code, body.asked) == (status, False), address
            walked += 1
    assert walked > 6


async def test_who_may_not_come_in_learns_nothing_of_parameters(stands: Standing) -> None:
    for address in guarded(stands):
        assert (await stands.ask(address, None, params={"odd": 1})).status_code == 401, address


# What costs little


def worst(size: int) -> Iterator[tuple[str, bytes]]:
    """Bodies that are as large as may be, each bad in its own way."""
    yield "many members", _filled(b"{", b'"k%d":0,', b'"last":0}', size)
    yield "many items", _filled(b"[", b"0,", b"0]", size)
    yield "many objects", _filled(b'{"facts":[', b'{"a":0},', b"{}]}", size)
    yield "deep", b'{"a":' * (size // 5)
    yield "one text", b'{"text":"' + b"x" * (size - 11) + b'"}'
    yield "quotes", b'"' * size
    yield "lines", b"{}\n" * (size // 3)
    yield "not UTF-8", b"\xff" * size


def _filled(begin: bytes, item: bytes, end: bytes, size: int) -> bytes:
    many = (size - len(begin) - len(end)) // (len(item) + 4)
    items = (item.replace(b"%d", b"%d" % number) for number in range(many))
    return begin + b"".join(items) + end


@pytest.mark.slow
async def test_the_worst_body_is_refused_cheaply(stands: Standing) -> None:
    for address in stands.addresses():
        if not read_by_a_model(address):
            continue
        for what, body in worst(min(limit(address), BODY)):
            tracemalloc.start()
            began = time.process_time()
            answer = await stands.ask(
                address, address.role, content=body, headers={"Content-Type": "application/json"}
            )
            took = time.process_time() - began
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            where = f"{address}: {what}"
            assert answer.status_code < 500 or answer.status_code == 503, where
            assert took < SECONDS, where
            assert peak < 16 * 1024 * 1024, where
            assert len(answer.content) < ANSWER, where


# Manners


async def test_a_slash_more_is_another_address(stands: Standing) -> None:
    for address in stands.addresses():
        answer = await stands.client.request(
            address.method, f"{address.path}/", headers={"Host": "evil.example"}
        )
        assert answer.status_code in {401, 404}, address
        assert "location" not in answer.headers


async def test_what_can_be_read_can_be_asked_for_by_head(stands: Standing) -> None:
    for address in stands.addresses():
        if address.method != "GET":
            continue
        read = await stands.ask(address, address.role)
        headers = stands.issuer.headers(address.role) if address.role else {}
        asked = await stands.client.head(address.path, headers=headers)
        assert asked.status_code == read.status_code, address
        assert asked.content == b""
        assert asked.headers["content-type"] == read.headers["content-type"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"])
async def test_another_method_is_told_which_there_are(stands: Standing, method: str) -> None:
    by_path: dict[str, set[str]] = {}
    for address in stands.addresses():
        by_path.setdefault(address.path, set()).add(address.method)
    for path, methods in by_path.items():
        if method in methods:
            continue
        answer = await stands.client.request(method, path)
        assert answer.status_code == 405, path
        allowed = set(answer.headers["allow"].split(", "))
        assert allowed >= methods
        assert ("HEAD" in allowed) is ("GET" in allowed)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip", "x-unknown", "GZIP"])
async def test_a_coding_that_is_not_taken_is_named(stands: Standing, coding: str) -> None:
    for address in stands.addresses():
        if reads(address):
            continue
        answer = await stands.ask(
            address, address.role, content=b"\x1f\x8b", headers={"Content-Encoding": coding}
        )
        assert answer.status_code == 415, address
        assert answer.headers["accept-encoding"] == "identity"
        assert "Content-Encoding" in answer.json()["detail"]


async def test_an_unknown_parameter_is_named_with_the_known(stands: Standing) -> None:
    for address in stands.addresses():
        if address.method == "HEAD":
            continue
        answer = await stands.ask(address, address.role, params={"platfrom": "x"})
        assert (answer.status_code, kind(answer)) == (422, "invalid"), address
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "query.platfrom"
        for field in address.parameters:
            assert field.alias in error["detail"]


async def test_a_parameter_comes_once(stands: Standing) -> None:
    walked = 0
    for address in stands.addresses():
        for field in address.parameters if address.method == "GET" else ():
            answer = await stands.ask(
                address, address.role, params=[(field.alias, "1"), (field.alias, "2")]
            )
            assert answer.status_code == 422, address
            assert [error["pointer"] for error in answer.json()["errors"]] == [
                f"query.{field.alias}"
            ]
            walked += 1
    assert walked >= 2


async def test_a_body_in_another_language_is_told_which_is_taken(stands: Standing) -> None:
    for address in stands.addresses():
        if not read_by_a_model(address):
            continue
        for media_type in ("text/plain", "application/x-www-form-urlencoded", "image/png", "x"):
            answer = await stands.ask(
                address, address.role, content=b"a=1", headers={"Content-Type": media_type}
            )
            assert answer.status_code == 415, (address, media_type)
            assert "application/json" in answer.json()["detail"]


async def test_a_byte_order_mark_changes_no_answer(stands: Standing) -> None:
    for address in stands.addresses():
        if getattr(address.route, "body_field", None) is None:
            continue
        plain, marked = [
            await stands.ask(
                address,
                address.role,
                content=mark + json.dumps({"odd": 1}).encode(),
                headers={"Content-Type": "application/json"},
            )
            for mark in (b"", b"\xef\xbb\xbf")
        ]
        assert plain.json() == marked.json(), address


# Nothing that a caller sends is a bug of ours

HOSTILE: Final = {
    "deep": b'{"a":' * 957 + b"0" + b"}" * 957,
    "deep lists": b"[" * 100_000,
    "NUL": b'{"\\u0000": "\\u0000"}',
    "half a surrogate pair": b'{"\\ud800": "\\udfff"}',
    "a huge number": b'{"a": ' + b"9" * 5000 + b"}",
    "a huge exponent": b'{"a": 1e999999999}',
    "no number": b'{"a": NaN}',
    "twice": b'{"a": 1, "a": 2}',
    "a text": b'"text"',
    "a number": b"7",
    "null": b"null",
    "a list": b"[]",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "blanks": b" \n\t ",
}


async def test_no_json_is_a_bug(stands: Standing) -> None:
    walked = 0
    for address in stands.addresses():
        if not takes_body(address):
            continue
        for what, body in HOSTILE.items():
            answer = await stands.ask(
                address, address.role, content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code in {201, 400, 404, 409, 413, 415, 422, 503}, (address, what)
            walked += 1
    assert walked >= len(HOSTILE)


async def test_no_address_is_a_bug(stands: Standing) -> None:
    odd = ["%00", "%ff", "%ed%a0%80", "..%2f..", "{incident_id}", "x" * 4000, "%F0%9F%99%82", "1e9"]
    for address in stands.addresses():
        if "{" not in (address.route.path or ""):
            continue
        for step in odd:
            path = address.path.replace("01960000-0000-7000-8000-000000000001", step)
            headers = stands.issuer.headers(address.role) if address.role else {}
            answer = await stands.client.request(address.method, path, headers=headers)
            assert answer.status_code in {401, 404, 405, 415, 422, 503}, (address, step)
