"""Persons in reports: pseudonyms in the skeleton, names in an edition as far as they are known."""

from typing import Final

import pytest

from services.review.editions import edition, skeleton
from services.review.report import RENDERINGS, Form
from services.review.report.persons import NOBODY, name_of, named, persons_in, persons_of
from shared.contract.catalogue import EVENTS, notify, review, triage
from shared.contract.catalogue.base import Person
from tests.unit.given import event
from tests.unit.review.story import concealed, events
from tests.unit.review.world import ITEM, TOLD, finding_recorded

SAID, FOUND = concealed(events())
NAMES: Final = {
    "lead-lea": "Lea Leadley",
    "trainer-tom": "Tom Trainer",
    "comms-cara": "Cara Comms",
    "reviewer-ria": "Ria Reviewer",
}


def test_somebody_without_a_name_stays_a_pseudonym() -> None:
    assert name_of("lead-lea", NAMES) == "Lea Leadley"
    assert name_of("it-ivo", NAMES) == "it-ivo"
    assert name_of("lead-lea", NOBODY) == "lead-lea"


@pytest.mark.parametrize(
    ("part", "persons"),
    [
        (triage.SeatFilled, {"holder"}),
        (triage.Contained, {"authorised_by"}),
        (notify.Communicated, {"approved_by"}),
        (review.ActionItem, {"owner"}),
        (review.FindingRecorded, set()),
    ],
)
def test_the_fields_of_persons_are_those_of_the_type(part: type, persons: set[str]) -> None:
    assert persons_in(part) == persons


def test_every_field_of_that_type_is_found() -> None:
    """A walk over the catalogue: optional ones, lists and parts of parts are found alike."""
    for one in EVENTS:
        schema = one.model_json_schema(mode="serialization")
        patterned = {
            name
            for name, field in schema["properties"].items()
            if Person.__metadata__[0].metadata[0].pattern in str(field)
        }
        assert persons_in(one) == patterned, one


def test_an_event_gets_the_names_of_its_actor_and_of_the_persons_in_it() -> None:
    told = named(event(TOLD, by="comms-cara"), NAMES)
    assert told.actor == "Cara Comms"
    assert told.data.approved_by == ("Lea Leadley",)
    found = named(event(finding_recorded(ITEM), by="it-ivo"), NAMES)
    assert found.actor == "it-ivo"
    assert [item.owner for item in found.data.action_items] == ["Tom Trainer"]


def test_the_persons_of_events_are_those_who_said_something_or_are_named() -> None:
    assert persons_of([]) == set()
    assert persons_of([event(TOLD, by="comms-cara"), event(finding_recorded(ITEM), by="ria")]) == {
        "comms-cara",
        "lead-lea",
        "ria",
        "trainer-tom",
    }
    assert persons_of(SAID) >= NAMES.keys() | {"service:notify", "monitor"}


@pytest.mark.parametrize("form", Form)
def test_an_edition_shows_names_and_no_pseudonym_of_somebody_named(form: Form) -> None:
    page = RENDERINGS[form].render(edition(SAID, FOUND, NAMES)).decode()
    for pseudonym, name in NAMES.items():
        assert name in page
        assert pseudonym not in page.replace("\\", "")


def test_the_skeleton_and_its_digest_know_no_names() -> None:
    bones = skeleton(SAID).decode()
    assert not [name for name in NAMES.values() if name in bones]
    assert all(pseudonym in bones for pseudonym in NAMES)
    whole, with_names = edition(SAID, FOUND).edition, edition(SAID, FOUND, NAMES).edition
    assert whole == with_names
