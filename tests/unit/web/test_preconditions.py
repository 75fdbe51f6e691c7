"""What a request says of its preconditions: the version it was decided on, and its key."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.decision import Actor
from shared.runtime.say.conflicts import Malformed, Stale
from shared.runtime.say.people import People
from shared.runtime.say.plan import Idempotency
from shared.runtime.web.desk import WeakETag, desk
from tests.unit.runtime.callers import PEOPLE

ETAG = 'If-Match: send one ETag as it was given, for example "7", or *'
KEY = "Idempotency-Key: 1 to 255 visible ASCII characters"


def request(
    body: bytes = b"{}",
    *,
    subject: str = "u-1",
    method: str = "POST",
    url: str = "/a?b=c",
    people: People = PEOPLE,
) -> Request:
    path, _, query = url.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [],
        "server": ("ledger", 80),
        "scheme": "http",
        "app": SimpleNamespace(state=SimpleNamespace(running=SimpleNamespace(people=people))),
        "state": {"actor": Actor(subject)},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


async def version(if_match: str | None) -> int | None:
    return (await desk(request(), Response(), if_match, None))._expected_version


async def key(value: str | None, **how: Any) -> Idempotency | None:
    return await (await desk(request(**how), Response(), None, value)).idempotency()


@pytest.mark.parametrize(
    ("if_match", "expected"),
    [
        (None, None),
        ("*", None),
        ('"0"', 0),
        ('"7"', 7),
        ('"007"', 7),
        ('"999999999999999999"', 10**18 - 1),
    ],
)
async def test_the_version_is_read_from_the_etag(if_match: str | None, expected: int) -> None:
    assert await version(if_match) == expected


@pytest.mark.parametrize(
    "if_match",
    [
        "",
        "7",
        '""',
        '"x"',
        '"-7"',
        '"7',
        '7"',
        '"7" ',
        '"7", "8"',
        '"7"\n',
        "'7'",
        '"1000000000000000000"',
        "**",
        'w/"7"',
    ],
)
async def test_anything_else_is_malformed(if_match: str) -> None:
    with pytest.raises(Malformed) as refused:
        await version(if_match)
    assert str(refused.value) == ETAG


async def test_a_weak_etag_matches_nothing_and_is_told_the_strong_one() -> None:
    with pytest.raises(WeakETag) as refused:
        await version('W/"7"')
    assert isinstance(refused.value, Stale)
    assert str(refused.value) == ('a weak ETag guards no change: send If-Match: "7", without W/')


async def test_the_etag_of_an_answer_is_a_precondition_of_the_next_request() -> None:
    response = Response()
    (await desk(request(), response, None, None)).set_version(12)
    assert await version(response.headers["etag"]) == 12


@pytest.mark.parametrize("value", ["!", "~", "k" * 255, "2f1c9d5e-report-17"])
async def test_a_visible_key_is_the_callers_own(value: str) -> None:
    taken = await key(value)
    assert taken is not None
    assert re.fullmatch("[0-9a-f]{64}", taken.key)
    assert len(taken.digest) == 32
    other = await key(value, people=People(b"another deployment's secret " * 2))
    assert other is not None
    assert {other.key, other.digest}.isdisjoint({taken.key, taken.digest})


@pytest.mark.parametrize("value", ["", " ", "a b", "k" * 256, "é", "a\n", "\x7f", "a\x00"])
async def test_any_other_key_is_malformed(value: str) -> None:
    with pytest.raises(Malformed) as refused:
        await key(value)
    assert str(refused.value) == KEY


async def test_without_a_key_nothing_is_remembered() -> None:
    assert await key(None) is None


@pytest.mark.parametrize(
    "other",
    [
        {"body": b"{ }"},
        {"body": b""},
        {"method": "PUT"},
        {"url": "/a"},
        {"url": "/a?b=d"},
        {"url": "/b?b=c"},
    ],
)
async def test_another_request_has_another_digest_under_the_same_key(other: dict[str, Any]) -> None:
    first, second = await key("k"), await key("k", **other)
    assert first is not None
    assert second is not None
    assert first.key == second.key
    assert first.digest != second.digest


async def test_the_same_request_of_another_caller_has_another_key_and_the_same_digest() -> None:
    first, second = await key("k"), await key("k", subject="u-2")
    assert first is not None
    assert second is not None
    assert first.key != second.key
    assert first.digest == second.digest


@given(st.text(max_size=20))
async def test_a_header_gives_a_version_or_a_refusal(text: str) -> None:
    try:
        found = await version(text)
    except (Malformed, WeakETag):
        return
    assert found is None or 0 <= found < 10**18
