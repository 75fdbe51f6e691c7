"""The section on telling: what became of each duty, and of each message, from what is on record."""

from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.review.report.history import History
from services.review.report.telling import duties, messages
from shared.contract.catalogue import notify
from shared.contract.catalogue.base import EventData
from shared.contract.vocabulary import ApprovalKind, Audience
from tests.examples import examples
from tests.unit.given import START
from tests.unit.review.story import (
    MESSAGE,
    OTHER_MESSAGE,
    WHERE,
    WHERE_CORRECTED,
    Spoken,
    events,
    fact,
)

UNHEARD_OF: Final = UUID(int=0xFF)


def told(*said: EventData) -> History:
    """Each a minute after the one before."""
    spoken: list[Spoken] = [(minute, f"by {minute}", data) for minute, data in enumerate(said)]
    return History.of_events(events(spoken))


def required(audience: Audience, rule: str = "a_row") -> EventData:
    return notify.CommunicationRequired(audience=audience, rule=rule)


def waived(audience: Audience) -> EventData:
    return notify.CommunicationWaived(audience=audience, reason="they wrote it")


def drafted(message: UUID = MESSAGE, **changed: Any) -> EventData:
    said = {
        "audience": Audience.EXECUTIVES,
        "channel": "staff mail",
        "title": "A photo",
        "text": "It is gone.",
        "facts": (WHERE,),
    }
    return notify.CommunicationDrafted(communication_id=message, **{**said, **changed})


def communicated(message: UUID = MESSAGE, **changed: Any) -> EventData:
    said = {
        "audience": Audience.EXECUTIVES,
        "channel": "staff mail",
        "texts": ("0" * 43, "1" * 43),
        "facts": (WHERE,),
        "approved_by": ("lea",),
        "attempt": 1,
    }
    return notify.Communicated(communication_id=message, **{**said, **changed})


def started(attempt: int = 1, message: UUID = MESSAGE) -> EventData:
    return notify.SendStarted(communication_id=message, attempt=attempt)


def failed(attempt: int = 1, message: UUID = MESSAGE) -> EventData:
    return notify.SendFailed(communication_id=message, attempt=attempt, error="421", retry_at=START)


def decided(*, delivered: bool) -> EventData:
    return notify.SendOutcomeDecided(
        communication_id=MESSAGE, attempt=1, delivered=delivered, reason="looked"
    )


APPROVED: Final = notify.CommunicationApproved(communication_id=MESSAGE, approval=ApprovalKind.PEER)
REJECTED: Final = notify.CommunicationRejected(communication_id=MESSAGE, reason="too much")
REQUESTED: Final = notify.CommunicationRequested(communication_id=MESSAGE)
UNKNOWN: Final = notify.SendOutcomeUnknown(communication_id=MESSAGE, attempt=1)


class TestADuty:
    @pytest.mark.parametrize(
        ("after", "became", "settled_by", "reason"),
        [
            ((), "owed", None, None),
            ((waived(Audience.PRESS),), "owed", None, None),
            ((communicated(audience=Audience.PRESS),), "owed", None, None),
            ((waived(Audience.EXECUTIVES),), "waived", "by 1", "they wrote it"),
            ((communicated(),), "told", "by 1", None),
            ((communicated(), waived(Audience.EXECUTIVES)), "told", "by 1", None),
            ((waived(Audience.EXECUTIVES), communicated()), "told", "by 2", None),
            ((communicated(), communicated(OTHER_MESSAGE)), "told", "by 1", None),
        ],
        ids=[
            "owed",
            "another waived",
            "another told",
            "waived",
            "told",
            "told, then waived",
            "waived, then told",
            "told twice",
        ],
    )
    def test_is_told_waived_or_owed(
        self,
        after: tuple[EventData, ...],
        became: str,
        settled_by: str | None,
        reason: str | None,
    ) -> None:
        (duty,) = duties(told(required(Audience.EXECUTIVES), *after))
        assert (duty.became, duty.reason) == (became, reason)
        assert (duty.settled.by if duty.settled else None) == settled_by

    def test_stands_once_by_the_first_rule_that_asked_for_it(self) -> None:
        (duty,) = duties(
            told(
                required(Audience.REGULATOR, "the_first"),
                required(Audience.REGULATOR, "the_second"),
            )
        )
        assert (duty.rule, duty.source.at) == ("the_first", START)

    def test_stands_where_it_was_said_first(self) -> None:
        lines = duties(
            told(
                required(Audience.REGULATOR),
                required(Audience.EMPLOYEES),
                required(Audience.REGULATOR),
            )
        )
        assert [line.audience for line in lines] == [Audience.REGULATOR, Audience.EMPLOYEES]

    def test_without_a_rule_on_record_there_is_none(self) -> None:
        assert duties(told(communicated(), waived(Audience.EMPLOYEES))) == ()

    @given(st.lists(st.sampled_from(Audience)), st.sets(st.sampled_from(Audience)))
    @settings(max_examples=examples(60))
    def test_every_audience_that_was_required_stands_once(
        self, asked: list[Audience], waived_ones: set[Audience]
    ) -> None:
        lines = duties(told(*map(required, asked), *map(waived, sorted(waived_ones))))
        assert [line.audience for line in lines] == list(dict.fromkeys(asked))
        assert {line.audience for line in lines if line.became == "waived"} == (
            set(asked) & waived_ones
        )


STANDINGS: Final = [
    ((), "not sent"),
    ((APPROVED,), "not sent"),
    ((REJECTED,), "turned down"),
    ((APPROVED, REQUESTED), "not told yet: waiting to be sent"),
    ((REQUESTED, started()), "whether it arrived is unknown"),
    ((REQUESTED, started(), UNKNOWN), "whether it arrived is unknown"),
    ((REQUESTED, started(), failed()), "not told: 1 attempt failed"),
    ((started(), failed(), started(2), failed(2)), "not told: 2 attempts failed"),
    ((started(), failed(), started(2)), "whether it arrived is unknown"),
    ((started(), failed(), REQUESTED), "not told yet: waiting to be sent"),
    ((started(), failed(), REJECTED), "turned down"),
    ((UNKNOWN, decided(delivered=False)), "not sent"),
    ((UNKNOWN, decided(delivered=True), communicated()), "told"),
    ((communicated(), UNKNOWN), "told"),
]


class TestAMessage:
    @pytest.mark.parametrize(("steps", "standing"), STANDINGS)
    def test_stands_where_its_last_event_left_it(
        self, steps: tuple[EventData, ...], standing: str
    ) -> None:
        (message,) = messages(told(drafted(), *steps))
        assert message.standing == standing
        assert (message.told is not None) == (standing == "told")

    def test_is_not_moved_by_what_is_said_of_another(self) -> None:
        one, other = messages(
            told(drafted(), drafted(OTHER_MESSAGE), REQUESTED, failed(1, OTHER_MESSAGE))
        )
        assert (one.standing, one.failed_attempts) == ("not told yet: waiting to be sent", 0)
        assert (other.standing, other.failed_attempts) == ("not told: 1 attempt failed", 1)

    def test_has_its_approvals_with_their_givers(self) -> None:
        legal = notify.CommunicationApproved(communication_id=MESSAGE, approval=ApprovalKind.LEGAL)
        (message,) = messages(told(drafted(), APPROVED, legal))
        assert [(one.kind, one.source.by) for one in message.approvals] == [
            (ApprovalKind.PEER, "by 1"),
            (ApprovalKind.LEGAL, "by 2"),
        ]

    def test_went_to_whom_it_was_said_to_go_when_it_was_sent(self) -> None:
        """What `communicated` says holds, whatever the draft said."""
        (message,) = messages(
            told(drafted(), communicated(audience=Audience.PRESS, channel="press mail", facts=()))
        )
        assert (message.audience, message.channel, message.facts) == (
            Audience.PRESS,
            "press mail",
            (),
        )
        assert (message.title, message.text) == ("A photo", "It is gone.")

    def test_without_its_draft_has_no_text_but_was_told(self) -> None:
        (message,) = messages(told(communicated()))
        assert (message.title, message.text, message.drafted) == (None, None, None)
        assert (message.audience, message.standing) == (Audience.EXECUTIVES, "told")

    def test_of_which_neither_draft_nor_telling_is_on_record_is_not_listed(self) -> None:
        assert messages(told(APPROVED, REQUESTED, started())) == ()


class TestACitedFact:
    def test_is_told_with_its_value_and_event(self) -> None:
        (message,) = messages(told(fact(WHERE, "where", "page 18"), drafted()))
        (cited,) = message.facts
        assert (cited.key, cited.value, cited.corrected_by) == ("where", "page 18", None)
        assert cited.event is not None

    def test_that_was_corrected_names_the_correction(self) -> None:
        history = told(
            fact(WHERE, "where", "page 18"),
            drafted(),
            fact(WHERE_CORRECTED, "where", "page 19", corrects=WHERE),
        )
        (message,) = messages(history)
        (cited,) = message.facts
        assert cited.value == "page 18", "what the message rested on, not what is known since"
        assert cited.corrected_by is not None
        assert cited.corrected_by.event_id == history.events[-1].id

    def test_that_is_not_on_record_is_named_all_the_same(self) -> None:
        (message,) = messages(told(drafted(facts=(UNHEARD_OF, WHERE))))
        assert [cited.fact_id for cited in message.facts] == [UNHEARD_OF, WHERE]
        assert {(cited.key, cited.value, cited.event) for cited in message.facts} == {
            (None, None, None)
        }
