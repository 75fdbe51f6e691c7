"""What notify remembers of a message, step by step."""

import pytest

from services.notify import domain
from services.notify.domain.state import Draft, Failed, OutcomeUnknown, Started
from shared.contract.catalogue.notify import SendFailed, SendOutcomeDecided, SendOutcomeUnknown
from tests.unit.given import START, Given, given
from tests.unit.notify.world import MESSAGE, REPORTED, REQUESTED, drafted, started


def requested() -> Given:
    return given(domain, REPORTED, drafted(), REQUESTED)


def failed(attempt: int) -> SendFailed:
    return SendFailed(communication_id=MESSAGE, attempt=attempt, error="refused", retry_at=START)


@pytest.mark.parametrize("attempt", [1, 2, 7])
def test_a_sending_that_failed_counts_as_an_attempt_though_it_never_started(attempt: int) -> None:
    message = requested().and_given(failed(attempt)).state.messages[MESSAGE]
    assert message.condition == Failed(attempt, START)
    assert message.attempts == attempt


def test_a_started_sending_counts_once() -> None:
    message = requested().and_given(started(1), failed(1), started(2)).state.messages[MESSAGE]
    assert message.condition == Started(2)
    assert message.attempts == 2


@pytest.mark.parametrize(
    ("delivered", "condition"), [(True, OutcomeUnknown(1)), (False, Draft())], ids=["yes", "no"]
)
def test_what_a_person_found_out_of_an_unknown_sending(delivered: bool, condition: object) -> None:
    """Found delivered it stays as it is: `communicated` follows in the same decision."""
    unknown = SendOutcomeUnknown(communication_id=MESSAGE, attempt=1)
    decided = SendOutcomeDecided(
        communication_id=MESSAGE, attempt=1, delivered=delivered, reason="They answered."
    )
    state = requested().and_given(started(1), unknown, decided).state
    assert state.messages[MESSAGE].condition == condition
