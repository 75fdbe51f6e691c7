"""What a caller may do next: every kind of command put to `decide` itself. There is no second set
of rules."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from services.review.domain.commands import (
    CitePolicyClause,
    Command,
    OpenReview,
    Publish,
    RecordFinding,
    RecordLesson,
    RecordObservation,
    SetNextReview,
)
from services.review.domain.decisions import decide
from services.review.domain.state import State
from shared.contract.catalogue.review import ReportDigest, ReviewTrigger
from shared.contract.decision import Actor, Context, Missing, Rejected, name_of
from shared.contract.vocabulary import Answer, ControlLayer, ObservationKind

_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATER: Final = date(2001, 1, 1)
_SOME_ID: Final = UUID(int=0)
_WORDS: Final = "…"
_SOME_REPORT: Final = ReportDigest(json_sha256=_WORDS, markdown_sha256=_WORDS, html_sha256=_WORDS)


def next_commands(state: State, actor: Actor) -> tuple[str, ...]:
    """The names of the commands that this caller may give next."""
    return tuple(
        name_of(command) for command in _commands(state) if _would_be_done(command, state, actor)
    )


def _commands(state: State) -> Iterator[Command]:
    yield OpenReview(ReviewTrigger.REQUESTED)
    yield RecordFinding(
        _SOME_ID,
        _WORDS,
        ControlLayer.POLICY_MISSING,
        Answer.UNKNOWN,
        Answer.UNKNOWN,
        no_action_reason=_WORDS,
    )
    yield RecordObservation(ObservationKind.WENT_WELL, _WORDS)
    yield RecordLesson(_WORDS)
    yield CitePolicyClause(_WORDS, _WORDS)
    yield SetNextReview(_LATER)
    yield Publish(_SOME_REPORT, state.covers)


def _would_be_done(command: Command, state: State, actor: Actor) -> bool:
    try:
        return bool(decide(command, state, Context(_SOME_TIME, actor)))
    except (Rejected, Missing):
        return False
