"""What a reader sees of the closure gate, what a caller may do next, and what review does on its
own."""

from services.review import domain
from services.review.domain import gates
from services.review.domain.commands import OpenReview
from services.review.domain.offers import next_commands
from services.review.domain.tables import Item
from services.review.reactions import react
from shared.contract.authority import Role
from shared.contract.catalogue.review import ReviewTrigger
from shared.contract.decision import Gate
from shared.contract.vocabulary import Determination, GateName
from tests.unit.given import event, given
from tests.unit.review.world import (
    AUDITOR,
    INACTION,
    LEAD,
    NOTHING_KNOWN,
    OPENED,
    PUBLISHABLE,
    PUBLISHED,
    REPORTED,
    REVIEWER,
    UNDER_REVIEW,
    assessed,
    contained,
    finding_recorded,
)

RECORDING = (
    "record_finding",
    "record_observation",
    "record_lesson",
    "cite_policy_clause",
    "set_next_review",
)


def test_before_and_after_a_review_there_is_no_gate() -> None:
    assert gates(given(domain, REPORTED, assessed()).state) == ()
    assert gates(given(domain, *PUBLISHED).state) == ()


def test_the_closure_gate_stands_item_by_item() -> None:
    state = given(domain, *UNDER_REVIEW).state
    assert [(gate.name, gate.subject, gate.open) for gate in gates(state)] == [
        (GateName.CLOSURE, "contained", False),
        (GateName.CLOSURE, "communications", True),
        (GateName.CLOSURE, "break_glass", True),
        (GateName.CLOSURE, "finding", False),
        (GateName.CLOSURE, "publisher", True),
    ]


def test_a_closed_item_says_who_can_supply_what_is_missing() -> None:
    finding = gates(given(domain, *UNDER_REVIEW).state)[3]
    assert finding == Gate(
        GateName.CLOSURE, Item.FINDING, False, ("finding",), (Role.LEAD, Role.REVIEWER)
    )


def test_for_the_one_who_acted_the_publishers_item_is_closed() -> None:
    state = given(domain, *UNDER_REVIEW, contained(by=LEAD)).state
    assert [gate.open for gate in gates(state, LEAD) if gate.subject == Item.PUBLISHER] == [False]
    assert [gate.open for gate in gates(state, REVIEWER) if gate.subject == Item.PUBLISHER] == [
        True
    ]


def test_next_is_what_would_not_be_refused() -> None:
    assert next_commands(NOTHING_KNOWN, REVIEWER) == ()
    assert next_commands(given(domain, REPORTED).state, REVIEWER) == ()
    assert next_commands(
        given(domain, REPORTED, assessed(Determination.NEAR_MISS)).state, LEAD
    ) == ("open_review",)
    assert next_commands(given(domain, *UNDER_REVIEW).state, REVIEWER) == RECORDING
    assert next_commands(given(domain, *PUBLISHABLE).state, REVIEWER) == (*RECORDING, "publish")
    assert next_commands(given(domain, *PUBLISHABLE).state, AUDITOR) == ()
    assert next_commands(given(domain, *PUBLISHED).state, REVIEWER) == ()


def test_the_one_who_acted_may_record_but_not_publish() -> None:
    state = given(domain, *UNDER_REVIEW, contained(by=LEAD), finding_recorded(reason="None.")).state
    assert next_commands(state, LEAD) == RECORDING


def test_a_confirmed_assessment_opens_the_review() -> None:
    heard = assessed()
    state = given(domain, REPORTED, heard).state
    assert react(event(heard), state) == [OpenReview(ReviewTrigger.CONFIRMED)]


def test_nothing_else_does() -> None:
    for heard in (
        assessed(Determination.SUSPECTED),
        assessed(Determination.NEAR_MISS),
        INACTION,
        REPORTED,
    ):
        assert react(event(heard), given(domain, REPORTED, heard).state) == []


def test_a_review_that_is_open_or_over_is_not_opened_again() -> None:
    again = assessed()
    assert react(event(again), given(domain, REPORTED, again, OPENED, again).state) == []
    assert react(event(again), given(domain, *PUBLISHED, again).state) == []
