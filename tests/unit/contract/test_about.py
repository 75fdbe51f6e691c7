"""Which texts an event has, and whom it is about."""

from typing import Any, Final
from uuid import UUID

import pytest

from shared.contract.about import UNNAMED, persons_in, texts_about, texts_in
from shared.contract.catalogue import EVENTS
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ForeignEvent, ReportChannel, Reported
from shared.contract.catalogue.notify import Communicated
from shared.contract.catalogue.review import ActionItem, FindingRecorded, LessonRecorded
from shared.contract.catalogue.triage import SeatFilled
from shared.contract.disclosure import Disclosure, conceal
from shared.contract.envelope import Event, Unknown
from shared.contract.vocabulary import Answer, Audience, ControlLayer, Seat
from tests.unit.given import START, event

ANA: Final = "p" + "a" * 26
BEN: Final = "p" + "b" * 26

REPORTED: Final = Reported(
    opens=True,
    channel=ReportChannel.API,
    description="Ana's whiteboard",
    exposure=Exposure(url="https://example.org/ANA"),
    foreign=ForeignEvent(source="dlp", id="7", type="found by ana"),
)
FOUND: Final = FindingRecorded(
    finding_id=UUID(int=1),
    contributing_factor="Nobody said so.",
    control_layer=ControlLayer.TRAINING_MISSING,
    training_adequate=Answer.NO,
    policy_understood=Answer.NO,
    action_items=(
        ActionItem(description="Ask Ben", owner=ANA, due=START.date()),
        ActionItem(description="Ask Cem", owner=BEN, due=START.date()),
    ),
)
TOLD: Final = Communicated(
    communication_id=UUID(int=1),
    audience=Audience.EXECUTIVES,
    channel="mail",
    texts=(),
    facts=(),
    approved_by=(ANA, BEN),
    attempt=1,
)


def told(data: EventData, by: str = "somebody") -> tuple[Event, dict[str, Disclosure]]:
    salts = iter(range(1000))
    bare, disclosures = conceal(data, lambda: next(salts).to_bytes(16))
    return event(bare, by=by), {one.digest: one for one in disclosures}


def test_every_text_is_found_with_its_field_and_value_in_parts_too() -> None:
    said, found = told(REPORTED)
    texts = {(text.name, str(text.value)) for text in texts_in(said, found)}
    assert texts == {
        ("description", "Ana's whiteboard"),
        ("url", "https://example.org/ANA"),
        ("foreign", str({"source": "dlp", "id": "7", "type": "found by ana"})),
    }
    assert {text.event_id for text in texts_in(said, found)} == {said.id}


def test_a_text_that_is_not_at_hand_is_named_where_only_one_can_be_meant() -> None:
    said, _ = told(FOUND)
    assert sorted(text.name for text in texts_in(said, {})) == [
        "description",
        "description",
        UNNAMED,
    ]
    assert {text.value for text in texts_in(said, {})} == {None}
    assert len({text.digest for text in texts_in(said, {})}) == 3


def test_texts_of_an_event_that_nobody_here_knows_are_found_by_their_digests() -> None:
    said, _ = told(FOUND)
    value: dict[str, Any] = {"_sd": ["x" * 43], "parts": [{"_sd": ["y" * 43, 7]}, "_sd"]}
    unknown = said._replace(data=Unknown(value, "a later version"))
    assert {(text.digest, text.name) for text in texts_in(unknown, {})} == {
        ("x" * 43, UNNAMED),
        ("y" * 43, UNNAMED),
    }
    assert list(persons_in(unknown.data)) == []


@pytest.mark.parametrize(
    ("data", "persons"),
    [
        (REPORTED, set()),
        (FOUND, {ANA, BEN}),
        (TOLD, {ANA, BEN}),
        (SeatFilled(seat=Seat.LEGAL, holder=BEN), {BEN}),
    ],
)
def test_the_persons_whom_data_names(data: EventData, persons: set[str]) -> None:
    assert set(persons_in(data)) == persons


PERSONS: Final = sorted(
    {
        (model.__name__, name)
        for model in EVENTS
        for name in (
            "holder",
            "owner",
            "authorised_by",
            "approved_by",
            "requested_by",
            "proposed_by",
        )
        if name in model.model_fields
    }
)


@pytest.mark.parametrize(("model", "name"), PERSONS)
def test_persons_are_looked_for_wherever_the_catalogue_has_a_field_for_one(
    model: str, name: str
) -> None:
    """By the names that such fields have: one of another type would not be found."""
    (kind,) = [one for one in EVENTS if one.__name__ == model]
    nobody = dict.fromkeys(kind.model_fields)
    assert set(persons_in(kind.model_construct(**{**nobody, name: ANA}))) == {ANA}


class TestAboutAPerson:
    def test_is_all_that_the_person_said(self) -> None:
        said, found = told(REPORTED, by=ANA)
        assert len(texts_about(said, found, ANA)) == 3
        assert texts_about(said, found, BEN) == []

    def test_is_all_of_an_event_that_names_the_person_anywhere(self) -> None:
        said, found = told(FOUND)
        assert len(texts_about(said, found, BEN)) == 3

    def test_is_only_the_texts_that_mention_a_word_in_whatever_case(self) -> None:
        said, found = told(REPORTED)
        names = {text.name for text in texts_about(said, found, None, ["aNa"])}
        assert names == {"description", "url", "foreign"}
        assert [text.name for text in texts_about(said, found, None, ["whiteboard", "zzz"])] == [
            "description"
        ]

    def test_compares_words_by_their_look(self) -> None:
        said, found = told(LessonRecorded(text="\uff21\uff4e\uff41 did it"))
        assert len(texts_about(said, found, None, ["ana"])) == 1

    def test_is_nothing_where_nothing_is_at_hand_or_asked(self) -> None:
        said, found = told(REPORTED)
        assert texts_about(said, {}, None, ["ana"]) == []
        assert texts_about(said, found, None) == []
