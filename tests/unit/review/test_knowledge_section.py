"""The sections on knowledge and on learning: what was known when, what corrected it, what stands of
the exposure, and what the reviewers recorded."""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.review.report.history import History, covered, covers_of, proof_of, ref_of
from services.review.report.knowledge import (
    assessments,
    corrected_by,
    exercise,
    exposure,
    facts,
    reports,
)
from services.review.report.learning import (
    findings,
    lessons,
    next_review_on,
    observations,
    policy_clauses,
)
from shared.contract.catalogue import review, triage
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.review import Covered
from shared.contract.vocabulary import (
    Answer,
    AudienceTier,
    AuthorRelation,
    Determination,
    Fidelity,
    ObservationKind,
    Platform,
    PostKind,
    ServiceName,
    Severity,
    Visibility,
)
from tests.examples import examples
from tests.unit.given import START
from tests.unit.review.story import STORY, WHERE, WHERE_CORRECTED, Spoken, events, fact
from tests.unit.review.world import ITEM, LATER, REPORTED, finding_recorded

KNOWN: Final = events()


def told(*said: EventData) -> History:
    spoken: list[Spoken] = [(minute, f"by {minute}", data) for minute, data in enumerate(said)]
    return History.of_events(events(spoken))


def but(data: EventData, **changed: Any) -> EventData:
    return data.model_copy(update=changed)


def assessed(revision: int, **changed: Any) -> EventData:
    found = triage.Assessed(
        revision=revision,
        determination=Determination.SUSPECTED,
        information_types=(),
        exposure=Exposure(),
        severity=Severity.INFO,
        severity_rule="a_row",
    )
    return but(found, **changed)


ADDED: Final = but(REPORTED, opens=False)


class TestWhetherItIsAnExercise:
    @pytest.mark.parametrize(
        ("said", "answer"),
        [
            ((), Answer.UNKNOWN),
            ((ADDED,), Answer.UNKNOWN),
            ((but(ADDED, exercise=True),), Answer.UNKNOWN),
            ((REPORTED,), Answer.NO),
            ((but(REPORTED, exercise=True),), Answer.YES),
            ((REPORTED, but(ADDED, exercise=True)), Answer.NO),
        ],
        ids=["nothing", "added", "added as a drill", "real", "a drill", "real, added as a drill"],
    )
    def test_the_report_that_opened_it_says(
        self, said: tuple[EventData, ...], answer: Answer
    ) -> None:
        assert exercise(told(*said)) is answer


class TestReports:
    def test_each_tells_whether_a_reporter_is_kept_and_never_the_reference(self) -> None:
        named, unnamed = reports(told(but(REPORTED, reporter="a-reference"), ADDED))
        assert (named.reporter_kept, unnamed.reporter_kept) == (True, False)
        assert "a-reference" not in repr(named)

    def test_when_it_was_noticed_stays_as_exact_as_it_was_said(self) -> None:
        at = START - timedelta(days=2)
        (line,) = reports(
            told(but(REPORTED, noticed_at=at, noticed_at_fidelity=Fidelity.DAY, description="x"))
        )
        assert (line.noticed_at, line.noticed_at_fidelity) == (at, Fidelity.DAY)
        assert (line.opens, line.channel, line.description) == (True, "api", "x")


class TestFacts:
    def test_a_correction_is_named_from_both_ends(self) -> None:
        history = told(
            fact(WHERE, "where", "page 18"),
            fact(WHERE_CORRECTED, "where", "page 19", corrects=WHERE),
        )
        old, new = facts(history)
        assert old.corrected_by == new.source.event
        assert (new.corrects, new.corrected_by) == (WHERE, None)

    def test_the_last_correction_of_a_fact_is_the_one_that_is_named(self) -> None:
        history = told(
            fact(WHERE, "where", "1"),
            fact(UUID(int=2), "where", "2", corrects=WHERE),
            fact(UUID(int=3), "where", "3", corrects=WHERE),
        )
        assert corrected_by(history) == {WHERE: facts(history)[2].source.event}

    def test_an_unknown_is_told_as_one(self) -> None:
        (line,) = facts(told(fact(WHERE, "where", "unknown", known=False)))
        assert (line.known, line.value, line.told_by) == (False, "unknown", "Seen by the responder")


class TestExposure:
    REPORTED_AS: Final = Exposure(
        platform=Platform.OTHER,
        platform_name="a forum",
        url="https://forum.example/1",
        post_kind=PostKind.DIRECT_MESSAGE,
        visibility=Visibility.CLOSED_GROUP,
        copies=0,
    )
    ASSESSED_AS: Final = Exposure(
        author_relation=AuthorRelation.FORMER,
        audience_tier=AudienceTier.E_SPREADING,
        still_live=Answer.NO,
        copies=3,
    )

    def test_stands_as_first_reported_and_as_last_assessed(self) -> None:
        history = told(
            but(REPORTED, exposure=self.REPORTED_AS),
            but(ADDED, exposure=Exposure(platform=Platform.OTHER, platform_name="elsewhere")),
            assessed(1, exposure=Exposure(platform=Platform.OTHER, platform_name="an earlier one")),
            assessed(2, exposure=self.ASSESSED_AS),
        )
        assert {line.aspect: (line.reported, line.assessed) for line in exposure(history)} == {
            "platform": ("a forum", "unknown"),
            "address": ("https://forum.example/1", "unknown"),
            "kind of post": ("direct message", "unknown"),
            "author": ("unknown", "former"),
            "visibility": ("closed group", "unknown"),
            "how far it travelled": ("unknown", "E (spreading)"),
            "still live": ("unknown", "no"),
            "copies elsewhere": ("0", "3"),
        }

    def test_no_copy_is_not_an_unknown_number(self) -> None:
        lines = exposure(told(but(REPORTED, exposure=Exposure(copies=0))))
        assert (lines[-1].reported, lines[-1].assessed) == ("0", "unknown")


def test_each_assessment_is_told_in_its_order() -> None:
    lines = assessments(
        told(
            assessed(1, facts_missing=("where",)),
            assessed(2, severity=Severity.HIGH, severity_override_reason="it is worse"),
        )
    )
    assert [(line.revision, line.severity, line.severity_override_reason) for line in lines] == [
        (1, Severity.INFO, None),
        (2, Severity.HIGH, "it is worse"),
    ]
    assert (lines[0].facts_missing, lines[1].facts_missing) == (("where",), ())


class TestLearning:
    def test_a_finding_has_what_will_be_done_or_why_nothing_will(self) -> None:
        acts, rests = findings(
            told(finding_recorded(ITEM, ITEM), finding_recorded(reason="it was moved"))
        )
        assert (acts.action_items, acts.no_action_reason) == ((ITEM, ITEM), None)
        assert (rests.action_items, rests.no_action_reason) == ((), "it was moved")
        assert (rests.training_adequate, rests.policy_understood) == (Answer.NO, Answer.UNKNOWN)

    def test_observations_stand_in_the_order_in_which_they_were_made(self) -> None:
        said = [
            review.ObservationRecorded(kind=kind, text=f"text {kind}")
            for kind in reversed(ObservationKind)
        ]
        assert [(line.kind, line.text) for line in observations(told(*said))] == [
            (kind, f"text {kind}") for kind in reversed(ObservationKind)
        ]

    def test_lessons_and_clauses_have_their_authors(self) -> None:
        history = told(
            review.LessonRecorded(text="look behind you"),
            review.PolicyClauseCited(policy="Social media", clause="4.2"),
            review.PolicyClauseCited(policy="Rooms", clause="1", comment="says nothing of it"),
        )
        assert [(line.source.by, line.text) for line in lessons(history)] == [
            ("by 0", "look behind you")
        ]
        assert [
            (line.source.by, line.policy, line.clause, line.comment)
            for line in policy_clauses(history)
        ] == [
            ("by 1", "Social media", "4.2", None),
            ("by 2", "Rooms", "1", "says nothing of it"),
        ]

    @given(st.lists(st.dates(date(2026, 3, 3), date(2030, 1, 1)), max_size=5))
    @settings(max_examples=examples(50))
    def test_the_next_review_is_on_the_day_that_was_set_last(self, days: list[date]) -> None:
        """Not on the latest day."""
        history = told(*(review.NextReviewSet(on=day) for day in days))
        assert next_review_on(history) == (days[-1] if days else None)

    def test_of_a_history_without_a_review_nothing_was_learned(self) -> None:
        history = told(REPORTED, assessed(1))
        for section in (findings, observations, lessons, policy_clauses):
            assert section(history) == ()


class TestWhatAReportCovers:
    @pytest.mark.parametrize(
        ("covers", "numbers"),
        [
            ((), []),
            (((ServiceName.INTAKE, 1),), [(ServiceName.INTAKE, 1)]),
            (
                ((ServiceName.INTAKE, 2), (ServiceName.TRIAGE, 1)),
                [(ServiceName.INTAKE, 1), (ServiceName.INTAKE, 2), (ServiceName.TRIAGE, 1)],
            ),
            (
                ((ServiceName.REVIEW, 99),),
                [(ServiceName.REVIEW, number) for number in range(1, 9 + 1)],
            ),
        ],
        ids=["nothing", "one event", "two chains", "beyond the end"],
    )
    def test_is_each_chain_up_to_the_number_that_is_named(
        self,
        covers: tuple[tuple[ServiceName, int], ...],
        numbers: list[tuple[ServiceName, int]],
    ) -> None:
        heads = [Covered(service=name, sequence=last, hash="0" * 64) for name, last in covers]
        found = [(event.service, event.link.sequence) for event in covered(KNOWN, heads)]
        assert sorted(found) == sorted(numbers)

    def test_names_services_in_the_order_of_their_names(self) -> None:
        assert [head.service for head in covers_of(KNOWN)] == sorted(
            {event.service for event in KNOWN}
        )

    def test_does_not_depend_on_the_order_of_arrival(self) -> None:
        assert covers_of(KNOWN) == covers_of(tuple(reversed(KNOWN)))
        assert proof_of(KNOWN) == proof_of(tuple(reversed(KNOWN)))

    def test_names_the_place_of_each_event_on_its_chain(self) -> None:
        for event in KNOWN:
            place = ref_of(event)
            assert (place.event_id, place.service) == (event.id, event.service)
            assert (place.partition, place.sequence) == (3, event.link.sequence)


def test_what_one_service_said_comes_in_the_order_of_its_chain_whatever_its_clock_said() -> None:
    """A clock that was put back does not turn two facts around."""
    first = fact(WHERE, "where", "said first")
    second = fact(WHERE_CORRECTED, "where", "said second", corrects=WHERE)
    history = History.of_events(events([(9, "rob", first), (3, "rob", second)]))
    assert [line.value for line in facts(history)] == ["said first", "said second"]
    assert [event.data for event in history.events] == [second, first]
    assert next_review_on(History.of_events(events(STORY))) == LATER
