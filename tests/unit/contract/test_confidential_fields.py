"""What stands in the clear in an event, for ever, is a closed word, a digest, an id or a figure:
everything that people write, and everything that names a person, is confidential."""

import json
from datetime import date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

import pytest
from pydantic import BaseModel

from shared.contract.catalogue import EVENTS, base
from shared.contract.catalogue.base import CONFIDENTIAL, EventData, Part
from shared.contract.catalogue.system import KeyRotated
from shared.contract.disclosure import fields_of
from shared.contract.publication import data_schema

CLEAR_TEXTS = {
    "Code": base.Code,
    "Setting": base.Setting,
    "Digest": base.Digest,
    "Salted": base.Salted,
    "Person": base.Person,
}
"""The texts that may stand in the clear: names of our own tables and of the operator's settings,
digests, pseudonyms."""
PUBLIC_KEYS = {(KeyRotated, "vkey")}
"""A service's verifier key: it is published on purpose."""
OUR_OWN = {("sd", "tuple[str, ...]")}
"""The digests themselves."""

Field = tuple[type[Part], str, Any]


def parts(model: type[Part]) -> dict[type[Part], None]:
    """The class and every part in it, at whatever depth; of confidential fields, too."""
    found: dict[type[Part], None] = {model: None}
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            found |= parts(inner)
    return found


def _models(annotation: Any) -> list[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        assert issubclass(annotation, Part), f"{annotation} is a model and no Part"
        return [annotation]
    return [one for inner in get_args(annotation) for one in _models(inner)]


CLASSES = {part: None for event in EVENTS for part in parts(event)}
INSIDE_CONFIDENTIAL = {
    inner
    for part in CLASSES
    for name in fields_of(part).confidential
    for inner in _models(part.model_fields[name].annotation)
}
"""Parts that travel within one disclosure, whole."""


def clear_fields() -> list[Field]:
    return [
        (part, name, part.__annotations__.get(name, field.annotation))
        for part in CLASSES
        if part not in INSIDE_CONFIDENTIAL
        for name, field in part.model_fields.items()
        if name not in fields_of(part).confidential and name != "sd"
    ]


def why_not(annotation: Any) -> str | None:
    """Why a value of this type may not stand in the clear; None where it may."""
    if annotation in CLEAR_TEXTS.values():
        return None
    if annotation in {bool, int, float, UUID, date, datetime, NoneType, Ellipsis}:
        return None
    if isinstance(annotation, type) and issubclass(annotation, StrEnum | Part):
        return None
    origin = get_origin(annotation)
    if origin is Annotated and get_args(annotation)[0] is not str:
        return why_not(get_args(annotation)[0])
    if origin in {tuple, Union, UnionType}:
        return next((why for one in get_args(annotation) if (why := why_not(one))), None)
    return f"{annotation} may hold anything"


@pytest.mark.parametrize(
    ("part", "name", "annotation"),
    clear_fields(),
    ids=lambda value: getattr(value, "__name__", None) if isinstance(value, type) else None,
)
def test_what_stands_in_the_clear_is_closed(part: type[Part], name: str, annotation: Any) -> None:
    if (part, name) not in PUBLIC_KEYS:
        declared = vars(part).get("__annotations__", {}).get(name, annotation)
        assert (why := why_not(declared)) is None, f"{part.__name__}.{name}: {why}"


def test_a_field_that_anybody_may_fill_would_be_seen() -> None:
    assert why_not(str)
    assert why_not(str | None)
    assert why_not(base.Line)
    assert why_not(tuple[base.Name, ...])
    assert why_not(dict[str, str])
    assert why_not(base.Person | None) is None


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_confidential_field_has_one_meaning_in_its_event(event: type[EventData]) -> None:
    """A disclosure names its field and not the part that it stands in: the name alone must tell."""
    names = [
        name
        for part in parts(event)
        if part not in INSIDE_CONFIDENTIAL
        for name in fields_of(part).confidential
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_what_is_confidential_is_published_as_such_and_never_required(
    event: type[EventData],
) -> None:
    schema = data_schema(event)
    holders = {event.__name__: schema, **schema.get("$defs", {})}
    for part in parts(event):
        holder = holders[part.__name__]
        marked = {name for name, one in holder["properties"].items() if one.get(CONFIDENTIAL)}
        assert marked == set(fields_of(part).confidential)
        assert marked.isdisjoint(holder.get("required", ()))
        if part not in INSIDE_CONFIDENTIAL:
            assert ("_sd" in holder["properties"]) == bool(marked)
    assert "Withheld" not in json.dumps(schema)
