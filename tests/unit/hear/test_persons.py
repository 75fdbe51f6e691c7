"""Who is believed to stand behind a pseudonym, of what the topic of texts says."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.runtime.carry.people import key_of
from shared.runtime.hear.persons import persons_of
from shared.runtime.hear.texts import texts_of
from shared.runtime.say.people import People, Person
from tests.unit.runtime.callers import PEOPLE

ANA = PEOPLE.person("ana@corp", "Ana Example")


def message(key: bytes | None, value: Any) -> Any:
    data = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return SimpleNamespace(key=key, value=data, partition=3, offset=9)


def of(person: Person, **other: Any) -> Any:
    told = {"subject": person.subject, "name": person.name} | other
    return message(key_of(person.pseudonym), told)


@pytest.mark.parametrize("name", ["Ana Example", None])
def test_a_person_is_taken_as_told(name: str | None) -> None:
    person = PEOPLE.person("ana@corp", name)
    assert persons_of([of(person)], PEOPLE) == [person]


def test_what_is_new_to_us_is_passed_over() -> None:
    assert persons_of([of(ANA, pronouns="she")], PEOPLE) == [ANA]


FORGED = [
    of(ANA, subject="mallory@corp"),
    message(key_of("p" + "a" * 26), {"subject": "ana@corp", "name": None}),
    message(b"person:", {"subject": "ana@corp", "name": None}),
    message(b"person:\xff", {"subject": "ana@corp", "name": None}),
    of(ANA, subject=""),
    of(ANA, subject=None),
    of(ANA, name=7),
    of(ANA, name="x" * 201),
    of(ANA, name="A\x00"),
    message(key_of(ANA.pseudonym), []),
    message(key_of(ANA.pseudonym), b"{"),
    message(key_of(ANA.pseudonym), b"\xff"),
]


@pytest.mark.parametrize("forged", FORGED, ids=range(len(FORGED)))
def test_anything_else_is_counted_and_told_without_what_it_says(forged: Any) -> None:
    with capture_logs() as told:
        assert persons_of([forged, of(ANA)], PEOPLE) == [ANA]
    (warning,) = told
    assert (warning["partition"], warning["offset"]) == (3, 9)
    for secret in ("ana@corp", "mallory", "Ana Example"):
        assert secret not in str(warning)


def test_nobody_without_the_secret_can_say_who_somebody_is() -> None:
    stranger = People(b"another secret of 32 bytes and more")
    assert persons_of([of(stranger.person("ana@corp"))], PEOPLE) == []


def test_a_tombstone_says_nothing() -> None:
    assert persons_of([message(key_of(ANA.pseudonym), None)], PEOPLE) == []


def test_persons_and_texts_are_told_apart_by_their_keys() -> None:
    with capture_logs() as told:
        assert texts_of([of(ANA)]) == {}
        event = message(b"01960000-0000-7000-8000-000000000001", [])
        assert persons_of([event, message(None, [])], PEOPLE) == []
    assert told == []
