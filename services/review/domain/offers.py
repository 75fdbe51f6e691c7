"""What a caller may do next: every kind of command put to `decide` itself. There is no second set
of rules."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.review.domain.commands import (
    CitePolicyClause,
    Command,
    ConfirmErasure,
    OpenReview,
    PlaceHold,
    Publish,
    RecordFinding,
    RecordLesson,
    RecordObservation,
    RefuseErasure,
    ReleaseHold,
    RequestErasure,
    SetNextReview,
)
from services.review.domain.decisions import decide
from services.review.domain.state import State
from shared.contract.catalogue.review import (
    ErasedText,
    ErasureGround,
    ErasureScope,
    ReportDigest,
    ReviewTrigger,
    Side,
)
from shared.contract.decision import SOME_TIME, Actor, accepted
from shared.contract.vocabulary import Answer, ControlLayer, ObservationKind

_LATER: Final = (SOME_TIME + timedelta(days=1)).date()
_SOME_ID: Final = UUID(int=0)
_WORDS: Final = "…"
_SOME_TEXT: Final = ErasedText(event_id=_SOME_ID, name="text", digest="A" * 43)
_SOME_REPORT: Final = ReportDigest(format=1, skeleton_sha256="0" * 64)


def next_commands(state: State, actor: Actor) -> tuple[str, ...]:
    """The names of the commands that this caller may give next."""
    return accepted(_commands(state), decide, state, actor)


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
    yield from _forgetting(state)


def _forgetting(state: State) -> Iterator[Command]:
    for side in Side:
        yield RequestErasure(
            _SOME_ID,
            ErasureScope.FIELDS,
            ErasureGround.OBJECTION,
            (_SOME_TEXT,),
            _WORDS,
            side,
        )
        yield PlaceHold(_SOME_ID, _WORDS, side)
    for erasure_id in state.forgetting.asked:
        yield ConfirmErasure(erasure_id)
        yield RefuseErasure(erasure_id, _WORDS)
    for hold_id in state.forgetting.holds:
        yield ReleaseHold(hold_id, _WORDS)
