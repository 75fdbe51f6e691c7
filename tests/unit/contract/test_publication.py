"""The catalogue that others read: valid by its own standards, complete, and marked where it holds
what may be sealed."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from shared.contract.catalogue import BY_TYPE, EVENTS, short_name
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.system import KeyRotated
from shared.contract.disclosure import Disclosure, by_digest, fields_of, reveal
from shared.contract.envelope import read
from shared.contract.publication import asyncapi, json_schemas
from shared.contract.topics import DISCLOSURES_CONFIG, TOPIC, disclosures_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.texts import message_of
from tests.unit.contract.record import recorded, told

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


def test_both_topics_are_described_as_they_are_made() -> None:
    channels = asyncapi("1")["channels"]
    assert {one["address"] for one in channels.values()} == {TOPIC, disclosures_of(TOPIC)}
    made = channels["disclosures"]["bindings"]["kafka"]["topicConfiguration"]
    stated = {name: ",".join(one) if isinstance(one, list) else one for name, one in made.items()}
    assert {name: str(one) for name, one in stated.items()}.items() <= DISCLOSURES_CONFIG.items()


def payload_of(message: str) -> Draft202012Validator:
    document = asyncapi("1")
    payload = document["components"]["messages"][message]["payload"]
    return Draft202012Validator({**payload, "components": document["components"]})


@pytest.mark.parametrize("texts", told().values(), ids=told())
def test_a_message_of_texts_fits_what_is_published_of_it(texts: tuple[Disclosure, ...]) -> None:
    message = message_of([one.text for one in texts])
    assert message is not None
    assert list(payload_of("Disclosures").iter_errors(json.loads(message))) == []


@pytest.mark.parametrize("value", [[], ["white space"], ["=="], {}, "text", [7], [None]])
def test_what_is_no_list_of_texts_does_not_fit(value: Any) -> None:
    assert list(payload_of("Disclosures").iter_errors(value))


def test_a_tombstone_and_a_person_fit() -> None:
    assert message_of([]) is None
    for message in ("Disclosures", "PersonTold"):
        assert list(payload_of(message).iter_errors(None)) == []
    person = {"subject": "maria", "name": None}
    assert list(payload_of("PersonTold").iter_errors(person)) == []
    assert list(payload_of("PersonTold").iter_errors({"subject": 7, "name": None}))


@pytest.mark.parametrize("kind", told())
def test_what_is_disclosed_fits_the_schema_of_its_data(kind: str) -> None:
    """Whoever puts the texts back has what the schema describes, marked properties included."""
    model = BY_TYPE[kind]
    data = read(recorded()[kind]).data
    assert isinstance(data, EventData)
    whole = reveal(data, by_digest(told()[kind])).model_dump(mode="json", exclude_none=True)
    check = Draft202012Validator(json_schemas()[kind])
    assert [error.message for error in check.iter_errors(whole)] == []
    for name in fields_of(model).confidential:
        if name in whole:
            assert list(check.iter_errors({**whole, name: 7})), name
