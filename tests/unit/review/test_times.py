"""How long things took, and how long action waited for facts and for legal."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from services.review.report import build
from services.review.report.as_html import render_html
from services.review.report.as_markdown import render_markdown
from services.review.report.durations import duration
from services.review.report.model import Report, Wait
from services.review.report.waiting import ASKED
from services.triage.domain.tables import CLASS_OF, EDITIONS
from shared.contract.catalogue import triage
from shared.contract.catalogue.base import EventData
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Confidence,
    FactKey,
    Fidelity,
    GateName,
    LegalView,
    Outcome,
)
from shared.contract.wording import moment
from tests.unit.given import START
from tests.unit.review.story import GLASS, STORY, TAKEDOWN, TOLD_BY_INTAKE, Spoken, events, fact

CORRECTIVE_FACTS = tuple(
    (number, "responder-rob", fact(UUID(int=0xE0 + number), key, "yes"))
    for number, key in enumerate(ASKED.under(1)[ActionClass.CORRECTIVE][0], start=1)
)
PROPOSED = triage.ActionProposed(
    action_id=TAKEDOWN,
    kind=ActionKind.PLATFORM_REPORT,
    action_class=ActionClass.CORRECTIVE,
    target="the post",
)
CLAIM = PROPOSED.model_copy(
    update={"kind": ActionKind.LEGAL_CLAIM, "action_class": ActionClass.AGAINST_A_PERSON}
)
AUTHORISED = triage.ActionAuthorised(action_id=TAKEDOWN, kind=ActionKind.PLATFORM_REPORT)


def contained(
    outcome: Outcome = Outcome.SUCCESSFUL, kind: ActionKind = ActionKind.PLATFORM_REPORT
) -> triage.Contained:
    return triage.Contained(
        action_id=TAKEDOWN,
        kind=kind,
        action_class=CLASS_OF[kind],
        outcome=outcome,
        carried_out_at=START,
    )


def view(given: LegalView) -> triage.LegalViewGiven:
    return triage.LegalViewGiven(action_id=TAKEDOWN, view=given, ground="a ground")


def glass(gate: GateName) -> triage.BreakGlassUsed:
    return triage.BreakGlassUsed(
        break_glass_id=GLASS, gate=gate, action_id=TAKEDOWN, reason="a reason"
    )


def said(minutes: float, data: EventData) -> Spoken:
    return minutes, "somebody", data


def wait(*spoken: Spoken) -> Wait:
    in_order = sorted(spoken, key=lambda item: item[0])
    (only,) = build(events([*TOLD_BY_INTAKE, *in_order])).waits
    return only


def test_the_facts_that_are_asked_for_are_those_that_triage_asks_for() -> None:
    assert ASKED.tables.keys() == EDITIONS.tables.keys()
    for edition, tables in EDITIONS.tables.items():
        asked = ASKED.under(edition)
        assert {one: keys for one, (keys, _) in asked.items()} == tables.required_facts
        assert {one: firm for one, (_, firm) in asked.items()} == tables.sufficient


class TestWaitingForFacts:
    def test_it_lasts_until_the_last_required_fact(self) -> None:
        waited = wait(said(0.5, PROPOSED), *CORRECTIVE_FACTS, said(9, AUTHORISED))
        assert (waited.facts.seconds, waited.facts.says) == (270.0, "4 min 30 s")

    def test_facts_that_were_there_cost_nothing(self) -> None:
        waited = wait(*CORRECTIVE_FACTS, said(9, PROPOSED), said(10, AUTHORISED))
        assert (waited.facts.seconds, waited.facts.says) == (0.0, "nothing: it was there")

    def test_it_names_what_is_still_missing(self) -> None:
        waited = wait(said(0, PROPOSED), *CORRECTIVE_FACTS[:3])
        assert (waited.facts.seconds, waited.facts.says) == (
            None,
            "still waiting for: still live, who can see",
        )

    def test_an_unknown_is_no_fact(self) -> None:
        unknown = fact(UUID(int=0xE9), FactKey.WHO_CAN_SEE, "unknown", known=False)
        waited = wait(said(0, PROPOSED), *CORRECTIVE_FACTS[:4], said(6, unknown))
        assert waited.facts.says == "still waiting for: who can see"

    def test_a_correction_to_unknown_makes_it_wait_again(self) -> None:
        wrong = CORRECTIVE_FACTS[-1][2]
        assert isinstance(wrong, triage.FactRecorded)
        taken_back = fact(
            UUID(int=0xE9), FactKey.WHO_CAN_SEE, "unknown", known=False, corrects=wrong.fact_id
        )
        again = fact(UUID(int=0xEA), FactKey.WHO_CAN_SEE, "Everybody", corrects=taken_back.fact_id)
        waiting = (said(0, PROPOSED), *CORRECTIVE_FACTS, said(7, taken_back))
        assert wait(*waiting).facts.says == "still waiting for: who can see"
        assert wait(*waiting, said(8, again), said(9, AUTHORISED)).facts.seconds == 480.0

    def test_what_was_learned_after_the_action_did_not_hold_it_up(self) -> None:
        waited = wait(
            said(0, PROPOSED),
            *CORRECTIVE_FACTS[:4],
            said(4.5, glass(GateName.FACTS)),
            said(4.6, contained()),
            CORRECTIVE_FACTS[4],
        )
        assert (waited.facts.seconds, waited.facts.says) == (None, "passed by break-glass")

    def test_without_break_glass_how_it_was_passed_is_unknown(self) -> None:
        assert wait(said(0, PROPOSED), said(1, contained())).facts.says == "unknown"

    def test_against_a_person_facts_must_be_firm(self) -> None:
        who = fact(UUID(int=0xE8), FactKey.WHO_POSTED, "the account of")
        how = fact(UUID(int=0xE9), FactKey.HOW_POSTER_IS_KNOWN, "a guess").model_copy(
            update={"confidence": Confidence.LOW}
        )
        waited = wait(said(0, CLAIM), *CORRECTIVE_FACTS, said(6, who), said(7, how))
        assert waited.facts.says == "still waiting for: how poster is known"

    def test_a_protective_action_waits_for_nobody(self) -> None:
        protective = PROPOSED.model_copy(
            update={"kind": ActionKind.ROTATE_SECRET, "action_class": ActionClass.PROTECTIVE}
        )
        waited = wait(said(0, protective))
        assert {waited.facts.says, waited.legal.says} == {"not asked for: protective"}


class TestWaitingForLegal:
    @pytest.mark.parametrize("cleared", [LegalView.CLEARED, LegalView.CLEARED_WITH_CONDITIONS])
    def test_it_lasts_until_legal_cleared_it(self, cleared: LegalView) -> None:
        waited = wait(said(1, PROPOSED), said(13, view(cleared)), said(14, AUTHORISED))
        assert (waited.legal.seconds, waited.legal.says) == (720.0, "12 min")

    def test_a_refusal_is_no_clearance(self) -> None:
        refused = (said(1, PROPOSED), said(3, view(LegalView.REFUSED)))
        assert wait(*refused).legal.says == "refused after 2 min"
        assert wait(*refused, said(9, view(LegalView.CLEARED))).legal.seconds == 480.0

    def test_a_clearance_taken_back_is_none(self) -> None:
        waited = wait(
            said(1, PROPOSED), said(2, view(LegalView.CLEARED)), said(5, view(LegalView.REFUSED))
        )
        assert waited.legal.says == "refused after 4 min"

    def test_it_may_not_be_over(self) -> None:
        assert wait(said(1, PROPOSED)).legal.says == "still waiting for a legal view"

    def test_break_glass_passes_it(self) -> None:
        acted = (
            said(1, PROPOSED),
            said(2, glass(GateName.LEGAL)),
            said(3, AUTHORISED),
            said(4, view(LegalView.CLEARED)),
        )
        assert wait(*acted).legal.says == "passed by break-glass"


class TestUntilCarriedOut:
    def test_from_the_proposal_to_the_first_attempt(self) -> None:
        waited = wait(said(1, PROPOSED), said(5, contained(Outcome.FAILED)), said(9, contained()))
        assert waited.carried_out.seconds == 240.0

    def test_it_may_not_be_carried_out(self) -> None:
        assert wait(said(1, PROPOSED)).carried_out.says == "not carried out"

    def test_of_an_action_whose_proposal_is_not_on_record_nothing_is_known(self) -> None:
        waited = wait(said(5, contained()))
        assert {waited.facts.says, waited.legal.says, waited.carried_out.says} == {"unknown"}


def measured(spoken: Sequence[Spoken]) -> dict[str, tuple[float | None, str]]:
    return {line.name: (line.seconds, line.text) for line in build(events(spoken)).measures}


class TestMeasures:
    def test_they_run_from_the_report_that_opened_the_incident(self) -> None:
        assert measured(STORY) == {
            "to_assess": (1200.0, "20 min"),
            "to_legal_view": (4800.0, "1 h 20 min"),
            "to_act": (300.0, "5 min"),
            "to_contain": (2700.0, "45 min"),
            "to_first_communication": (3426.0, "57 min 6 s"),
            "to_review_opened": (1242.0, "20 min 42 s"),
            "to_review": (93000.0, "1 d 1 h"),
        }

    def test_each_names_the_events_between_which_it_runs(self) -> None:
        first = events()[0]
        assert {line.since.event_id for line in build(events()).measures if line.since} == {
            first.id
        }
        assert all(line.until for line in build(events()).measures)

    @pytest.mark.parametrize(
        "outcome", [Outcome.FAILED, Outcome.ONGOING, Outcome.UNKNOWN, Outcome.CANCELLED]
    )
    def test_what_did_not_succeed_contained_nothing(self, outcome: Outcome) -> None:
        assert measured([*TOLD_BY_INTAKE, said(20, contained(outcome))])["to_contain"] == (
            None,
            "not on record",
        )

    def test_keeping_the_evidence_is_an_action_and_contains_nothing(self) -> None:
        kept = measured([*TOLD_BY_INTAKE, said(20, contained(kind=ActionKind.PRESERVE_EVIDENCE))])
        assert kept["to_act"] == (1200.0, "20 min")
        assert kept["to_contain"] == (None, "not on record")

    def test_without_the_first_report_the_beginning_is_unknown(self) -> None:
        assert measured([said(20, contained())])["to_contain"] == (None, "unknown")


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "under a second"),
        (0.4, "under a second"),
        (1, "1 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (86_400 * 400, "400 d"),
        (-1, "none: it came before"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(seconds: float, says: str) -> None:
    assert duration(seconds) == says


NINE = datetime(2026, 3, 2, 9, 5, 7, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "fidelity", "says"),
    [
        (None, None, "unknown"),
        (NINE, None, "2026-03-02 09:05:07 UTC"),
        (NINE.astimezone(timezone(timedelta(hours=-10))), None, "2026-03-02 09:05:07 UTC"),
        (NINE, Fidelity.YEAR, "2026"),
        (NINE, Fidelity.MONTH, "2026-03"),
        (NINE, Fidelity.DAY, "2026-03-02"),
        (NINE, Fidelity.HOUR, "2026-03-02 09 h UTC"),
        (NINE, Fidelity.MINUTE, "2026-03-02 09:05 UTC"),
        (NINE.replace(tzinfo=None), None, "2026-03-02 09:05:07 (zone not given)"),
        (
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
            None,
            "0001-01-01 00:00:00 (in its own zone)",
        ),
    ],
)
def test_moments_are_said_in_utc_and_as_exactly_as_they_are_known(
    at: datetime | None, fidelity: Fidelity | None, says: str
) -> None:
    assert moment(at, fidelity) == says


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_twelve_days_are_written_in_digits(render: Callable[[Report], bytes]) -> None:
    report = build(events())
    measure = replace(report.measures[0], seconds=12 * 86_400.0)
    page = render(replace(report, measures=(measure,))).decode().replace("\\", "")
    assert "1036800" in page
    assert "1.0368e+06" not in page
