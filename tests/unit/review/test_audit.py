"""Review's rules over a history: each event comes back from its command, what could not be said is
found, and the files of a published report are made again."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.review import domain
from services.review.audit import REPORT_DIFFERS, audit, commands_for, known, reports
from services.review.domain import commands
from services.review.editions import edition, publication, skeleton, state_of
from services.review.report import RENDERINGS, Form
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import (
    LessonRecorded,
    NextReviewSet,
    ObservationRecorded,
    PolicyClauseCited,
    ReviewOpened,
    ReviewTrigger,
)
from shared.contract.decision import Context
from shared.contract.envelope import Event
from shared.contract.vocabulary import Answer, ControlLayer, Determination, ObservationKind
from tests.examples import examples
from tests.unit.given import START, By, event
from tests.unit.given import given as when
from tests.unit.review.story import concealed, erasure_of, events
from tests.unit.review.world import (
    GLASS_BROKEN,
    INACTION,
    ITEM,
    LATER,
    OPENED,
    PUBLISHABLE,
    REPORTED,
    REQUIRED,
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

SAID: Final[Sequence[tuple[Past, Any, Any]]] = [
    ((REPORTED, assessed()), commands.OpenReview(ReviewTrigger.CONFIRMED), SERVICE),
    (
        (REPORTED, assessed(Determination.NEAR_MISS)),
        commands.OpenReview(ReviewTrigger.REQUESTED),
        REVIEWER,
    ),
    (UNDER_REVIEW, record_finding(ITEM, ITEM), REVIEWER),
    (UNDER_REVIEW, record_finding(reason="It was moved."), REVIEWER),
    *(
        (UNDER_REVIEW, commands.RecordObservation(kind, "So."), REVIEWER)
        for kind in ObservationKind
    ),
    (UNDER_REVIEW, commands.RecordLesson("Look behind you."), REVIEWER),
    (UNDER_REVIEW, commands.CitePolicyClause("Social media", "4.2"), REVIEWER),
    (UNDER_REVIEW, commands.CitePolicyClause("Rooms", "1", "Says nothing of it."), REVIEWER),
    (UNDER_REVIEW, commands.SetNextReview(LATER), REVIEWER),
    (PUBLISHABLE, publish(when(domain, *PUBLISHABLE).state), REVIEWER),
]


def history(*said: EventData | By) -> list[Event]:
    return [
        event(item.data, number=number, by=item.subject)
        if isinstance(item, By)
        else event(item, number=number)
        for number, item in enumerate(said, 1)
    ]


@pytest.mark.parametrize(
    ("past", "command", "by"), SAID, ids=[type(command).__name__ for _, command, _ in SAID]
)
def test_a_command_comes_back_from_the_event_that_it_made(
    past: Past, command: Any, by: Any
) -> None:
    (said,) = domain.decide(
        command, when(domain, *past).state, Context(START + timedelta(hours=1), by)
    )
    assert commands_for(said) == (command,)


def test_what_others_say_is_not_reviews_to_say() -> None:
    for said in (REPORTED, assessed(), TOLD, WAIVED, GLASS_BROKEN, INACTION):
        assert commands_for(said) == ()


@pytest.mark.parametrize("answer", Answer)
@pytest.mark.parametrize("layer", ControlLayer)
def test_a_finding_comes_back_whatever_it_answers(answer: Answer, layer: ControlLayer) -> None:
    said = finding_recorded(ITEM).model_copy(
        update={"control_layer": layer, "training_adequate": answer, "policy_understood": answer}
    )
    assert commands_for(said) == (
        replace(
            record_finding(ITEM),
            control_layer=layer,
            training_adequate=answer,
            policy_understood=answer,
        ),
    )


NOT_TO_BE_SAID: Final[Sequence[tuple[str, Past, EventData]]] = [
    ("opened twice", UNDER_REVIEW, OPENED),
    ("opened without an assessment", (REPORTED,), OPENED),
    ("opened as confirmed on a suspicion", (REPORTED, assessed(Determination.SUSPECTED)), OPENED),
    (
        "opened by hand on a false positive",
        (REPORTED, assessed(Determination.FALSE_POSITIVE)),
        ReviewOpened(trigger=ReviewTrigger.REQUESTED),
    ),
    ("a finding before the review", (REPORTED, assessed()), finding_recorded(ITEM)),
    ("a finding without either", UNDER_REVIEW, finding_recorded()),
    ("a finding with both", UNDER_REVIEW, finding_recorded(ITEM, reason="nothing")),
    (
        "an item due yesterday",
        UNDER_REVIEW,
        finding_recorded(ITEM.model_copy(update={"due": TODAY - timedelta(days=1)})),
    ),
    ("the next review today", UNDER_REVIEW, NextReviewSet(on=TODAY)),
    ("a lesson before the review", (REPORTED,), LessonRecorded(text="so")),
    (
        "an observation before the review",
        (REPORTED,),
        ObservationRecorded(kind=ObservationKind.GOT_LUCKY, text="so"),
    ),
    ("a clause before the review", (REPORTED,), PolicyClauseCited(policy="a", clause="1")),
]


@pytest.mark.parametrize(
    ("past", "said"),
    [(past, said) for _, past, said in NOT_TO_BE_SAID],
    ids=[name for name, _, _ in NOT_TO_BE_SAID],
)
def test_what_could_not_be_said_is_found_alone(past: Past, said: EventData) -> None:
    assert list(audit(history(*past))) == []
    (found,) = audit(history(*past, said))
    assert found.event.data == said
    assert found.detail


@pytest.mark.parametrize(
    ("past", "said"),
    [(past, said) for _, past, said in NOT_TO_BE_SAID],
    ids=[name for name, _, _ in NOT_TO_BE_SAID],
)
def test_what_could_not_be_said_is_found_without_a_text_at_hand(
    past: Past, said: EventData
) -> None:
    told, _ = concealed(history(*past, said))
    (found,) = audit(told)
    assert found.event == told[-1]


@pytest.mark.parametrize("due", [TODAY, TODAY + timedelta(days=1), LATER])
def test_an_item_due_today_or_later_is_no_violation(due: Any) -> None:
    said = finding_recorded(ITEM.model_copy(update={"due": due}))
    assert list(audit(history(*UNDER_REVIEW, said))) == []


class TestWhatIsKnown:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ((REPORTED,), {"status": "notopened", "determination": None, "contained": False}),
            (
                UNDER_REVIEW,
                {"status": "underreview", "determination": "confirmed", "contained": False},
            ),
            (
                PUBLISHABLE,
                {"status": "underreview", "determination": "confirmed", "contained": True},
            ),
            (
                (*PUBLISHABLE, reviewed(())),
                {"status": "published", "determination": "confirmed", "contained": True},
            ),
        ],
        ids=["reported", "under review", "publishable", "published"],
    )
    def test_says_how_far_the_review_came(self, said: Past, expected: dict[str, Any]) -> None:
        assert expected.items() <= known(history(*said)).items()

    @pytest.mark.parametrize(
        ("more", "owed"),
        [
            ((), []),
            ((REQUIRED,), ["executives"]),
            ((REQUIRED, TOLD), []),
            ((REQUIRED, WAIVED), []),
            ((WAIVED, REQUIRED), []),
        ],
        ids=["no duty", "owed", "told", "waived", "waived before it was heard"],
    )
    def test_says_who_is_owed_a_message(self, more: Past, owed: list[str]) -> None:
        assert known(history(*UNDER_REVIEW, *more))["owed"] == owed

    def test_names_a_word_that_publishing_waits_for_until_it_is_given(self) -> None:
        before = known(history(*PUBLISHABLE, GLASS_BROKEN))["gates"]
        after = known(history(*PUBLISHABLE, GLASS_BROKEN, WORD_GIVEN))["gates"]
        assert [gate["subject"] for gate in before if not gate["open"]] != []
        assert len([gate for gate in before if not gate["open"]]) == 1 + len(
            [gate for gate in after if not gate["open"]]
        )

    def test_of_nothing_is_little(self) -> None:
        assert known([])["status"] == "notopened"
        assert known([])["gates"] == []


class TestThePublishedReport:
    KNOWN, FOUND = concealed(events())

    def published(self) -> list[Event]:
        command = publication(self.KNOWN)
        state = state_of(self.KNOWN)
        (said,) = domain.decide(command, state, Context(START + timedelta(days=3), REVIEWER))
        number = 1 + sum(event.service is said.SAID_BY for event in self.KNOWN)
        last = self.KNOWN[-1]
        return [
            *self.KNOWN,
            last._replace(
                id=UUID(int=99),
                type=said.TYPE,
                data=said,
                link=last.link._replace(sequence=number),
            ),
        ]

    def erased(self) -> list[Event]:
        gone = (self.KNOWN[0], "description"), (self.KNOWN[-3], "text")
        return [*self.published(), erasure_of(*gone, found=self.FOUND)]

    def test_is_made_again_in_every_form_with_the_texts_at_hand(self) -> None:
        report = edition(self.published(), self.FOUND)
        assert reports(self.published(), self.FOUND) == {
            "report.skeleton.json": skeleton(self.published()),
            "report.html": RENDERINGS[Form.HTML].render(report),
            "report.json": RENDERINGS[Form.JSON].render(report),
            "report.md": RENDERINGS[Form.MARKDOWN].render(report),
        }

    def test_has_the_digest_of_the_skeleton_on_the_log(self) -> None:
        *_, last = self.published()
        made = reports(self.published())["report.skeleton.json"]
        assert hashlib.sha256(made).hexdigest() == last.data.report.skeleton_sha256

    def test_is_none_before_it_is_published(self) -> None:
        assert reports(self.KNOWN) == {}

    def test_is_no_violation_with_or_without_an_erasure_after_it(self) -> None:
        for said in (self.published(), self.erased()):
            assert [one for one in audit(said) if one.rule == REPORT_DIFFERS] == []

    @given(st.sets(st.sampled_from(sorted(FOUND))))
    @settings(max_examples=examples(20), deadline=None)
    def test_has_the_same_skeleton_whichever_texts_are_at_hand(self, kept: set[str]) -> None:
        found = {digest: self.FOUND[digest] for digest in kept}
        whole = reports(self.published(), self.FOUND)["report.skeleton.json"]
        assert reports(self.erased(), found)["report.skeleton.json"] == whole

    def test_of_another_digest_differs(self) -> None:
        *before, last = self.published()
        digest = last.data.report.model_copy(update={"skeleton_sha256": "a" * 64})
        changed = last._replace(data=last.data.model_copy(update={"report": digest}))
        found = [one for one in audit([*before, changed]) if one.rule == REPORT_DIFFERS]
        assert len(found) == 1
        assert found[0].detail.startswith("the skeleton of these events' report has the SHA-256 ")
        assert found[0].detail.endswith(f"on the log stands {'a' * 16}…")


def test_the_one_who_contained_it_is_remembered_for_the_four_eyes() -> None:
    state = state_of(history(*PUBLISHABLE))
    by = contained().subject
    assert state.carried_out_by == {by}
