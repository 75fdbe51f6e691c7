"""Which bodies a strict route takes: JSON by its media type, or nothing at all."""

import json
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError

from shared.runtime.web import problems
from shared.runtime.web.bodies import Body, Text
from shared.runtime.web.reading import StrictRoute, again, sent
from tests.unit.runtime.nowhere import calling


class Note(Body):
    text: Text


router = APIRouter(route_class=StrictRoute)


@router.post("/must")
async def must(note: Note) -> str:
    return note.text


@router.post("/may")
async def may(note: Note | None = None) -> str:
    return note.text if note is not None else "nothing"


async def post(path: str, content: bytes, kind: str | None) -> httpx.Response:
    app = FastAPI()
    problems.install(app)
    app.include_router(router)
    async with calling(app) as client:
        headers = {} if kind is None else {"content-type": kind}
        return await client.post(path, content=content, headers=headers)


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        " application/json ;x=y",
        "application/problem+json",
        "application/vnd.example.v2+json",
    ],
)
async def test_json_is_taken_by_any_of_its_names(kind: str) -> None:
    answer = await post("/must", b'{"text":"a"}', kind)
    assert (answer.status_code, answer.json()) == (200, "a")


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/json",
        "text/plain",
        "application/xml",
        "application/jsonx",
        "application",
        "json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=json",
    ],
)
async def test_any_other_media_is_refused_with_the_one_to_send(kind: str | None) -> None:
    answer = await post("/must", b'{"text":"a"}', kind)
    assert answer.status_code == 415
    assert answer.json()["detail"] == "send the body as application/json"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", None, 200),
        (b"", "text/plain", 200),
        (b'{"text":"a"}', "application/json", 200),
        (b'{"text":"a"}', "text/plain", 415),
        (b"{", "application/json", 422),
        (b'{"text":"a","text":"b"}', "application/json", 422),
    ],
)
async def test_a_body_that_may_be_left_out(content: bytes, kind: str | None, status: int) -> None:
    assert (await post("/may", content, kind)).status_code == status


async def test_a_body_that_is_left_out_where_it_must_not_be() -> None:
    answer = await post("/must", b"", "application/json")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "#", "detail": "is required"}]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff", "not UTF-8: the byte at 0"),
        (b"{", "not JSON: Expecting property name enclosed in double quotes at character 1"),
        (b'{"a":NaN}', "NaN is a number that JSON does not have"),
        (b'{"a":1,"a":2}', 'the key "a" stands twice in one object; send it once'),
        (b"[" * 33 + b"]" * 33, "objects and arrays may lie 32 deep within each other"),
    ],
)
def test_a_text_that_is_not_read_is_refused_as_the_whole_body(data: bytes, why: str) -> None:
    with pytest.raises(RequestValidationError) as refused:
        sent(data)
    assert problems.field_problems(refused.value) == [{"pointer": "#", "detail": why}]


@pytest.mark.parametrize(("count", "taken"), [(2, True), (3, False)])
def test_the_bound_of_items_is_the_callers(count: int, taken: bool) -> None:
    data = json.dumps(["a longer text than its bound"] * count).encode()
    if taken:
        sent(data, 3)
    else:
        with pytest.raises(RequestValidationError):
            sent(data, 2)


async def test_a_body_is_given_once_more_and_then_what_comes_after_it() -> None:
    left: list[dict[str, Any]] = [{"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        return left.pop()

    given = again(b"abc", receive)
    assert await given() == {"type": "http.request", "body": b"abc", "more_body": False}
    assert await given() == {"type": "http.disconnect"}
    assert left == []
