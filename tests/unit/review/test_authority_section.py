"""The section on authority: each action with its legal views and attempts, on whose word it was
carried out, how the glass was broken, and decisions not to act."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from services.review.report.authority import actions, break_glass, endings, kind_of, seats
from services.review.report.history import History
from services.triage.domain.tables import CLASS_OF
from shared.contract.catalogue import triage
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    DismissalReason,
    GateName,
    LegalView,
    Outcome,
    Seat,
)
from tests.unit.given import START
from tests.unit.review.story import GLASS, PROTECT, TAKEDOWN, Spoken, events, not_understood

HISTORY: Final = History.of_events(events())
NOTHING: Final = History.of_events([])
OTHER_GLASS: Final = UUID(int=0xB2)


def told(*spoken: Spoken) -> History:
    return History.of_events(events(spoken))


def proposed(action: UUID = TAKEDOWN, kind: ActionKind = ActionKind.PLATFORM_REPORT) -> Spoken:
    data = triage.ActionProposed(
        action_id=action, kind=kind, action_class=CLASS_OF[kind], target="the post", reason="ours"
    )
    return 1, "rob", data


def viewed(minutes: float, view: LegalView, action: UUID = TAKEDOWN, **more: Any) -> Spoken:
    data = triage.LegalViewGiven(action_id=action, view=view, ground="the terms", **more)
    return minutes, "liv", data


def authorised(minutes: float, by: str, action: UUID = TAKEDOWN) -> Spoken:
    data = triage.ActionAuthorised(action_id=action, kind=ActionKind.PLATFORM_REPORT)
    return minutes, by, data


def carried_out(
    minutes: float,
    outcome: Outcome = Outcome.SUCCESSFUL,
    kind: ActionKind = ActionKind.PLATFORM_REPORT,
    action: UUID = TAKEDOWN,
    **more: Any,
) -> Spoken:
    data = triage.Contained(
        action_id=action,
        kind=kind,
        action_class=CLASS_OF[kind],
        outcome=outcome,
        carried_out_at=START + timedelta(minutes=minutes - 1),
        **more,
    )
    return minutes, "rob", data


def broke(minutes: float, glass: UUID = GLASS, **more: Any) -> Spoken:
    data = triage.BreakGlassUsed(
        break_glass_id=glass,
        gate=GateName.LEGAL,
        action_id=TAKEDOWN,
        reason="it spreads",
        **more,
    )
    return minutes, "lea", data


def confirmed(minutes: float, glass: UUID = GLASS, *, upheld: bool = True) -> Spoken:
    data = triage.BreakGlassConfirmed(break_glass_id=glass, upheld=upheld, note="as I see it")
    return minutes, "lou", data


class TestAnAction:
    def test_has_all_that_was_said_of_it_in_its_order(self) -> None:
        (action,) = actions(
            told(
                proposed(),
                viewed(2, LegalView.REFUSED),
                viewed(3, LegalView.CLEARED_WITH_CONDITIONS, conditions="the page alone"),
                authorised(4, "lea"),
                authorised(5, "lou"),
                carried_out(6, Outcome.FAILED, authorised_by="lea", note="no answer"),
                carried_out(7, authorised_by="lea"),
            )
        )
        assert (action.kind, action.action_class) == (
            ActionKind.PLATFORM_REPORT,
            ActionClass.CORRECTIVE,
        )
        assert (action.target, action.reason) == ("the post", "ours")
        assert action.proposed is not None
        assert action.proposed.by == "rob"
        assert [(view.view, view.conditions) for view in action.legal_views] == [
            (LegalView.REFUSED, None),
            (LegalView.CLEARED_WITH_CONDITIONS, "the page alone"),
        ]
        assert [source.by for source in action.authorised] == ["lea", "lou"]
        assert [(attempt.outcome, attempt.note) for attempt in action.attempts] == [
            (Outcome.FAILED, "no answer"),
            (Outcome.SUCCESSFUL, None),
        ]

    def test_was_carried_out_when_its_actor_says_not_when_that_was_recorded(self) -> None:
        (action,) = actions(told(proposed(), carried_out(9)))
        (attempt,) = action.attempts
        assert attempt.carried_out_at == START + timedelta(minutes=8)
        assert attempt.source.at == START + timedelta(minutes=9)

    def test_takes_nothing_from_another(self) -> None:
        one, other = actions(
            told(
                proposed(TAKEDOWN),
                proposed(PROTECT, ActionKind.DMCA_NOTICE),
                viewed(2, LegalView.CLEARED, PROTECT),
                authorised(3, "lea", PROTECT),
                carried_out(4, action=TAKEDOWN),
            )
        )
        assert (one.action_id, other.action_id) == (TAKEDOWN, PROTECT)
        assert (len(one.legal_views), len(one.authorised), len(one.attempts)) == (0, 0, 1)
        assert (len(other.legal_views), len(other.authorised), len(other.attempts)) == (1, 1, 0)

    @pytest.mark.parametrize(
        "spoken",
        [
            viewed(2, LegalView.CLEARED),
            authorised(2, "lea"),
            broke(2),
            carried_out(2),
        ],
        ids=["legal view", "authorisation", "break-glass", "outcome"],
    )
    def test_is_listed_by_whatever_event_names_it(self, spoken: Spoken) -> None:
        """The proposal may be of a version that this reader does not know."""
        (action,) = actions(told(spoken))
        assert action.action_id == TAKEDOWN
        assert (action.proposed, action.target, action.reason) == (None, None, None)

    def test_without_a_proposal_has_the_kind_that_its_outcome_names(self) -> None:
        history = told(carried_out(2, kind=ActionKind.CACHE_PURGE))
        assert kind_of(TAKEDOWN, history) == (ActionKind.CACHE_PURGE, ActionClass.CORRECTIVE)

    @pytest.mark.parametrize("spoken", [viewed(2, LegalView.CLEARED), broke(2)])
    def test_may_be_of_unknown_kind(self, spoken: Spoken) -> None:
        assert kind_of(TAKEDOWN, told(spoken)) == (None, None)
        assert kind_of(PROTECT, told(spoken, carried_out(3))) == (None, None)

    def test_whose_proposal_cannot_be_read_stays_with_what_can(self) -> None:
        unreadable, *rest = events((proposed(), authorised(2, "lea")))
        (action,) = actions(History.of_events([not_understood(unreadable), *rest]))
        assert (action.kind, action.proposed) == (None, None)
        assert len(action.authorised) == 1

    def test_there_may_be_none(self) -> None:
        assert actions(NOTHING) == ()

    def test_the_first_that_is_named_comes_first(self) -> None:
        assert [action.action_id for action in actions(HISTORY)] == [PROTECT, TAKEDOWN]


AUTHORITIES: Final = [
    (ActionKind.PLATFORM_REPORT, "lea", (), "lea"),
    (ActionKind.PLATFORM_REPORT, "lea", (GLASS,), "lea, past a gate by break-glass"),
    (ActionKind.PLATFORM_REPORT, None, (GLASS,), "break-glass"),
    (ActionKind.PLATFORM_REPORT, None, (), "unknown"),
    (ActionKind.DISCIPLINE, None, (), "unknown"),
    (ActionKind.PRESERVE_EVIDENCE, None, (), "needs none: protective"),
    (ActionKind.ROTATE_SECRET, None, (GLASS,), "needs none: protective"),
    (ActionKind.REVOKE_ACCESS, "lea", (), "lea"),
]


@pytest.mark.parametrize(("kind", "by", "glass", "says"), AUTHORITIES)
def test_on_whose_word_it_was_carried_out(
    kind: ActionKind, by: str | None, glass: tuple[UUID, ...], says: str
) -> None:
    history = told(carried_out(2, kind=kind, authorised_by=by, break_glass=glass))
    (action,) = actions(history)
    (attempt,) = action.attempts
    assert (attempt.authority, attempt.break_glass) == (says, glass)


class TestBreakGlass:
    def test_owes_a_word_until_somebody_gives_it(self) -> None:
        (line,) = break_glass(told(broke(2, missing=("legal_view",))))
        assert line.second_word is None
        assert (line.gate, line.missing, line.reason) == (
            GateName.LEGAL,
            ("legal_view",),
            "it spreads",
        )

    @pytest.mark.parametrize("upheld", [True, False])
    def test_has_the_word_with_its_giver(self, upheld: bool) -> None:
        (line,) = break_glass(told(broke(2), confirmed(3, upheld=upheld)))
        assert line.second_word is not None
        assert (line.second_word.upheld, line.second_word.source.by) == (upheld, "lou")
        assert line.source.by == "lea"

    def test_each_use_has_its_own_word(self) -> None:
        first, second = break_glass(
            told(broke(2), broke(3, OTHER_GLASS), confirmed(4, OTHER_GLASS, upheld=False))
        )
        assert first.second_word is None
        assert second.second_word is not None
        assert not second.second_word.upheld

    def test_names_the_kind_of_the_action_where_it_is_on_record(self) -> None:
        (without,) = break_glass(told(broke(2)))
        (with_it,) = break_glass(told(proposed(), broke(2)))
        assert (without.kind, with_it.kind) == (None, ActionKind.PLATFORM_REPORT)

    def test_a_word_without_its_use_tells_nothing(self) -> None:
        assert break_glass(told(confirmed(3))) == ()


class TestEndings:
    @pytest.mark.parametrize(
        ("reason", "says"),
        [
            (DismissalReason.NOT_AN_INCIDENT, "dismissed: not an incident"),
            (DismissalReason.DUPLICATE, "dismissed: duplicate"),
            (DismissalReason.AUTHORISED_DISCLOSURE, "dismissed: authorised disclosure"),
            (DismissalReason.ALREADY_PUBLIC, "dismissed: already public"),
            (DismissalReason.PROTECTED_ACTIVITY, "dismissed: protected activity"),
            (DismissalReason.INSUFFICIENT_INFORMATION, "dismissed: insufficient information"),
        ],
    )
    def test_a_dismissal_says_why(self, reason: DismissalReason, says: str) -> None:
        (ending,) = endings(
            told((5, "lea", triage.IncidentDismissed(reason=reason, note="all is said")))
        )
        assert (ending.decision, ending.reason, ending.source.by) == (says, "all is said", "lea")

    def test_not_to_act_comes_before_a_dismissal(self) -> None:
        both = endings(
            told(
                (5, "lea", triage.InactionDecided(reason="it was gone")),
                (
                    6,
                    "lou",
                    triage.IncidentDismissed(reason=DismissalReason.DUPLICATE, note="another"),
                ),
            )
        )
        assert [ending.decision for ending in both] == ["not to act", "dismissed: duplicate"]
        assert both[0].reason == "it was gone"

    def test_most_incidents_have_none(self) -> None:
        assert endings(HISTORY) == ()


def test_a_seat_that_changes_hands_is_told_twice() -> None:
    taken = seats(
        told(
            (1, "lea", triage.SeatFilled(seat=Seat.IT, holder="ivo")),
            (2, "lea", triage.SeatFilled(seat=Seat.IT, holder="ida")),
        )
    )
    assert [(line.seat, line.holder) for line in taken] == [(Seat.IT, "ivo"), (Seat.IT, "ida")]
