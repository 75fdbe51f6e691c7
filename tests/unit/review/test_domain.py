"""Opening, recording, publishing: every decision and every refusal."""

from datetime import timedelta

import pytest

from services.review import domain
from services.review.domain.commands import (
    CitePolicyClause,
    Command,
    OpenReview,
    Publish,
    RecordLesson,
    RecordObservation,
    SetNextReview,
)
from services.review.domain.tables import CLOSURE, Item
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import (
    ActionItem,
    LessonRecorded,
    NextReviewSet,
    ObservationRecorded,
    PolicyClauseCited,
    ReviewOpened,
    ReviewTrigger,
)
from shared.contract.decision import Actor, Missing
from shared.contract.vocabulary import ActionKind, Determination, ObservationKind, Outcome
from tests.unit.given import START, By, given
from tests.unit.review.world import (
    ADMIN,
    AUDITOR,
    BROKEN,
    DIGEST,
    DISMISSED,
    GLASS_BROKEN,
    INACTION,
    ITEM,
    LATER,
    LEAD,
    OPENED,
    PUBLISHABLE,
    PUBLISHED,
    REPORTED,
    REQUIRED,
    RESPONDER,
    REVIEWER,
    SERVICE,
    TODAY,
    TOLD,
    UNDER_REVIEW,
    WAIVED,
    WORD_GIVEN,
    Past,
    assessed,
    contained,
    finding_recorded,
    publish,
    record_finding,
    reviewed,
)

BY_ITSELF = OpenReview(ReviewTrigger.CONFIRMED)
BY_HAND = OpenReview(ReviewTrigger.REQUESTED)

RECORDING: tuple[tuple[Command, EventData], ...] = (
    (record_finding(ITEM), finding_recorded(ITEM)),
    (
        RecordObservation(ObservationKind.GOT_LUCKY, "It was night."),
        ObservationRecorded(kind=ObservationKind.GOT_LUCKY, text="It was night."),
    ),
    (RecordLesson("Look behind you."), LessonRecorded(text="Look behind you.")),
    (
        CitePolicyClause("Social media", "4.2", "It says so."),
        PolicyClauseCited(policy="Social media", clause="4.2", comment="It says so."),
    ),
    (SetNextReview(LATER), NextReviewSet(on=LATER)),
)
EVERY_COMMAND: tuple[Command, ...] = (
    BY_HAND,
    *(command for command, _ in RECORDING),
    Publish(DIGEST, ()),
)


class TestOpening:
    def test_a_confirmed_incident_is_reviewed(self) -> None:
        given(domain, REPORTED, assessed()).when(BY_ITSELF, by=SERVICE).then(OPENED)

    def test_it_opens_once(self) -> None:
        given(domain, *UNDER_REVIEW).when(BY_ITSELF, by=SERVICE).then()

    @pytest.mark.parametrize("person", [REVIEWER, LEAD])
    @pytest.mark.parametrize(
        "determination", [Determination.NEAR_MISS, Determination.SUSPECTED, Determination.CONFIRMED]
    )
    def test_a_person_opens_one_by_hand(self, person: Actor, determination: Determination) -> None:
        opened = ReviewOpened(trigger=ReviewTrigger.REQUESTED)
        given(domain, REPORTED, assessed(determination)).when(BY_HAND, by=person).then(opened)

    def test_not_when_one_is_open(self) -> None:
        given(domain, *UNDER_REVIEW).when(BY_HAND, by=REVIEWER).then_rejected("opened_once")

    def test_not_for_a_false_positive(self) -> None:
        past = given(domain, REPORTED, assessed(Determination.FALSE_POSITIVE))
        refusal = past.when(BY_HAND, by=REVIEWER).then_rejected(
            "opens_on_assessment",
            missing=("assessed_as_near_miss", "assessed_as_suspected", "assessed_as_confirmed"),
        )
        assert refusal.who == (Role.RESPONDER, Role.LEAD)

    def test_not_before_it_is_assessed(self) -> None:
        refusal = (
            given(domain, REPORTED).when(BY_HAND, by=REVIEWER).then_rejected("opens_on_assessment")
        )
        assert "not assessed" in refusal.detail

    @pytest.mark.parametrize("determination", [Determination.NEAR_MISS, Determination.SUSPECTED])
    def test_by_itself_only_when_confirmed(self, determination: Determination) -> None:
        past = given(domain, REPORTED, assessed(determination))
        past.when(BY_ITSELF, by=SERVICE).then_rejected(
            "opens_on_assessment", missing=("assessed_as_confirmed",)
        )

    def test_not_for_a_dismissed_incident(self) -> None:
        past = given(domain, REPORTED, assessed(Determination.SUSPECTED), DISMISSED)
        past.when(BY_HAND, by=REVIEWER).then_rejected("dismissed")

    def test_the_last_assessment_counts(self) -> None:
        past = given(domain, REPORTED, assessed(), assessed(Determination.FALSE_POSITIVE))
        past.when(BY_HAND, by=REVIEWER).then_rejected("opens_on_assessment")

    def test_nothing_is_said_of_what_nobody_reported(self) -> None:
        with pytest.raises(Missing):
            given(domain).when(BY_HAND, by=REVIEWER).decide()


class TestRecording:
    @pytest.mark.parametrize("person", [REVIEWER, LEAD])
    @pytest.mark.parametrize(("command", "expected"), RECORDING)
    def test_it_is_recorded_while_the_review_is_open(
        self, command: Command, expected: EventData, person: Actor
    ) -> None:
        given(domain, *UNDER_REVIEW).when(command, by=person).then(expected)

    @pytest.mark.parametrize(
        "command", [command for command in EVERY_COMMAND if command is not BY_HAND]
    )
    def test_not_before_the_review_is_open(self, command: Command) -> None:
        refusal = (
            given(domain, REPORTED, assessed())
            .when(command, by=REVIEWER)
            .then_rejected("review_opened")
        )
        assert refusal.who == (Role.LEAD, Role.REVIEWER)

    @pytest.mark.parametrize("command", EVERY_COMMAND)
    def test_not_after_the_report_is_published(self, command: Command) -> None:
        given(domain, *PUBLISHED).when(command, by=REVIEWER).then_rejected("published")

    @pytest.mark.parametrize("command", EVERY_COMMAND)
    @pytest.mark.parametrize("person", [RESPONDER, AUDITOR, ADMIN, SERVICE])
    def test_not_by_others(self, command: Command, person: Actor) -> None:
        refusal = given(domain, *PUBLISHABLE).when(command, by=person).then_rejected("role")
        assert refusal.who == (Role.LEAD, Role.REVIEWER)


class TestFindings:
    def test_a_finding_may_say_why_nothing_is_done(self) -> None:
        expected = finding_recorded(reason="It was done before.")
        command = record_finding(reason="It was done before.")
        given(domain, *UNDER_REVIEW).when(command, by=REVIEWER).then(expected)

    @pytest.mark.parametrize(
        "command", [record_finding(), record_finding(ITEM, reason="None is needed.")]
    )
    def test_actions_or_a_reason_and_not_both(self, command: Command) -> None:
        past = given(domain, *UNDER_REVIEW)
        past.when(command, by=REVIEWER).then_rejected(
            "finding_has_actions_or_reason", missing=("action_items or no_action_reason",)
        )

    def test_an_action_item_is_not_due_in_the_past(self) -> None:
        yesterday = ActionItem(
            description="Too late", owner="trainer-tom", due=TODAY - timedelta(days=1)
        )
        refusal = given(domain, *UNDER_REVIEW).when(record_finding(ITEM, yesterday), by=REVIEWER)
        refusal.then_rejected("due_not_in_the_past", missing=("due",))

    def test_it_may_be_due_today(self) -> None:
        now = ActionItem(description="Now", owner="trainer-tom", due=TODAY)
        given(domain, *UNDER_REVIEW).when(record_finding(now), by=REVIEWER).then(
            finding_recorded(now)
        )

    @pytest.mark.parametrize("days", [-1, 0])
    def test_the_next_review_is_in_the_future(self, days: int) -> None:
        command = SetNextReview(TODAY + timedelta(days=days))
        given(domain, *UNDER_REVIEW).when(command, by=REVIEWER).then_rejected(
            "next_review_in_the_future", missing=("on",)
        )

    def test_the_next_review_may_be_tomorrow(self) -> None:
        tomorrow = TODAY + timedelta(days=1)
        given(domain, *UNDER_REVIEW).when(SetNextReview(tomorrow), by=REVIEWER).then(
            NextReviewSet(on=tomorrow)
        )


class TestPublishing:
    @pytest.mark.parametrize("person", [REVIEWER, LEAD])
    def test_reviewed_counts_what_was_found(self, person: Actor) -> None:
        past = given(domain, *PUBLISHABLE, LessonRecorded(text="Look."), NextReviewSet(on=LATER))
        covers = past.state.covers
        past.when(publish(past.state), by=person).then(reviewed(covers, lessons=1, on=LATER))

    def test_a_decision_not_to_act_stands_for_containment(self) -> None:
        past = given(domain, *UNDER_REVIEW, INACTION, finding_recorded(ITEM))
        past.when(publish(past.state), by=REVIEWER).then(reviewed(past.state.covers))

    @pytest.mark.parametrize("settled", [TOLD, WAIVED])
    def test_a_required_communication_is_done_or_waived(self, settled: EventData) -> None:
        past = given(domain, *PUBLISHABLE, REQUIRED, settled)
        past.when(publish(past.state), by=REVIEWER).then(reviewed(past.state.covers))

    def test_a_confirmed_break_glass_is_owed_no_more(self) -> None:
        past = given(domain, *PUBLISHABLE, GLASS_BROKEN, WORD_GIVEN)
        past.when(publish(past.state), by=REVIEWER).then(reviewed(past.state.covers))

    def test_a_report_that_leaves_out_the_last_event_is_not_published(self) -> None:
        before = given(domain, *PUBLISHABLE)
        stale = publish(before.state)
        before.and_given(WAIVED).when(stale, by=REVIEWER).then_rejected("leaves_nothing_out")

    def test_a_report_that_claims_another_hash_is_not_published(self) -> None:
        past = given(domain, *PUBLISHABLE)
        first, *others = past.state.covers
        other = Publish(DIGEST, (first.model_copy(update={"hash": "f" * 64}), *others))
        past.when(other, by=REVIEWER).then_rejected("leaves_nothing_out")


CONTAINED_OR_NOT = "contained_or_decision_not_to_act"
CLOSED: tuple[tuple[str, Past, Actor, tuple[str, ...], tuple[Role, ...]], ...] = (
    (
        "not contained",
        (finding_recorded(ITEM),),
        REVIEWER,
        (CONTAINED_OR_NOT,),
        (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS, Role.IT),
    ),
    (
        "an action that is not over",
        (finding_recorded(ITEM), contained(Outcome.ONGOING)),
        REVIEWER,
        (CONTAINED_OR_NOT,),
        (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS, Role.IT),
    ),
    (
        "an action that failed",
        (finding_recorded(ITEM), contained(Outcome.FAILED)),
        REVIEWER,
        (CONTAINED_OR_NOT,),
        (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS, Role.IT),
    ),
    (
        "nothing done but to keep the evidence",
        (finding_recorded(ITEM), contained(kind=ActionKind.PRESERVE_EVIDENCE)),
        REVIEWER,
        (CONTAINED_OR_NOT,),
        (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS, Role.IT),
    ),
    (
        "an action with an unknown outcome",
        (finding_recorded(ITEM), contained(Outcome.UNKNOWN)),
        REVIEWER,
        (CONTAINED_OR_NOT,),
        (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS, Role.IT),
    ),
    (
        "an audience not told",
        (finding_recorded(ITEM), contained(), REQUIRED),
        REVIEWER,
        ("communication_to_executives",),
        (Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS),
    ),
    (
        "a word owed",
        (finding_recorded(ITEM), contained(), GLASS_BROKEN),
        REVIEWER,
        (f"second_word_on_break_glass_{BROKEN}",),
        (Role.LEAD, Role.LEGAL),
    ),
    ("no finding", (contained(),), REVIEWER, ("finding",), (Role.LEAD, Role.REVIEWER)),
    (
        "the one who acted",
        (finding_recorded(ITEM), contained(by=LEAD)),
        LEAD,
        ("another_publisher",),
        (Role.LEAD, Role.REVIEWER),
    ),
    (
        "the one who acted without success",
        (finding_recorded(ITEM), contained(Outcome.FAILED, by=LEAD), contained()),
        LEAD,
        ("another_publisher",),
        (Role.LEAD, Role.REVIEWER),
    ),
    (
        "everything at once",
        (REQUIRED, GLASS_BROKEN),
        REVIEWER,
        (
            CONTAINED_OR_NOT,
            "communication_to_executives",
            f"second_word_on_break_glass_{BROKEN}",
            "finding",
        ),
        (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS, Role.IT, Role.REVIEWER),
    ),
)


class TestClosureGate:
    @pytest.mark.parametrize(
        ("past", "person", "missing", "who"),
        [row[1:] for row in CLOSED],
        ids=[row[0] for row in CLOSED],
    )
    def test_it_names_what_is_missing_and_who_can_supply_it(
        self, past: Past, person: Actor, missing: tuple[str, ...], who: tuple[Role, ...]
    ) -> None:
        open_ = given(domain, *UNDER_REVIEW, *past)
        refusal = open_.when(publish(open_.state), by=person).then_rejected(
            "closure", missing=missing
        )
        assert refusal.who == who

    @pytest.mark.parametrize(
        "determination", [Determination.NEAR_MISS, Determination.FALSE_POSITIVE]
    )
    def test_where_nothing_got_out_nothing_is_to_be_contained(
        self, determination: Determination
    ) -> None:
        past = given(domain, *UNDER_REVIEW, assessed(determination), finding_recorded(ITEM))
        past.when(publish(past.state), by=REVIEWER).then(reviewed(past.state.covers))

    def test_a_suspected_incident_is_contained_first(self) -> None:
        past = given(
            domain, *UNDER_REVIEW, assessed(Determination.SUSPECTED), finding_recorded(ITEM)
        )
        past.when(publish(past.state), by=REVIEWER).then_rejected(
            "closure", missing=(CONTAINED_OR_NOT,)
        )

    def test_an_incident_dismissed_under_review_can_still_be_published(self) -> None:
        past = given(
            domain,
            *UNDER_REVIEW,
            assessed(Determination.SUSPECTED),
            DISMISSED,
            finding_recorded(ITEM),
        )
        past.when(publish(past.state), by=REVIEWER).then(reviewed(past.state.covers))

    def test_the_table_covers_every_determination_and_always_asks_for_a_finding_and_another_person(
        self,
    ) -> None:
        assert set(CLOSURE) == set(Determination)
        assert all(
            {Item.FINDING, Item.PUBLISHER, Item.BREAK_GLASS} <= set(items)
            for items in CLOSURE.values()
        )


def test_a_late_word_about_the_past_does_not_open_or_change_anything() -> None:
    past = given(domain, *PUBLISHED, By("somebody", OPENED), finding_recorded(ITEM))
    past.when(RecordLesson("More."), by=REVIEWER, at=START).then_rejected("published")
