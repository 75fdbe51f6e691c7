"""What a request to erase comes to, out of what review knows."""

from typing import Any, Final
from uuid import UUID

import pytest

from services.review.erasures.bodies import ErasureBody
from services.review.erasures.scope import erased_text, request_of
from shared.contract.about import UNNAMED, TextIn
from shared.contract.catalogue.review import (
    ContentErased,
    ErasedText,
    ErasureGround,
    ErasureScope,
    LessonRecorded,
)
from shared.contract.decision import Missing, Rejected
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Event
from tests.unit.contract.test_about import ANA, FOUND, REPORTED, told
from tests.unit.given import event

ERASURE: Final = UUID(int=0xE7)
WHY: Final = {"ground": "objection", "reason": "They asked."}


def body(**fields: Any) -> ErasureBody:
    return ErasureBody.model_validate({**WHY, **fields}, strict=False)


def record() -> tuple[list[Event], dict[str, Disclosure]]:
    first, texts = told(REPORTED)
    second, more = told(FOUND, by=ANA)
    third, last = told(LessonRecorded(text="Ana, look behind you."))
    events = [first, second._replace(id=UUID(int=2)), third._replace(id=UUID(int=3))]
    return events, {**texts, **more, **last}


def names(asked: ErasureBody) -> list[str]:
    command = request_of(asked, ERASURE, *record())
    return sorted(text.name for text in command.texts)


def test_fields_of_an_event_are_those_fields_alone() -> None:
    events, _ = record()
    assert names(body(event_id=events[0].id, fields=("url",))) == ["url"]
    assert names(body(event_id=events[0].id, fields=("url", "nothing"))) == ["url"]
    assert names(body(event_id=events[1].id, fields=("description",))) == ["description"] * 2
    assert names(body(event_id=events[0].id, fields=("nothing",))) == []


def test_an_event_is_all_its_texts() -> None:
    events, _ = record()
    assert names(body(event_id=events[0].id)) == ["description", "foreign", "url"]


def test_a_person_is_what_they_said_and_what_names_or_mentions_them() -> None:
    assert names(body(mentions=("ana",))) == ["description", "foreign", "text", "url"]


def test_an_event_of_another_incident_is_missing() -> None:
    with pytest.raises(Missing):
        names(body(event_id=UUID(int=99)))


@pytest.mark.parametrize(
    ("fields", "scope"),
    [
        ({"event_id": UUID(int=2)}, ErasureScope.EVENT),
        ({"event_id": UUID(int=2), "fields": ("x",)}, ErasureScope.FIELDS),
        ({"mentions": ("ana",)}, ErasureScope.PERSON),
    ],
)
def test_the_scope_is_said(fields: dict[str, Any], scope: ErasureScope) -> None:
    command = request_of(body(**fields), ERASURE, *record())
    assert (command.scope, command.erasure_id) == (scope, ERASURE)
    assert (command.ground, command.reason) == (ErasureGround.OBJECTION, "They asked.")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"fields": ("x",)},
        {"event_id": UUID(int=2), "mentions": ("ana",)},
        {"mentions": ("ana",), "fields": ("x",)},
        {"mentions": ()},
    ],
)
def test_a_body_names_one_scope(fields: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="event_id") as refused:
        request_of(body(**fields), ERASURE, *record())
    assert refused.value.rule == "one_scope"


@pytest.mark.parametrize("name", ["", "a b", "_sd", "x" * 101, "é", "a\n"])
def test_a_field_with_a_name_that_none_has_is_erased_all_the_same(name: str) -> None:
    text = TextIn(ERASURE, name, "d" * 43, "words")
    assert erased_text(text) == ErasedText(event_id=ERASURE, name=UNNAMED, digest="d" * 43)


class TestWhatIsNotAtHand:
    def test_is_erased_with_all_of_its_event(self) -> None:
        events, _ = record()
        command = request_of(body(event_id=events[0].id), ERASURE, events, {})
        assert {text.digest for text in command.texts} == {
            *events[0].data.sd,  # type: ignore[union-attr]
            *events[0].data.exposure.sd,  # type: ignore[union-attr]
        }

    def test_may_be_the_field_that_is_meant(self) -> None:
        events, _ = record()
        asked = body(event_id=events[0].id, fields=("description",))
        with pytest.raises(Rejected) as refused:
            request_of(asked, ERASURE, events[:1], {})
        assert refused.value.rule == "texts_at_hand"
        assert "leave `fields` out" in refused.value.detail

    def test_because_it_is_erased_stands_in_nobodys_way(self) -> None:
        events, found = record()
        gone = ContentErased(
            erasure_id=ERASURE,
            ground=ErasureGround.OBJECTION,
            texts=tuple(
                ErasedText(event_id=events[0].id, name=one.named()[0], digest=digest)
                for digest, one in found.items()
            ),
            requested_by="pia",
        )
        asked = body(event_id=events[0].id, fields=("description",))
        command = request_of(asked, ERASURE, [*events, event(gone, number=9)], {})
        assert [text.name for text in command.texts] == []
