"""Before and beside action: facts, seats, the assessment, deciding not to act, dismissal."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.triage import domain
from services.triage.domain.commands import Assess, DecideInaction, Dismiss, FillSeat, RecordFact
from services.triage.domain.tables import DISMISSIBLE, NOT_YET, REQUIRED_FACTS, SEATS_TO_CONFIRM
from shared.contract.authority import Role, who_may
from shared.contract.catalogue.base import Exposure
from shared.contract.catalogue.triage import (
    InactionDecided,
    IncidentDismissed,
    LegalViewOn,
    SeatFilled,
)
from shared.contract.decision import Actor
from shared.contract.vocabulary import (
    ActionClass,
    Confidence,
    Determination,
    DismissalReason,
    FactKey,
    LegalView,
    Outcome,
    Seat,
    Severity,
)
from tests.unit.given import START, By, actor, given
from tests.unit.triage.world import (
    ACTION,
    COMMS,
    FACT,
    FACTS,
    GLASS,
    IT,
    LEAD,
    LEGAL,
    OPEN,
    PROPOSED,
    PROTECT,
    READY,
    REPORTED,
    RESPONDER,
    SEATS,
    UNHEARD_OF,
    Past,
    assess,
    assessed,
    broken,
    contained,
    fact,
    legal_view,
    proposed,
    word,
)

CORRECTION = fact(FactKey.WHERE, UNHEARD_OF, corrects=FACT)


def record(
    key: FactKey = FactKey.WHERE,
    value: str = "a value",
    corrects: UUID | None = None,
    **more: Any,
) -> RecordFact:
    return RecordFact(UNHEARD_OF, key, value, Confidence.HIGH, "seen", START, corrects, **more)


class TestAFact:
    @pytest.mark.parametrize("person", [RESPONDER, LEAD, LEGAL, COMMS, IT])
    def test_is_recorded_by_everybody_at_work(self, person: Actor) -> None:
        given(domain, *OPEN).when(record(), by=person).then(fact(FactKey.WHERE, UNHEARD_OF))

    def test_that_is_unknown_is_said_to_be(self) -> None:
        expected = fact(FactKey.WHERE, UNHEARD_OF, known=False)
        asked = record(value="unknown", known=False)
        given(domain, *OPEN).when(asked, by=RESPONDER).then(expected)

    def test_may_be_about_anything(self) -> None:
        label = "who_took_the_photo"
        given(domain, *OPEN).when(record(FactKey.OTHER, label=label), by=IT).then(
            fact(FactKey.OTHER, UNHEARD_OF).model_copy(update={"label": label})
        )

    def test_is_not_observed_later_than_now(self) -> None:
        later = RecordFact(FACT, "where", "x", Confidence.LOW, "seen", START + timedelta(hours=1))
        given(domain, *OPEN).when(later, by=IT).then_rejected(
            "observed_in_the_future", missing=("observed_at",)
        )

    def test_corrects_another_of_its_key(self) -> None:
        given(domain, REPORTED, fact(FactKey.WHERE)).when(record(corrects=FACT), by=IT).then(
            CORRECTION
        )

    def test_corrects_what_was_recorded(self) -> None:
        given(domain, *OPEN).when(record(corrects=FACT), by=IT).then_rejected(
            "correction_names_a_fact", missing=("corrects",)
        )

    def test_corrects_the_latest_only(self) -> None:
        given(domain, REPORTED, fact(FactKey.WHERE), CORRECTION).when(
            record(corrects=FACT), by=IT
        ).then_rejected("corrected_already")

    def test_keeps_the_key_of_what_it_corrects(self) -> None:
        given(domain, REPORTED, fact(FactKey.STILL_LIVE)).when(
            record(corrects=FACT), by=IT
        ).then_rejected("correction_keeps_the_key", missing=("still_live",))


class TestASeat:
    @pytest.mark.parametrize("seat", Seat)
    def test_is_filled_by_a_lead_with_anybody(self, seat: Seat) -> None:
        given(domain, *OPEN).when(FillSeat(seat, "u-1"), by=LEAD).then(
            SeatFilled(seat=seat, holder="u-1")
        )

    @pytest.mark.parametrize("seat", Seat)
    def test_is_taken_in_person_by_its_own_role(self, seat: Seat) -> None:
        person = actor("u-2", *who_may(f"take_{seat}_seat"))
        given(domain, *OPEN).when(FillSeat(seat, "u-2"), by=person).then(
            SeatFilled(seat=seat, holder="u-2")
        )

    @pytest.mark.parametrize("seat", sorted(set(Seat) - {Seat.LEAD}))
    def test_is_not_given_away_by_others_than_a_lead(self, seat: Seat) -> None:
        person = actor("u-2", *who_may(f"take_{seat}_seat"))
        refusal = (
            given(domain, *OPEN)
            .when(FillSeat(seat, "u-1"), by=person)
            .then_rejected("seat_of_ones_own")
        )
        assert refusal.who == (Role.LEAD, *who_may(f"take_{seat}_seat"))

    def test_of_another_role_is_not_taken(self) -> None:
        given(domain, *OPEN).when(FillSeat(Seat.LEGAL, IT.subject), by=IT).then_rejected(
            "seat_of_ones_own"
        )

    def test_that_is_filled_so_already_says_nothing_new(self) -> None:
        filled = SeatFilled(seat=Seat.IT, holder="u-1")
        given(domain, REPORTED, filled).when(FillSeat(Seat.IT, "u-1"), by=LEAD).then()

    def test_changes_hands(self) -> None:
        filled = SeatFilled(seat=Seat.IT, holder="u-1")
        given(domain, REPORTED, filled).when(FillSeat(Seat.IT, "u-2"), by=LEAD).then(
            SeatFilled(seat=Seat.IT, holder="u-2")
        )


class TestAnAssessment:
    def test_names_the_row_of_the_table_and_the_facts_that_are_missing(self) -> None:
        expected = assessed(Determination.SUSPECTED).model_copy(
            update={"facts_missing": tuple(REQUIRED_FACTS[ActionClass.CORRECTIVE])}
        )
        given(domain, *OPEN).when(assess(), by=RESPONDER).then(expected)

    def test_names_the_facts_and_the_legal_views_that_are_there(self) -> None:
        refused = legal_view(LegalView.REFUSED)
        (said,) = given(domain, *PROPOSED, *FACTS, refused).when(assess(), by=RESPONDER).decide()
        expected = assessed(Determination.SUSPECTED).model_copy(
            update={
                "facts_known": tuple(REQUIRED_FACTS[ActionClass.CORRECTIVE]),
                "legal_views": (LegalViewOn(action_id=ACTION, view=LegalView.REFUSED),),
            }
        )
        assert said == expected

    @pytest.mark.parametrize("empty", SEATS_TO_CONFIRM)
    def test_is_confirmed_once_each_seat_is_filled(self, empty: Seat) -> None:
        filled = [
            SeatFilled(seat=seat, holder="u") for seat in SEATS_TO_CONFIRM if seat is not empty
        ]
        refusal = (
            given(domain, REPORTED, *filled)
            .when(assess(Determination.CONFIRMED), by=RESPONDER)
            .then_rejected("seats", missing=(empty,))
        )
        assert refusal.who == (Role.LEAD, *who_may(f"take_{empty}_seat"))

    def test_is_confirmed_with_all_of_them(self) -> None:
        (said,) = (
            given(domain, REPORTED, *SEATS)
            .when(assess(Determination.CONFIRMED), by=RESPONDER)
            .decide()
        )
        assert said.model_copy(update={"facts_missing": ()}) == assessed()

    def test_that_comes_later_is_the_next_revision(self) -> None:
        (said,) = (
            given(domain, REPORTED, assessed(Determination.SUSPECTED))
            .when(assess(), by=LEAD)
            .decide()
        )
        assert said.model_dump()["revision"] == 2

    def test_goes_over_the_table_with_a_reason_only(self) -> None:
        mild = Assess(Determination.SUSPECTED, (), Exposure(), Severity.LOW)
        given(domain, *OPEN).when(mild, by=LEAD).then_rejected(
            "override_says_why", missing=("severity_override_reason",)
        )
        why = Assess(Determination.SUSPECTED, (), Exposure(), Severity.LOW, "our own press release")
        (said,) = given(domain, *OPEN).when(why, by=LEAD).decide()
        found = said.model_dump()
        assert (found["severity"], found["severity_rule"]) == (Severity.LOW, "overridden")
        assert found["severity_override_reason"] == "our own press release"

    def test_has_no_reason_where_the_table_was_followed(self) -> None:
        command = Assess(Determination.SUSPECTED, (), Exposure(), None, "for no reason")
        (said,) = given(domain, *OPEN).when(command, by=LEAD).decide()
        assert said.severity_override_reason is None


class TestNotToAct:
    COMMAND = DecideInaction("gone before anybody saw it")

    def test_is_decided_on_an_assessment(self) -> None:
        given(domain, *OPEN).when(self.COMMAND, by=LEAD).then_rejected(
            "assessed_first", missing=("assessment",)
        )
        given(domain, REPORTED, assessed()).when(self.COMMAND, by=LEAD).then(
            InactionDecided(reason="gone before anybody saw it")
        )

    def test_is_not_decided_while_an_action_is_under_way(self) -> None:
        given(domain, *READY, assessed(), contained(Outcome.ONGOING)).when(
            self.COMMAND, by=LEAD
        ).then_rejected("action_ongoing", missing=(str(ACTION),))


def dismiss(reason: DismissalReason = DismissalReason.DUPLICATE) -> Dismiss:
    return Dismiss(reason, "see there")


class TestDismissal:
    @pytest.mark.parametrize("determination", [NOT_YET, *Determination])
    @pytest.mark.parametrize("reason", DismissalReason)
    def test_fits_the_assessment_as_the_table_says(
        self, reason: DismissalReason, determination: Determination | None
    ) -> None:
        past = (REPORTED, assessed(determination)) if determination else OPEN
        asked = given(domain, *past).when(dismiss(reason), by=LEAD)
        if determination in DISMISSIBLE[reason]:
            asked.then(IncidentDismissed(reason=reason, note="see there"))
        else:
            refusal = asked.then_rejected("dismissal_fits_the_assessment")
            assert refusal.missing
            assert refusal.who == (Role.RESPONDER, Role.LEAD)

    def test_the_table_knows_every_reason_and_never_lets_a_confirmed_one_go(self) -> None:
        assert set(DISMISSIBLE) == set(DismissalReason)
        assert all(Determination.CONFIRMED not in allowed for allowed in DISMISSIBLE.values())

    def test_waits_for_the_word_that_is_owed(self) -> None:
        owing: Past = (*PROPOSED, broken())
        given(domain, *owing).when(dismiss(), by=LEAD).then_rejected(
            "word_owed", missing=(str(GLASS),)
        )
        given(domain, *owing, word(upheld=True)).when(dismiss(), by=LEAD).then(
            IncidentDismissed(reason=DismissalReason.DUPLICATE, note="see there")
        )

    @pytest.mark.parametrize("outcome", [Outcome.SUCCESSFUL, Outcome.ONGOING, Outcome.UNKNOWN])
    def test_is_no_end_for_what_was_acted_on(self, outcome: Outcome) -> None:
        given(domain, *READY, contained(outcome)).when(dismiss(), by=LEAD).then_rejected("acted_on")

    def test_is_an_end_for_what_was_only_protected_or_tried(self) -> None:
        protected = (REPORTED, proposed(PROTECT), By(IT.subject, contained(kind=PROTECT)))
        for past in (
            protected,
            (*READY, contained(Outcome.FAILED)),
            (*READY, contained(Outcome.CANCELLED)),
        ):
            given(domain, *past).when(dismiss(), by=LEAD).then(
                IncidentDismissed(reason=DismissalReason.DUPLICATE, note="see there")
            )
