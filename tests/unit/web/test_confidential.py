"""Views with event data in them: a reader finds the same fields whether the texts are at hand or
not, and the documents say so."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from shared.contract.catalogue.base import CONFIDENTIAL, WITHHELD, EventData, Exposure, Part
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.disclosure import conceal, fields_of, reveal
from shared.runtime.service import Service
from shared.runtime.web.confidential import Readable, say_null, with_nulls
from shared.runtime.web.openapi import documented
from tests.services import SERVICES, by_name
from tests.unit.concealing import bare, salts
from tests.unit.contract.record import examples as one_of_each
from tests.unit.web.test_peopled import answers

EACH = [pytest.param(data, id=data.TYPE) for *_, data in one_of_each().values()]


class Shown(Readable):
    data: Reported
    several: tuple[Exposure, ...] = ()


def written(data: BaseModel) -> Any:
    return with_nulls(data, data.model_dump(mode="json"))


def names_in(value: Any) -> set[str]:
    """Where each field stands: `exposure.url`."""
    if isinstance(value, dict):
        return {
            ".".join(filter(None, (name, inner)))
            for name, one in value.items()
            if name != "_sd"
            for inner in names_in(one) or {""}
        }
    return {name for one in value for name in names_in(one)} if isinstance(value, list) else set()


def confidential_in(value: object, where: str = "") -> Iterator[str]:
    """Where each field stands that is a text, or was one."""
    if isinstance(value, tuple):
        for one in value:
            yield from confidential_in(one, where)
    elif isinstance(value, Part):
        yield from (f"{where}{name}" for name in fields_of(type(value)).confidential)
        for name in fields_of(type(value)).parts:
            yield from confidential_in(getattr(value, name), f"{where}{name}.")


def at(value: Any, path: str) -> Any:
    name, _, rest = path.partition(".")
    inner = [one[name] for one in value] if isinstance(value, list) else value[name]
    return at(inner, rest) if rest else inner


@pytest.mark.parametrize("data", EACH)
def test_null_stands_where_a_text_is_gone(data: EventData) -> None:
    shown = written(bare(data))
    for path in confidential_in(bare(data)):
        assert at(shown, path) in (None, [None] * len(at(shown, path) or [])), path


@pytest.mark.parametrize("data", EACH)
def test_nothing_else_changes_when_a_text_goes(data: EventData) -> None:
    concealed, texts = conceal(data, salts())
    whole = written(reveal(concealed, {one.digest: one for one in texts}))
    gone = written(concealed)
    clear = names_in(gone) - set(confidential_in(concealed))
    assert clear <= names_in(whole)
    assert all(at(whole, path) == at(gone, path) for path in clear)


@pytest.mark.parametrize("service", SERVICES, ids=by_name)
def test_every_example_has_what_its_schema_asks_for(service: Service[Any, Any, Any]) -> None:
    """Also where it is of a model within a view."""
    app = FastAPI()
    app.include_router(service.router)
    document = documented(FastAPI.openapi(app))
    for name, schema in document["components"]["schemas"].items():
        checker = jsonschema.Draft202012Validator(schema | {"components": document["components"]})
        one = [schema["example"]] if "example" in schema else []
        for example in (*one, *schema.get("examples", ())):
            assert [error.message for error in checker.iter_errors(example)] == [], name


def test_a_view_says_null_at_every_depth() -> None:
    report = Reported(opens=True, channel=ReportChannel.API, description="A slide.")
    shown = Shown(data=bare(report), several=(Exposure(url=WITHHELD), Exposure(url="https://x")))
    said = json.loads(shown.model_dump_json(by_alias=True))
    assert said["data"]["description"] is None
    assert said["data"]["exposure"]["url"] is None
    assert [one["url"] for one in said["several"]] == [None, "https://x"]


def test_a_text_that_is_at_hand_is_shown() -> None:
    report = Reported(opens=True, channel=ReportChannel.API, description="A slide.")
    assert Shown(data=report).model_dump()["data"]["description"] == "A slide."


def models_in(annotation: Any, above: tuple[type, ...] = ()) -> Iterator[tuple[type, ...]]:
    """Each way down to a model, through unions and lists."""
    for inner in get_args(annotation):
        yield from models_in(inner, above)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        way = (*above, annotation)
        yield way
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation, way)


def test_every_answer_with_event_data_in_it_is_readable() -> None:
    with_texts = {
        (path, way)
        for path, _, model in answers()
        for way in models_in(model)
        if issubclass(way[-1], Part) and fields_of(way[-1]).confidential
    }
    assert {path.split("/")[1] for path, _ in with_texts} >= {"incidents", "reports"}
    for path, way in with_texts:
        assert any(issubclass(one, Readable) for one in way), (path, way)


@pytest.mark.parametrize(
    "model", list(dict.fromkeys(model for _, _, model in answers())), ids=lambda one: one.__name__
)
def test_no_answer_s_schema_is_hidden_by_how_it_is_written(model: type[BaseModel]) -> None:
    schema = model.model_json_schema(mode="serialization")
    assert schema["properties"].keys() >= {
        field.alias or name for name, field in model.model_fields.items()
    }


@pytest.mark.parametrize("data", EACH)
def test_the_schema_of_a_view_takes_it_with_its_texts_and_without(data: EventData) -> None:
    schema = type(data).model_json_schema(mode="serialization")
    say_null({"": schema, **schema.get("$defs", {})})
    checker = jsonschema.Draft202012Validator(schema)
    for shown in (written(data), written(bare(data))):
        assert [error.message for error in checker.iter_errors(shown)] == []
    for name in fields_of(type(data)).confidential:
        assert name in schema["required"]
        assert schema["properties"][name][CONFIDENTIAL]
        assert {"not": {}} not in schema["properties"][name]["anyOf"]
