"""What holds of every field of every body and of every parameter, found in the models and routes
that are declared."""

import base64
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import ValidationError

from shared.runtime.service import Service
from shared.runtime.web.bodies import Body
from shared.runtime.web.strict import Unreadable
from tests.services import SERVICES, by_name
from tests.unit.contract.test_characters import BLANKS
from tests.unit.runtime.callers import Issuer
from tests.unit.runtime.nowhere import Address, Standing, standing
from tests.unit.runtime.test_every_route import read_by_a_model

Path_: TypeAlias = tuple[str | int, ...]

GUESSES: Final[dict[type, tuple[Any, ...]]] = {
    str: (7, True, [], {}),
    bool: ("no", "true", 0, 1, "", [], {}),
    int: ("7", 7.5, True, "", [], {}),
    datetime: (20260302, 1772438400, "1772438400", "2026-03-02", "2026-03-02T09:00:00", True, []),
    date: (20260302, "20260302", "2026-03-02T00:00:00Z", "2026-02-30", True, []),
    UUID: (7, "7", "01960000000070008000000000000001", True, []),
}
"""What each kind of field might be taken for, and is not."""


def bodies() -> Iterator[type[Body]]:
    """All that are declared in a service."""
    to_look_at, seen = [Body], set()
    while to_look_at:
        for model in to_look_at.pop().__subclasses__():
            if model not in seen and model.__module__.startswith("services."):
                seen.add(model)
                yield model
            to_look_at.append(model)


def kinds(annotation: Any) -> Iterator[type]:
    """The plain types that a field may have, out of unions, lists and what is annotated."""
    if get_origin(annotation) is Annotated:
        yield from kinds(get_args(annotation)[0])
    elif args := get_args(annotation):
        for arg in args:
            yield from kinds(arg)
    elif isinstance(annotation, type):
        yield annotation


def fields(*of: type) -> list[Any]:
    return [
        pytest.param(
            model, name, kind, id=f"{model.__module__.split('.')[1]}.{model.__name__}.{name}"
        )
        for model in bodies()
        for name, field in model.model_fields.items()
        for kind in dict.fromkeys(kinds(field.annotation))
        if kind in of
    ]


def wrong(model: type[Body], sent: Any) -> set[str | int]:
    """The fields that a body is refused for."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(json.dumps(sent))
    return {error["loc"][0] for error in caught.value.errors() if error["loc"]}


def nested(model: type[Body], name: str, value: Any) -> Any:
    """The value where the field has it: in a list, if it takes one."""
    origin = get_origin(model.model_fields[name].annotation)
    return [value] if origin in (tuple, list) else value


@pytest.mark.parametrize(("model", "name", "kind"), fields(str))
def test_no_text_is_blank(model: type[Body], name: str, kind: type) -> None:
    for blank in ("", *(blank * 3 for blank in BLANKS.values() if blank != "\ud800")):
        assert name in wrong(model, {name: nested(model, name, blank)}), repr(blank)


@pytest.mark.parametrize(("model", "name", "kind"), fields(*GUESSES))
def test_nothing_is_guessed(model: type[Body], name: str, kind: type) -> None:
    taken = set(kinds(model.model_fields[name].annotation))
    for guess in GUESSES[kind]:
        if type(guess) not in taken:
            assert name in wrong(model, {name: nested(model, name, guess)}), repr(guess)


@pytest.mark.parametrize("model", [*bodies()], ids=lambda model: model.__qualname__)
def test_no_field_is_unknown_and_none_comes_twice(model: type[Body]) -> None:
    assert "platfrom" in wrong(model, {"platfrom": 1})
    name = next(iter(model.model_fields))
    with pytest.raises(Unreadable, match=name):
        model.read(f'{{"{name}": 1, "{name}": 1}}'.encode())


def test_all_bodies_were_walked() -> None:
    assert {model.__module__.split(".")[1] for model in bodies()} >= {
        "intake",
        "triage",
        "notify",
        "review",
    }
    assert len(fields(str)) >= 20
    assert len(fields(datetime, date)) >= 4
    assert len(fields(bool)) >= 3


# Parameters


@pytest_asyncio.fixture(params=SERVICES, ids=by_name)
async def stands(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    service: Service[Any, Any, Any] = request.param
    async with standing(Issuer(tmp_path / "jwks.json"), service) as standing_:
        yield standing_


QUERIES: Final[dict[type, tuple[str, ...]]] = {
    bool: ("no", "yes", "0", "1", "on", "True", "", " true"),
    int: ("1_0", " 5", "5.0", "", "0x5", "9" * 400),
    datetime: ("20260302", "1772438400", "2026-03-02", "2026-03-02T09:00:00", ""),
    date: ("20260302", "1772438400", "2026-03-02T00:00:00Z", ""),
    UUID: ("7", "01960000000070008000000000000001", "{01960000-0000-7000-8000-000000000001}", ""),
}


def parameters(stands: Standing) -> Iterator[tuple[Address, str, set[type]]]:
    for address in stands.addresses():
        for field in address.parameters if address.method == "GET" else ():
            yield address, field.alias, set(kinds(field.field_info.annotation))


async def test_no_parameter_is_guessed(stands: Standing) -> None:
    walked = 0
    for address, name, taken in parameters(stands):
        for kind in taken & QUERIES.keys():
            for guess in QUERIES[kind]:
                answer = await stands.ask(address, address.role, params={name: guess})
                assert answer.status_code == 422, (str(address), name, guess)
                (error,) = answer.json()["errors"]
                assert error["pointer"] == f"query.{name}"
                walked += 1
    assert walked > 10


def cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


ID: Final = "01960000-0000-7000-8000-000000000001"
EDGES: Final = (
    "0001-01-01T00:00:00+00:00",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00-14:00",
    "9999-12-31T23:59:59.999999+00:00",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59+14:00",
    "2026-03-02T00:00:00",
)
CURSORS: Final = (
    *(cursor(edge, ID) for edge in EDGES),
    *(cursor(edge, ID, 1) for edge in EDGES),
    cursor(2**63),
    cursor(-(2**63) - 1),
    cursor(1e308),
    cursor(None, None),
    cursor("\x00", ID),
    cursor("\ud800", ID),
    cursor({"a": 1}, []),
    base64.urlsafe_b64encode(b"[" * 700).decode().rstrip("="),
    "AAAA",
    "=",
    "%",
    "é",
    "null",
)


async def test_no_cursor_is_a_bug(stands: Standing) -> None:
    for address, name, _ in parameters(stands):
        if name != "cursor":
            continue
        for hostile in CURSORS:
            answer = await stands.ask(address, address.role, params={"cursor": hostile})
            # The timeline loads its incident first, and nothing is there to load it from.
            expected = {400, 503} if "{" in (address.route.path or "") else {400}
            assert answer.status_code in expected, (str(address), hostile)


async def test_every_body_of_a_route_is_read_strictly(stands: Standing) -> None:
    with_body = [
        address
        for address in stands.addresses()
        if getattr(address.route, "body_field", None) is not None
    ]
    assert with_body
    assert all(map(read_by_a_model, with_body))
