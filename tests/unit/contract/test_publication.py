"""The catalogue that others read: valid by its own standards, complete, and marked where it holds
what may be sealed."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from shared.contract.catalogue import BY_TYPE, EVENTS, short_name
from shared.contract.catalogue.base import CONFIDENTIAL, EventData
from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.system import KeyRotated
from shared.contract.publication import asyncapi, json_schemas
from shared.contract.vocabulary import ServiceName

ASYNCAPI_3 = json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text())


def test_the_document_is_asyncapi_3() -> None:
    assert [error.message for error in Draft7Validator(ASYNCAPI_3).iter_errors(asyncapi("1"))] == []


def test_a_broken_document_would_be_noticed() -> None:
    document = asyncapi("1")
    del document["channels"]["events"]["address"]
    document["channels"]["events"]["adress"] = "x"
    assert list(Draft7Validator(ASYNCAPI_3).iter_errors(document))


def test_every_reference_of_the_document_leads_somewhere() -> None:
    document = asyncapi("1")

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for item in value.values() for found in references(item)]
        return (
            [found for item in value for found in references(item)]
            if isinstance(value, list)
            else []
        )

    for reference in references(document):
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_every_event_type_is_published_once_with_its_only_speaker() -> None:
    assert len(BY_TYPE) == len(EVENTS) == len(json_schemas())
    assert {event.SAID_BY for event in EVENTS} == {*ServiceName, None}
    assert json_schemas()[KeyRotated.TYPE]["x-said-by"] == [
        service.value for service in ServiceName
    ]
    assert json_schemas()[Reported.TYPE]["x-said-by"] == ["intake"]
    assert len({short_name(event.TYPE) for event in EVENTS}) == len(EVENTS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: short_name(event.TYPE))
def test_every_schema_is_json_schema_and_explains_itself(event: type[EventData]) -> None:
    Draft202012Validator.check_schema(json_schemas()[event.TYPE])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: short_name(event.TYPE))
def test_free_text_is_marked_confidential(event: type[EventData]) -> None:
    """Whatever may hold a sentence may hold somebody's secret: 500 characters and more are always
    marked."""
    schema = json_schemas()[event.TYPE]
    for holder in (schema, *schema.get("$defs", {}).values()):
        for name, definition in holder.get("properties", {}).items():
            texts = [definition, *definition.get("anyOf", ())]
            if any(
                text.get("type") == "string" and text.get("maxLength", 0) >= 500 for text in texts
            ):
                assert definition.get(CONFIDENTIAL) or name in PUBLIC_LINES, f"{event.TYPE}: {name}"


PUBLIC_LINES = {"source", "id", "type", "policy", "clause"}
"""Lines that name documents and systems, never what somebody wrote."""
