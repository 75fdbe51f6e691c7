"""The words of every refusal of review:
the rule, the sentence, what is missing, who supplies it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from services.review import domain
from services.review.domain.commands import (
    Command,
    ConfirmErasure,
    OpenReview,
    Publish,
    RecordLesson,
    RequestErasure,
    SetNextReview,
    WarnOfRetention,
)
from services.review.domain.tables import LEAVES_NOTHING_OUT, OF_PERSONS
from shared.contract.authority import Role, who_may
from shared.contract.catalogue.notify import CommunicationRequired
from shared.contract.catalogue.review import ErasureGround, LessonRecorded, ReviewTrigger, TextKind
from shared.contract.decision import Actor, Missing
from shared.contract.vocabulary import Audience, Determination, GateName
from tests.unit.given import START, By, Refusal, given, rules_in
from tests.unit.review.test_erasing import (
    BOTH,
    ERASURE,
    HOLD,
    LEGAL,
    PRIVACY,
    placed,
    request,
    requested,
    text,
)
from tests.unit.review.world import (
    AUDITOR,
    BROKEN,
    DIGEST,
    DISMISSED,
    GLASS_BROKEN,
    ITEM,
    LEAD,
    PUBLISHABLE,
    PUBLISHED,
    REPORTED,
    REQUIRED,
    RESPONDER,
    REVIEWER,
    SERVICE,
    TODAY,
    UNDER_REVIEW,
    Past,
    assessed,
    contained,
    finding_recorded,
    publish,
    record_finding,
)

BY_HAND = OpenReview(ReviewTrigger.REQUESTED)
BY_ITSELF = OpenReview(ReviewTrigger.CONFIRMED)
YESTERDAY = TODAY - timedelta(days=1)
REVIEWERS = (Role.LEAD, Role.REVIEWER)
FORGETTERS = who_may(RequestErasure)
ASSESSORS = (Role.RESPONDER, Role.LEAD)
SPEAKERS = (Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS)
CARRY_OUT = (Role.RESPONDER, *SPEAKERS, Role.IT)
EMPLOYEES_TOO = CommunicationRequired(audience=Audience.EMPLOYEES, rule="a_row")
BETWEEN_EDITIONS = "edition_of_the_review"
"""No caller can be told so: the edition is the service's to choose, and there is one so far."""
OTHER_GLASS = UUID(int=0xB2)
GLASS_BROKEN_TOO = GLASS_BROKEN.model_copy(update={"break_glass_id": OTHER_GLASS})

REFUSALS: Final[dict[str, tuple[Past, Command, Actor, Refusal]]] = {
    "records without the role": (
        UNDER_REVIEW,
        RecordLesson("Look before you post."),
        AUDITOR,
        Refusal("role", "record_lesson is for lead or reviewer.", who=REVIEWERS),
    ),
    "records once published": (
        PUBLISHED,
        RecordLesson("Look before you post."),
        REVIEWER,
        Refusal(
            "published",
            "The report is published and does not change; what is new is reported as a new "
            "incident.",
        ),
    ),
    "records before a review is open": (
        (REPORTED, assessed()),
        RecordLesson("Look before you post."),
        REVIEWER,
        Refusal(
            "review_opened",
            "No review of this incident is open; open one first.",
            missing=("review",),
            who=REVIEWERS,
        ),
    ),
    "opens what is open": (
        UNDER_REVIEW,
        BY_HAND,
        REVIEWER,
        Refusal("opened_once", "The review of this incident is open already."),
    ),
    "opens on a dismissed incident": (
        (REPORTED, assessed(Determination.NEAR_MISS), DISMISSED),
        BY_HAND,
        REVIEWER,
        Refusal("dismissed", "The incident was dismissed: there is nothing to review."),
    ),
    "opens before an assessment": (
        (REPORTED,),
        BY_HAND,
        REVIEWER,
        Refusal(
            "opens_on_assessment",
            "A review opens for an incident that is assessed as near_miss or suspected or "
            "confirmed; this one is not assessed.",
            missing=("assessed_as_near_miss", "assessed_as_suspected", "assessed_as_confirmed"),
            who=ASSESSORS,
        ),
    ),
    "opens by itself on a suspicion": (
        (REPORTED, assessed(Determination.SUSPECTED)),
        BY_ITSELF,
        Actor("service:review"),
        Refusal(
            "opens_on_assessment",
            "A review opens for an incident that is assessed as confirmed; "
            "this one is assessed as suspected.",
            missing=("assessed_as_confirmed",),
            who=ASSESSORS,
        ),
    ),
    "finds without an answer": (
        UNDER_REVIEW,
        record_finding(),
        REVIEWER,
        Refusal(
            "finding_has_actions_or_reason",
            "A finding names what will be done about it, or why nothing will: one of the two, "
            "and not both.",
            missing=("action_items or no_action_reason",),
            who=REVIEWERS,
        ),
    ),
    "finds with an item that is late": (
        UNDER_REVIEW,
        record_finding(
            ITEM,
            ITEM.model_copy(update={"due": YESTERDAY}),
            ITEM.model_copy(update={"due": YESTERDAY - timedelta(days=1)}),
        ),
        REVIEWER,
        Refusal(
            "due_not_in_the_past",
            f"Nothing new can be due before today, {TODAY} (UTC); "
            f"due on {YESTERDAY}, {YESTERDAY - timedelta(days=1)}.",
            missing=("due",),
            who=REVIEWERS,
        ),
    ),
    "reviews next today": (
        UNDER_REVIEW,
        SetNextReview(TODAY),
        REVIEWER,
        Refusal(
            "next_review_in_the_future",
            f"The next review is on a day after today, {TODAY} (UTC).",
            missing=("on",),
            who=REVIEWERS,
        ),
    ),
    "publishes with all of it lacking": (
        (*UNDER_REVIEW, REQUIRED, EMPLOYEES_TOO, GLASS_BROKEN_TOO, GLASS_BROKEN),
        publish(given(domain, *UNDER_REVIEW).state),
        REVIEWER,
        Refusal(
            GateName.CLOSURE.value,
            "Publishing waits: no action was carried out with success, and nobody decided not to "
            "act; not told, and not waived with a reason: employees, executives; a second "
            f"person's word is owed on break-glass {BROKEN}, {OTHER_GLASS}; "
            "no finding is recorded.",
            missing=(
                "contained_or_decision_not_to_act",
                "communication_to_employees",
                "communication_to_executives",
                f"second_word_on_break_glass_{BROKEN}",
                f"second_word_on_break_glass_{OTHER_GLASS}",
                "finding",
            ),
            who=(*CARRY_OUT, Role.REVIEWER),
        ),
    ),
    "publishes on one's own actions": (
        (*UNDER_REVIEW, contained(by=LEAD), finding_recorded(ITEM)),
        publish(given(domain, *UNDER_REVIEW).state),
        LEAD,
        Refusal(
            GateName.CLOSURE.value,
            "Publishing waits: a person who carried out actions does not publish the report on "
            "them.",
            missing=("another_publisher",),
            who=REVIEWERS,
        ),
    ),
    "publishes what leaves something out": (
        (*PUBLISHABLE, LessonRecorded(text="Look before you post.")),
        Publish(DIGEST, given(domain, *PUBLISHABLE).state.covers),
        REVIEWER,
        Refusal(
            LEAVES_NOTHING_OUT,
            "Something was said or heard since the report was made; make it again and publish "
            "that.",
        ),
    ),
    "asks to erase without saying for which side": (
        (REPORTED,),
        request(text(1)),
        BOTH,
        Refusal(
            "side",
            "You may speak for both sides: say for which, privacy or legal.",
            missing=("side",),
            who=FORGETTERS,
        ),
    ),
    "asks to erase on the ground of the table": (
        (REPORTED,),
        request(text(1), ground=ErasureGround.RETENTION_ENDED),
        PRIVACY,
        Refusal(
            "ground",
            "retention_ended is the ground of the table of retention, not a person's; give one of "
            f"{', '.join(OF_PERSONS)}.",
            missing=("ground",),
            who=FORGETTERS,
        ),
    ),
    "asks to erase what is none": (
        (REPORTED,),
        request(),
        PRIVACY,
        Refusal(
            "nothing_to_erase",
            "No text is left of what is asked for: there was none, or it is erased already.",
        ),
    ),
    "confirms for one's own side": (
        (REPORTED, By(PRIVACY.subject, requested(text(1)))),
        ConfirmErasure(ERASURE),
        PRIVACY,
        Refusal(
            "four_eyes",
            "An erasure takes two persons, one for privacy and one for legal; privacy has spoken, "
            "the word of another person for legal is missing.",
            missing=("word_of_legal",),
            who=(Role.LEGAL,),
        ),
    ),
    "confirms while it is held": (
        (REPORTED, By(PRIVACY.subject, requested(text(1))), placed()),
        ConfirmErasure(ERASURE),
        LEGAL,
        Refusal(
            "legal_hold",
            f"A hold keeps every text of this incident: {HOLD}.",
            missing=(f"release_of_hold_{HOLD}",),
            who=FORGETTERS,
        ),
    ),
    "warns of an incident that is open": (
        (REPORTED,),
        WarnOfRetention((TextKind.REPORT,)),
        SERVICE,
        Refusal("retention", "Time runs from the day on which the incident is closed."),
    ),
}


@pytest.mark.parametrize("scenario", REFUSALS)
def test_each_refusal_says(scenario: str) -> None:
    past, command, person, refusal = REFUSALS[scenario]
    given(domain, *past).when(command, by=person, at=START).then_refused(refusal)


def test_every_rule_is_in_the_table() -> None:
    named = {refusal.rule for *_, refusal in REFUSALS.values()}
    assert rules_in(domain) - {BETWEEN_EDITIONS} <= named
    assert {GateName.CLOSURE.value, LEAVES_NOTHING_OUT} <= named


@pytest.mark.parametrize("person", [REVIEWER, RESPONDER])
def test_what_nobody_reported_is_said_to_be_unknown(person: Actor) -> None:
    with pytest.raises(Missing, match=r"^the incident is not known here$"):
        given(domain).when(BY_HAND, by=person).decide()
