"""Persons whom a request names: pseudonyms before any route sees them, in every body and query."""

import contextvars
import dataclasses
import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest
from fastapi.params import Query
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, TypeAdapter

from services.intake.__main__ import SERVICE as INTAKE
from services.notify.__main__ import SERVICE as NOTIFY
from services.review.__main__ import SERVICE as REVIEW
from services.triage.__main__ import SERVICE as TRIAGE
from shared.contract.pseudonym import PSEUDONYM
from shared.runtime.web.bodies import Body, Subject
from shared.runtime.web.persons.named import naming, persons, pseudonym_of
from tests.unit.runtime.callers import PEOPLE

PERSON: Final = re.compile(
    r"(.*_)?(actor|approver|assignee|author|by|caller|holder|member|owner|person|sender|subject"
    r"|user|who)s?"
)
"""How fields are called that hold a person."""
NO_PERSONS: Final = {"subject": "of a CloudEvent", "author_relation": "an enumeration"}


class Owned(Body):
    owner: Subject


FIELDS: Final = TypeAdapter(Owned)


def parts(kind: Any, seen: set[Any]) -> Iterator[tuple[str, str, Any]]:
    """Every field of the models and filters in a type: where it stands, its name and its type."""
    if isinstance(kind, type) and kind not in seen:
        seen.add(kind)
        if issubclass(kind, BaseModel):
            for name, field in kind.model_fields.items():
                yield kind.__name__, name, (field.annotation, *field.metadata)
                yield from parts(field.annotation, seen)
        elif dataclasses.is_dataclass(kind):
            for field in dataclasses.fields(kind):
                yield kind.__name__, field.name, field.type
                yield from parts(field.type, seen)
    for inner in get_args(kind):
        yield from parts(inner, seen)


def declared() -> Iterator[tuple[str, str, Any]]:
    seen: set[Any] = set()
    for service in (INTAKE, TRIAGE, NOTIFY, REVIEW):
        for route in iter_route_contexts(service.router.routes):
            if (body := getattr(route, "body_field", None)) is not None:
                yield from parts(body.field_info.annotation, seen)
            for one in queries(getattr(route, "dependant", None)):
                yield (
                    str(route.path),
                    one.name,
                    (one.field_info.annotation, *one.field_info.metadata),
                )


def queries(dependant: Any) -> Iterator[Any]:
    if dependant is not None:
        yield from (one for one in dependant.query_params if isinstance(one.field_info, Query))
        for inner in dependant.dependencies:
            yield from queries(inner)


def holds_subject(kind: Any) -> bool:
    """Whether a value of it is read by the one function that makes pseudonyms."""
    return "_subject" in repr(kind)


def test_every_field_that_names_a_person_is_a_subject() -> None:
    shown = {
        (where, name): kind
        for where, name, kind in declared()
        if PERSON.fullmatch(name) and name not in NO_PERSONS
    }
    forgotten = [place for place, kind in shown.items() if not holds_subject(kind)]
    assert forgotten == []
    names = {name for _, name in shown}
    assert names == {"holder", "owner", "seat_holder", "drafted_by", "person"}


@pytest.mark.parametrize("spelling", ["Ana@Corp", "ana@corp", "ａｎａ＠ｃｏｒｐ"])
def test_spellings_of_one_subject_are_one_person(spelling: str) -> None:
    with naming(PEOPLE):
        body = FIELDS.validate_json(f'{{"owner": "{spelling}"}}'.encode())
        assert body.owner == PEOPLE.pseudonym_of("ana@corp")
        assert [one.subject for one in persons()] == [spelling]


def test_a_pseudonym_stands_for_itself_and_names_nobody_new() -> None:
    shown = PEOPLE.pseudonym_of("ana@corp")
    with naming(PEOPLE):
        assert FIELDS.validate_json(f'{{"owner": "{shown}"}}'.encode()).owner == shown
        assert persons() == ()


@pytest.mark.parametrize("wrong", ["", " ana", "service:triage", "anonymous", "a\u200bna"])
def test_what_is_no_subject_is_refused_and_not_remembered(wrong: str) -> None:
    with naming(PEOPLE):
        with pytest.raises(ValueError, match="owner"):
            FIELDS.validate_json(f'{{"owner": "{wrong}"}}'.encode())
        assert persons() == ()


def test_outside_of_a_request_nobody_has_a_pseudonym() -> None:
    with pytest.raises(LookupError):
        contextvars.Context().run(pseudonym_of, "ana@corp")


def test_a_request_ends_with_its_persons() -> None:
    with naming(PEOPLE):
        assert re.fullmatch(PSEUDONYM, pseudonym_of("ana@corp"))
        with naming(PEOPLE):
            assert persons() == ()
        assert len(persons()) == 1
