"""Texts whose time ends by itself: what is said before, and what is erased when."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given as every
from hypothesis import strategies as st

from services.review import domain
from services.review.domain.commands import EndRetention, WarnOfRetention
from services.review.domain.erasing import erased_from, next_look
from services.review.domain.state import State
from services.review.domain.tables import EDITIONS, KIND_OF, RETENTION, WARNINGS
from services.review.erasures.due import due_commands, texts_by_kind
from shared.contract.catalogue import EVENTS
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import (
    ContentErased,
    ErasedText,
    ErasureGround,
    HoldPlaced,
    LessonRecorded,
    RetentionWarned,
    Side,
    TextKind,
)
from shared.contract.catalogue.system import SystemRecord
from shared.contract.decision import Context, Rejected
from shared.contract.disclosure import conceal, fields_of
from shared.contract.envelope import Event
from tests.unit.given import START, actor, event, given
from tests.unit.review.test_erasing import text
from tests.unit.review.world import DISMISSED, PUBLISHED, REPORTED

SERVICE: Final = actor("service:review")
DAY: Final = timedelta(days=1)
KIND: Final = TextKind.REPORT
DAYS: Final = RETENTION[KIND] or 0
ERASURE: Final = UUID(int=0xE8)
TABLES: Final = EDITIONS.under()


def closed() -> State:
    state: State = given(domain, REPORTED, DISMISSED).state
    return state


def end(state: State) -> datetime:
    assert state.forgetting.closed_at is not None
    return state.forgetting.closed_at + DAYS * DAY


def said(state: State, command: Any, at: datetime) -> list[EventData]:
    return domain.decide(command, state, Context(at, SERVICE))


def after(state: State, at: datetime, *data: EventData) -> State:
    for one in data:
        state = domain.evolve(state, event(one, by=SERVICE.subject, at=at))
    return state


def warned(state: State, at: datetime, *kinds: TextKind) -> State:
    return after(state, at, *said(state, WarnOfRetention(kinds or (KIND,)), at))


class TestTheTables:
    def test_know_a_kind_for_every_event_that_has_texts(self) -> None:
        """Also for those in its parts."""

        def has_texts(model: Any) -> bool:
            fields = fields_of(model)
            inner = [model.model_fields[name].annotation for name in fields.parts]
            return bool(fields.confidential) or any(
                has_texts(one)
                for annotation in inner
                for one in (annotation, *getattr(annotation, "__args__", ()))
                if hasattr(one, "model_fields")
            )

        wanted = {one for one in EVENTS if has_texts(one) and not issubclass(one, SystemRecord)}
        assert set(KIND_OF) == wanted
        assert set(RETENTION) == set(TextKind) == set(KIND_OF.values())

    def test_warn_from_far_to_near(self) -> None:
        assert list(WARNINGS) == sorted(WARNINGS, reverse=True) == [14, 7, 1]


class TestAWarning:
    @pytest.mark.parametrize(
        ("before", "days"), [(14, 14), (13, 14), (8, 14), (7, 7), (2, 7), (1, 1), (0, 1), (-90, 1)]
    )
    def test_is_the_nearest_that_is_due(self, before: int, days: int) -> None:
        state = closed()
        (told,) = said(state, WarnOfRetention((KIND,)), end(state) - before * DAY)
        assert told == RetentionWarned(kinds=(KIND,), days=days, ends_at=end(state))

    def test_comes_no_earlier(self) -> None:
        state = closed()
        with pytest.raises(Rejected, match="ends on"):
            said(state, WarnOfRetention((KIND,)), end(state) - 14 * DAY - timedelta(seconds=1))

    def test_comes_once_each(self) -> None:
        state = closed()
        at = end(state) - 14 * DAY
        known = warned(state, at)
        assert said(known, WarnOfRetention((KIND,)), at + DAY) == []
        (next_,) = said(known, WarnOfRetention((KIND,)), end(state) - 7 * DAY)
        assert isinstance(next_, RetentionWarned)
        assert next_.days == 7

    def test_names_kinds_together_that_end_together(self) -> None:
        state = closed()
        kinds = (TextKind.FACT, TextKind.ASSESSMENT, TextKind.SENDING)
        told = said(state, WarnOfRetention(kinds), end(state) + 800 * DAY)
        together = {one.kinds for one in told if isinstance(one, RetentionWarned)}
        assert together == {(TextKind.ASSESSMENT, TextKind.FACT), (TextKind.SENDING,)}

    @pytest.mark.parametrize("kind", [kind for kind, days in RETENTION.items() if days is None])
    def test_is_not_given_of_what_is_kept(self, kind: TextKind) -> None:
        state = closed()
        with pytest.raises(Rejected, match="kept"):
            said(state, WarnOfRetention((kind,)), end(state) + 9999 * DAY)

    def test_is_not_given_of_an_incident_that_is_open(self) -> None:
        state = given(domain, REPORTED).state
        with pytest.raises(Rejected, match="closed"):
            said(state, WarnOfRetention((KIND,)), START + 9999 * DAY)


class TestTheEnd:
    def test_erases_a_day_after_the_last_warning(self) -> None:
        state = closed()
        known = warned(state, end(state) - DAY)
        assert erased_from(KIND, known, TABLES) == end(state)
        assert said(known, EndRetention(ERASURE, (KIND,), (text(1),)), end(state)) == [
            ContentErased(
                erasure_id=ERASURE,
                ground=ErasureGround.RETENTION_ENDED,
                texts=(text(1),),
                requested_by=SERVICE.subject,
                kinds=(KIND,),
            )
        ]

    def test_waits_a_whole_day_where_nobody_was_warned_in_time(self) -> None:
        state = closed()
        late = end(state) + 90 * DAY
        known = warned(state, late)
        command = EndRetention(ERASURE, (KIND,), (text(1),))
        with pytest.raises(Rejected):
            said(known, command, late + DAY - timedelta(seconds=1))
        assert len(said(known, command, late + DAY)) == 1

    @pytest.mark.parametrize("before", [14, 7])
    def test_does_not_come_on_an_early_warning_alone(self, before: int) -> None:
        state = closed()
        known = warned(state, end(state) - before * DAY)
        with pytest.raises(Rejected):
            said(known, EndRetention(ERASURE, (KIND,), (text(1),)), end(state) + DAY)

    def test_waits_for_every_hold(self) -> None:
        state = closed()
        hold = HoldPlaced(hold_id=ERASURE, placed_as=Side.LEGAL, reason="A court.")
        known = after(warned(state, end(state) - DAY), end(state), hold)
        for command in (
            EndRetention(ERASURE, (KIND,), (text(1),)),
            WarnOfRetention((KIND,)),
        ):
            with pytest.raises(Rejected) as refused:
                said(known, command, end(state) + DAY)
            assert refused.value.rule == "legal_hold"

    def test_erases_nothing_twice(self) -> None:
        state = closed()
        known = warned(state, end(state) - DAY)
        command = EndRetention(ERASURE, (KIND,), (text(1),))
        again = after(known, end(state), *said(known, command, end(state)))
        with pytest.raises(Rejected) as refused:
            said(again, command, end(state) + DAY)
        assert refused.value.rule == "nothing_to_erase"

    def test_names_a_kind(self) -> None:
        with pytest.raises(Rejected):
            said(closed(), EndRetention(ERASURE, (), (text(1),)), START + 9999 * DAY)

    def test_is_counted_from_the_last_time_that_the_incident_was_closed(self) -> None:
        state = given(domain, *PUBLISHED).state
        later = START + 40 * DAY
        known = after(warned(state, end(state) - DAY), later, DISMISSED)
        assert known.forgetting.closed_at == later
        assert known.forgetting.warned == {}


@every(st.lists(st.integers(1, 200), min_size=1, max_size=30))
def test_whatever_the_rhythm_of_its_looks_the_worker_warns_of_all_that_it_erases(
    waits: list[int],
) -> None:
    """However late and seldom it looks: nothing goes before its end, nothing unannounced, and each
    text once."""
    state, at = closed(), START
    ends, warnings, gone = end(state), [], []
    for wait in (*waits, 500, 1, 1):
        at += wait * DAY
        kept = {KIND: [text(1)]} if not gone else {}
        for command in due_commands(kept, state, at, lambda: ERASURE):
            for data in said(state, command, at):
                state = after(state, at, data)
                if isinstance(data, RetentionWarned):
                    warnings.append((data.days, at))
                elif isinstance(data, ContentErased):
                    gone.append(at)
    assert len(gone) == 1
    assert gone[0] >= ends
    assert [days for days, _ in warnings] == sorted({days for days, _ in warnings}, reverse=True)
    assert warnings[-1][0] == 1
    assert gone[0] - warnings[-1][1] >= DAY


class TestTheWorker:
    def test_sleeps_until_the_first_warning(self) -> None:
        state = closed()
        assert next_look(KIND, state, TABLES) == end(state) - 14 * DAY
        assert next_look(KIND, warned(state, end(state) - 14 * DAY), TABLES) == end(state) - 7 * DAY
        assert next_look(KIND, warned(state, end(state) - DAY), TABLES) == end(state)
        assert next_look(TextKind.LESSON, state, TABLES) is None
        assert next_look(KIND, domain.INITIAL, TABLES) is None

    def test_finds_texts_by_their_kind_but_what_is_kept_or_gone(self) -> None:
        reported, disclosures = conceal(
            REPORTED.model_copy(update={"description": "A board."}), lambda: bytes(16)
        )
        lesson, _ = conceal(LessonRecorded(text="Look."), lambda: bytes(16))
        events: list[Event] = [event(reported), event(lesson, number=2)]
        found = {one.digest: one for one in disclosures}
        kept = texts_by_kind(events, found, domain.INITIAL)
        (digest,) = reported.sd
        expected = ErasedText(event_id=events[0].id, name="description", digest=digest)
        assert kept == {TextKind.REPORT: [expected]}
        gone = after(closed(), START, _erasing(expected))
        assert texts_by_kind(events, found, gone) == {}


def _erasing(one: ErasedText) -> ContentErased:
    return ContentErased(
        erasure_id=ERASURE, ground=ErasureGround.OBJECTION, texts=(one,), requested_by="pia"
    )
