"""Every event type that was ever shipped, as it stands on somebody's log: it is still read, and
what is new on it breaks no reader."""

import functools
import hashlib
import json
from typing import Any

import pytest

from services.review.report import build
from shared.contract.catalogue import BY_TYPE, EVENTS
from shared.contract.catalogue.base import EventData
from shared.contract.disclosure import by_digest, digests, reveal
from shared.contract.envelope import Event, read
from shared.contract.publication import json_schemas
from shared.runtime.say.plan import Recorded, Write
from shared.runtime.service import Service
from tests.services import SERVICES, by_name
from tests.unit.contract.record import FOLDER, SUMS, examples, in_order, recorded, told
from tests.unit.given import INCIDENT

RECORDED = recorded()
TOLD = told()


def test_every_type_has_a_recording() -> None:
    missing = {event.TYPE for event in EVENTS} - RECORDED.keys()
    assert not missing, "record it, once and for all: python -m tests.unit.contract.record"


def test_no_type_that_was_shipped_is_gone_from_the_catalogue() -> None:
    assert RECORDED.keys() <= BY_TYPE.keys()


def test_a_recording_is_never_edited() -> None:
    sums = {name: sum_ for sum_, name in map(str.split, SUMS.read_text("ascii").splitlines())}
    assert {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FOLDER.iterdir()
        if path != SUMS
    } == sums


@pytest.mark.parametrize("name", RECORDED)
def test_the_texts_that_were_said_with_it_are_still_understood(name: str) -> None:
    data = read(RECORDED[name]).data
    assert isinstance(data, EventData)
    texts = by_digest(TOLD.get(name, ()))
    assert set(digests(data)) == texts.keys()
    said = reveal(data, texts).model_dump(mode="json", by_alias=False)
    assert without_digests(said) == examples()[BY_TYPE[name]][2].model_dump(mode="json")


def without_digests(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_digests(one) for name, one in value.items() if name != "sd"}
    return [without_digests(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_said_is_still_understood(name: str) -> None:
    said = json.loads(RECORDED[name])["data"]
    event = read(RECORDED[name])
    assert isinstance(event.data, BY_TYPE[name])
    understood = event.data.model_dump(mode="json")
    assert _without_news(understood, said) == said


def _without_news(value: Any, said: Any) -> Any:
    """Without the fields, at any depth, that came into the catalogue after it was said."""
    match said:
        case dict():
            return {name: _without_news(value[name], item) for name, item in said.items()}
        case list():
            return [_without_news(one, item) for one, item in zip(value, said, strict=True)]
    return value


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_new_on_it_breaks_no_reader(name: str) -> None:
    newer = json.loads(RECORDED[name])
    newer["data"] = _with_news(newer["data"])
    newer["newattribute"] = "x"
    assert read(json.dumps(newer).encode()).data == read(RECORDED[name]).data


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_the_published_schema_lets_news_through_too(kind: type[EventData]) -> None:
    schema = json_schemas()[kind.TYPE]
    for part in (schema, *schema.get("$defs", {}).values()):
        assert part.get("additionalProperties") is not False


def _with_news(value: Any) -> Any:
    """The same with a field that is new in every object."""
    if isinstance(value, dict):
        return {
            **{name: _with_news(item) for name, item in value.items()},
            "new_field": {"of": ["a", "later", "year"]},
        }
    return [_with_news(item) for item in value] if isinstance(value, list) else value


def history(*, news: bool = False) -> list[Event]:
    """The recorded incident: what the runtime hands to a service's rules and views."""
    newer = {name: json.loads(envelope) for name, envelope in RECORDED.items()}
    told = {
        name: json.dumps({**value, "data": _with_news(value["data"])}).encode()
        for name, value in newer.items()
    }
    return [event for event in in_order(told if news else RECORDED) if event.subject_id == INCIDENT]


def test_together_they_are_chains() -> None:
    for service in {event.service for event in history()}:
        chain = sorted(
            (event for event in history() if event.service is service),
            key=lambda event: event.link.sequence,
        )
        assert [event.link.sequence for event in chain] == list(range(1, len(chain) + 1))
        assert [event.link.prevhash for event in chain[1:]] == [event.hash for event in chain[:-1]]


def folded(service: Service[Any, Any, Any], events: list[Event]) -> Any:
    return functools.reduce(service.rules.evolve, events, service.rules.initial)


def written(service: Service[Any, Any, Any], events: list[Event]) -> list[Write]:
    return [
        write
        for version, event in enumerate(events, start=1)
        for write in service.rules.project(Recorded(event, version))
    ]


@pytest.mark.parametrize("service", SERVICES, ids=by_name)
def test_every_service_remembers_and_shows_them_as_before_when_news_come_along(
    service: Service[Any, Any, Any],
) -> None:
    assert written(service, history())
    assert _without_hashes(written(service, history(news=True))) == _without_hashes(
        written(service, history())
    )
    if (
        service.name != "review"
    ):  # its state holds the heads of the chains, which are hashes of all bytes
        assert folded(service, history(news=True)) == folded(service, history())


def _without_hashes(writes: list[Write]) -> list[tuple[str, tuple[Any, ...]]]:
    hashes = {event.hash for news in (True, False) for event in history(news=news)}
    return [
        (
            write.sql,
            tuple(arg for arg in write.args if not isinstance(arg, bytes) or arg not in hashes),
        )
        for write in writes
    ]


def test_the_report_tells_all_of_them() -> None:
    texts = by_digest(one for several in TOLD.values() for one in several)
    told = [
        event._replace(data=reveal(event.data, texts))
        for event in history()
        if isinstance(event.data, EventData)
    ]
    report = build(told)
    assert {row.source.event.event_id for row in report.timeline} == {
        event.id for event in history()
    }
