"""What is said of a channel's answer, and what goes out."""

from uuid import UUID

import pytest

from services.notify.channels.results import Delivered, NobodyKnows, NotDelivered, Payload, Result
from services.notify.domain import Command, MarkUnknown, RecordDelivered, RecordFailure
from services.notify.queries import Outgoing
from services.notify.sending import message_of, outcome
from tests.unit.notify.world import MESSAGE, TEXTS


@pytest.mark.parametrize(
    ("result", "command"),
    [
        (Delivered(), RecordDelivered(MESSAGE, 2)),
        (NotDelivered("HTTP 403"), RecordFailure(MESSAGE, 2, "HTTP 403")),
        (NobodyKnows("It broke."), MarkUnknown(MESSAGE, 2)),
    ],
)
def test_what_is_said_of_an_answer(result: Result, command: Command) -> None:
    assert outcome(MESSAGE, 2, result) == command


@pytest.mark.parametrize(("exercise", "title"), [(True, "EXERCISE: A photo"), (False, "A photo")])
def test_a_drill_says_so_first(exercise: bool, title: str) -> None:
    outgoing = Outgoing(
        MESSAGE, UUID(int=1), "chat", "A photo", "It stands there.", TEXTS, exercise
    )
    assert message_of(outgoing) == Payload(MESSAGE, title, "It stands there.")
