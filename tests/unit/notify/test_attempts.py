"""How often and when a sending is tried: the table of waits, its boundaries, and what each attempt
leaves behind."""

from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from services.notify import domain
from services.notify.domain import MarkUnknown, RecordDelivered, RecordFailure, StartSend
from services.notify.domain.state import (
    Draft,
    Failed,
    OutcomeUnknown,
    Requested,
    Started,
    Told,
    TurnedDown,
    standing,
)
from services.notify.domain.tables import BACKOFF
from shared.contract.catalogue.notify import (
    Communicated,
    CommunicationRejected,
    SendFailed,
    SendOutcomeDecided,
    SendOutcomeUnknown,
    SendStarted,
)
from shared.contract.decision import Context, Missing
from tests.examples import examples
from tests.unit.given import START, Given, given
from tests.unit.notify.world import (
    INSIDE_READY,
    LEAD,
    MESSAGE,
    OTHER_MESSAGE,
    REQUESTED,
    SENDER,
    TEXTS,
    communicated,
    started,
)

NOW: Final = START + timedelta(hours=1)
ASKED: Final = given(domain, *INSIDE_READY, REQUESTED)


def failed(attempt: int, retry_at: datetime | None = NOW) -> SendFailed:
    return SendFailed(communication_id=MESSAGE, attempt=attempt, error="421", retry_at=retry_at)


def tried(times: int, since: Given = ASKED, first: int = 1) -> Given:
    """So many attempts failed, the next one is under way."""
    for attempt in range(first, first + times):
        since = since.and_given(started(attempt), failed(attempt))
    return since.and_given(started(first + times))


@pytest.mark.parametrize(("attempt", "wait"), list(enumerate(BACKOFF, 1)))
def test_each_failure_waits_as_long_as_its_row_says(attempt: int, wait: timedelta) -> None:
    command = RecordFailure(MESSAGE, attempt, "421")
    tried(attempt - 1).when(command, SENDER, NOW).then(failed(attempt, NOW + wait))


@pytest.mark.parametrize("attempt", [len(BACKOFF) + 1, len(BACKOFF) + 2, 40])
def test_after_the_last_row_it_is_not_tried_again_by_itself(attempt: int) -> None:
    command = RecordFailure(MESSAGE, attempt, "421")
    tried(attempt - 1).when(command, SENDER, NOW).then(failed(attempt, None))


def test_a_new_request_begins_the_table_again_and_counts_on() -> None:
    spent = tried(len(BACKOFF)).and_given(failed(len(BACKOFF) + 1, None), REQUESTED)
    number = len(BACKOFF) + 2
    spent.when(StartSend(MESSAGE, TEXTS), SENDER, NOW).then(started(number))
    under_way = spent.and_given(started(number))
    under_way.when(RecordFailure(MESSAGE, number, "421"), SENDER, NOW).then(
        failed(number, NOW + BACKOFF[0])
    )


def test_waits_grow() -> None:
    assert list(BACKOFF) == sorted(set(BACKOFF))
    assert BACKOFF[0] > timedelta(0)


@pytest.mark.parametrize(
    ("early", "begins"),
    [
        (timedelta(seconds=1), False),
        (timedelta(microseconds=1), False),
        (timedelta(0), True),
        (-timedelta(microseconds=1), True),
        (-timedelta(days=9), True),
    ],
)
def test_a_failed_message_is_taken_up_when_it_is_due(early: timedelta, begins: bool) -> None:
    waiting = ASKED.and_given(started(), failed(1, NOW))
    asked = waiting.when(StartSend(MESSAGE, TEXTS), SENDER, NOW - early)
    if begins:
        asked.then(started(2))
    else:
        assert str(NOW) in asked.then_rejected("due").detail


@pytest.mark.parametrize("length", [1, 499, 500, 501, 9000])
def test_what_a_channel_says_is_kept_as_far_as_a_line_goes(length: int) -> None:
    (said,) = domain.decide(
        RecordFailure(MESSAGE, 1, "é" * length), tried(0).state, Context(NOW, SENDER)
    )
    assert isinstance(said, SendFailed)
    assert len(said.error) == min(length, 500)
    assert said.error.endswith("…") == (length > 500)


@for_all(st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=examples(60))
def test_only_the_attempt_that_is_under_way_has_a_result(of: int, said: int) -> None:
    under_way = tried(of - 1)
    for command in (
        RecordDelivered(MESSAGE, said),
        RecordFailure(MESSAGE, said, "421"),
        MarkUnknown(MESSAGE, said),
    ):
        answer = under_way.when(command, SENDER, NOW)
        if said == of:
            assert answer.decide()
        else:
            detail = answer.then_rejected("attempt_under_way").detail
            assert detail == (
                f"Attempt {said} is not under way: this message is being sent, attempt {of}."
            )


@pytest.mark.parametrize("command", [RecordDelivered(MESSAGE, 1), RecordFailure(MESSAGE, 1, "x")])
def test_a_result_that_comes_late_still_counts(command: RecordDelivered | RecordFailure) -> None:
    """Its sending was given up for unknown, and the channel answered after all."""
    unknown = tried(0).and_given(SendOutcomeUnknown(communication_id=MESSAGE, attempt=1))
    (said,) = unknown.when(command, SENDER, NOW).decide()
    assert type(said) is (Communicated if isinstance(command, RecordDelivered) else SendFailed)


def test_an_unknown_outcome_is_not_marked_twice() -> None:
    unknown = tried(0).and_given(SendOutcomeUnknown(communication_id=MESSAGE, attempt=1))
    unknown.when(MarkUnknown(MESSAGE, 1), SENDER, NOW).then_rejected("attempt_under_way")


NOT_DUE: Final = [
    (given(domain, *INSIDE_READY), "is a draft"),
    (
        ASKED.and_given(CommunicationRejected(communication_id=MESSAGE, reason="no")),
        "was rejected; draft a new one",
    ),
    (tried(0), "is being sent, attempt 1"),
    (
        tried(0).and_given(failed(1, None)),
        "failed at attempt 1; a person may request it again",
    ),
    (
        tried(0).and_given(SendOutcomeUnknown(communication_id=MESSAGE, attempt=1)),
        "may or may not have arrived at attempt 1; a person decides",
    ),
    (tried(0).and_given(communicated()), "was delivered"),
    (
        tried(0).and_given(
            SendOutcomeUnknown(communication_id=MESSAGE, attempt=1),
            SendOutcomeDecided(communication_id=MESSAGE, attempt=1, delivered=False, reason="x"),
        ),
        "is a draft",
    ),
]


@pytest.mark.parametrize(("past", "stands"), NOT_DUE, ids=[stands for _, stands in NOT_DUE])
def test_nothing_is_sent_that_is_not_asked_for(past: Given, stands: str) -> None:
    refusal = past.when(StartSend(MESSAGE, TEXTS), SENDER, NOW).then_rejected("due")
    assert refusal.detail == f"There is nothing to send now: this message {stands}."


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (Draft(), "is a draft"),
        (TurnedDown(), "was rejected; draft a new one"),
        (Requested(), "is waiting for the sender"),
        (Started(3), "is being sent, attempt 3"),
        (Failed(3, None), "failed at attempt 3; a person may request it again"),
        (Failed(3, START), f"failed at attempt 3 and is tried again at {START}"),
        (OutcomeUnknown(3), "may or may not have arrived at attempt 3; a person decides"),
        (Told(), "was delivered"),
    ],
)
def test_a_message_says_how_it_stands(condition: object, says: str) -> None:
    assert standing(condition) == says  # type: ignore[arg-type]


def test_a_message_that_nobody_drafted_is_missing() -> None:
    with pytest.raises(Missing, match=f"communication {OTHER_MESSAGE}"):
        ASKED.when(StartSend(OTHER_MESSAGE, TEXTS), SENDER, NOW).decide()


def test_an_attempt_that_a_person_found_lost_is_followed_by_the_next_number() -> None:
    lost = tried(1).and_given(
        SendOutcomeUnknown(communication_id=MESSAGE, attempt=2),
        SendOutcomeDecided(communication_id=MESSAGE, attempt=2, delivered=False, reason="x"),
    )
    lost.when(domain.RequestSend(MESSAGE), LEAD, NOW).then(REQUESTED)
    lost.and_given(REQUESTED).when(StartSend(MESSAGE, TEXTS), SENDER, NOW).then(
        SendStarted(communication_id=MESSAGE, attempt=3)
    )
