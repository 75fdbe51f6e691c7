"""What notify and review do on their own: which of all events set them off, and in which state."""

from typing import Final

import pytest

from services.notify import domain as notify
from services.notify.domain.commands import NoteDuties
from services.notify.reactions import react as notify_reacts
from services.review import domain as review
from services.review.domain.commands import OpenReview
from services.review.reactions import react as review_reacts
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import ReviewTrigger
from shared.contract.catalogue.triage import Assessed
from shared.contract.decision import Actor, Context
from shared.contract.vocabulary import Determination, Severity
from tests.unit.given import START, event, given
from tests.unit.notify.world import assessed as assessed_for_notify
from tests.unit.review.story import STORY, STORY_WITHOUT, events, not_understood
from tests.unit.review.world import (
    OPENED,
    PUBLISHED,
    REPORTED,
    UNDER_REVIEW,
    Past,
    assessed,
)

EVERYTHING: Final = [data for *_, data in (*STORY, *STORY_WITHOUT)]
OTHERS: Final = [data for data in EVERYTHING if not isinstance(data, Assessed)]


def by_type(data: EventData) -> str:
    return type(data).__name__


def in_review(*past: EventData) -> review.State:
    return given(review, *past).state


@pytest.mark.parametrize("data", OTHERS, ids=by_type)
def test_nothing_but_an_assessment_sets_anybody_off(data: EventData) -> None:
    assert notify_reacts(event(data), notify.INITIAL) == []
    assert review_reacts(event(data), review.INITIAL) == []


@pytest.mark.parametrize("determination", Determination)
def test_notify_looks_at_its_duties_on_every_assessment(determination: Determination) -> None:
    """Whether there are any, its decider says."""
    heard = event(assessed(determination))
    assert notify_reacts(heard, notify.INITIAL) == [NoteDuties()]


@pytest.mark.parametrize("determination", Determination)
def test_review_opens_for_a_confirmed_incident_alone(determination: Determination) -> None:
    found = review_reacts(event(assessed(determination)), in_review(REPORTED))
    confirmed = determination is Determination.CONFIRMED
    assert found == ([OpenReview(ReviewTrigger.CONFIRMED)] if confirmed else [])


@pytest.mark.parametrize("past", [UNDER_REVIEW, PUBLISHED], ids=["under review", "published"])
def test_review_does_not_open_again(past: Past) -> None:
    state = given(review, *past).state
    assert review_reacts(event(assessed()), state) == []


def test_review_opens_on_a_later_assessment_that_confirms() -> None:
    suspected = in_review(REPORTED, assessed(Determination.SUSPECTED))
    assert review_reacts(event(assessed()), suspected) == [OpenReview(ReviewTrigger.CONFIRMED)]


def test_an_assessment_of_a_version_that_cannot_be_read_sets_nobody_off() -> None:
    (heard,) = [one for one in events() if isinstance(one.data, Assessed)]
    unreadable = not_understood(heard)
    assert notify_reacts(heard, notify.INITIAL) == [NoteDuties()]
    assert notify_reacts(unreadable, notify.INITIAL) == []
    assert review_reacts(unreadable, review.INITIAL) == []


class TestTheSameHeardTwice:
    """A broker delivers at least once: what was said on hearing is not said again."""

    def test_makes_no_duty_a_second_time(self) -> None:
        heard = assessed_for_notify(Severity.HIGH)
        context = Context(START, Actor.service("notify"))
        state = given(notify, REPORTED, heard).state
        (command,) = notify_reacts(event(heard), state)
        said = notify.decide(command, state, context)
        assert said
        for number, data in enumerate(said, 3):
            state = notify.evolve(state, event(data, number=number))
        assert notify.decide(command, state, context) == []

    def test_opens_no_second_review(self) -> None:
        """Even where two replicas react before either has seen the other's word."""
        command = OpenReview(ReviewTrigger.CONFIRMED)
        context = Context(START, Actor.service("review"))
        assert review.decide(command, in_review(REPORTED, assessed()), context) == [OPENED]
        assert review.decide(command, in_review(REPORTED, assessed(), OPENED), context) == []
