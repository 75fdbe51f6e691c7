"""Readers learn who stands behind the pseudonyms of a view, on every route that shows persons, if
they may."""

import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final, get_args
from uuid import UUID

import pytest
from fastapi import Request, Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from services.intake.__main__ import SERVICE as INTAKE
from services.notify.__main__ import SERVICE as NOTIFY
from services.review.__main__ import SERVICE as REVIEW
from services.triage.__main__ import SERVICE as TRIAGE
from shared.contract.authority import Role
from shared.contract.decision import Actor
from shared.runtime.say.people import names
from shared.runtime.web import routes
from shared.runtime.web.desk import Desk
from shared.runtime.web.paging import Page
from shared.runtime.web.persons.shown import Peopled, pseudonyms_in
from tests.unit.answering import Answering
from tests.unit.runtime.callers import PEOPLE
from tests.unit.web.test_people import PERSON, parts

ANA, BO = (PEOPLE.pseudonym_of(subject) for subject in ("ana@corp", "bo@corp"))
NO_PERSONS: Final = {
    "subject": "what waits at a gate",
    "author": "of a post, which no pseudonym stands for",
    "corrected_by": "the id of a fact",
    "erased_by": "the id of an event",
}
COMMANDS: Final = {"Accepted", "ReportReceipt"}
"""What a command is answered with: an event as it was said."""


class Shown(Peopled):
    owner: str
    texts: tuple[str, ...] = ()


def answers() -> Iterator[tuple[str, Any, type[BaseModel]]]:
    """Every route whose answer is a model: path, endpoint, model."""
    for router in (*(one.router for one in (INTAKE, TRIAGE, NOTIFY, REVIEW)), routes.router):
        for route in iter_route_contexts(router.routes):
            field = getattr(route, "response_field", None)
            model = None if field is None else field.field_info.annotation
            if isinstance(model, type) and issubclass(model, BaseModel):
                declared: Any = route.original_route
                yield str(route.path), declared.endpoint, model


def persons_in(model: type[BaseModel]) -> set[str]:
    def is_text(kind: Any) -> bool:
        return kind is str or any(map(is_text, get_args(kind)))

    return {
        f"{where}.{name}"
        for where, name, kind in parts(model, set())
        if PERSON.fullmatch(name) and name not in NO_PERSONS and is_text(kind[0])
    }


def test_every_answer_that_shows_persons_can_name_them() -> None:
    shows = {(path, model) for path, _, model in answers() if persons_in(model)}
    unnamed = {
        (path, model.__name__)
        for path, model in shows
        if not issubclass(model, Peopled) and model.__name__ not in COMMANDS
    }
    assert unnamed == set()
    assert len(shows) > 8


def test_every_route_with_such_an_answer_asks_the_directory() -> None:
    asked = 0
    for path, endpoint, model in answers():
        if issubclass(model, Peopled) and persons_in(model):
            source = inspect.getsource(endpoint)
            assert "desk.page(" in source or "desk.with_people(" in source, path
            asked += 1
    assert asked > 8


def test_pseudonyms_are_found_wherever_they_stand_and_only_whole() -> None:
    view = Page[Shown](items=[Shown(owner=ANA, texts=(BO, f"{ANA}!", "ana", f'"{ANA}'))])
    assert pseudonyms_in(view) == {ANA, BO}


def test_where_nobody_is_named_there_is_no_word_of_people() -> None:
    assert Shown(owner=ANA).model_dump() == {"owner": ANA, "texts": ()}
    assert Shown(owner=ANA, people={ANA: "Ana"}).model_dump()["people"] == {ANA: "Ana"}


def desk_of(role: Role, asked: Answering) -> Desk[Any, Any]:
    class Acquired:
        async def __aenter__(self) -> Answering:
            return asked

        async def __aexit__(self, *_: object) -> None:
            return None

    running = SimpleNamespace(read=Acquired)
    scope = {
        "type": "http",
        "headers": [],
        "app": SimpleNamespace(state=SimpleNamespace(running=running)),
        "state": {"actor": Actor(BO, frozenset({role}))},
    }
    return Desk(Request(scope), Response(), None, None)


@pytest.mark.parametrize("role", Role)
async def test_names_are_for_those_who_may_read_them(role: Role) -> None:
    asked = Answering({"pseudonym": ANA, "shown": "Ana Example"})
    view = await desk_of(role, asked).with_people(Shown(owner=ANA, texts=("service:triage",)))
    may = role not in {Role.SOURCE, Role.AUDITOR, Role.ADMIN}
    assert view.people == ({ANA: "Ana Example"} if may else {})
    assert asked.args == (([ANA],) if may else ())


async def test_of_nobody_nothing_is_asked() -> None:
    asked = Answering()
    assert await names(asked, []) == {}  # type: ignore[arg-type]
    view = Shown(owner="service:triage", texts=(str(UUID(int=1)),))
    assert await desk_of(Role.LEAD, asked).with_people(view) is view
    assert asked.args == ()
