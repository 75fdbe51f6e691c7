"""What was decided and on whose authority: seats, actions, legal views, break-glass, and decisions
not to act."""

from uuid import UUID

from services.review.report.history import History
from services.review.report.model import (
    ActionLine,
    AttemptLine,
    Ending,
    GlassLine,
    LegalLine,
    SeatLine,
    SecondWord,
)
from shared.contract.catalogue.base import words_of
from shared.contract.catalogue.triage import (
    ActionAuthorised,
    ActionProposed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Contained,
    InactionDecided,
    IncidentDismissed,
    LegalViewGiven,
    SeatFilled,
)
from shared.contract.vocabulary import ActionClass, ActionKind
from shared.contract.wording import UNKNOWN, word


def seats(history: History) -> tuple[SeatLine, ...]:
    return tuple(
        SeatLine(told.source, told.data.seat, told.data.holder) for told in history.of(SeatFilled)
    )


def actions(history: History) -> tuple[ActionLine, ...]:
    """Every action that any event names, in the order in which they first appear."""
    ids = dict.fromkeys(
        data.action_id
        for event in history.events
        if isinstance(
            data := event.data,
            ActionProposed | LegalViewGiven | ActionAuthorised | BreakGlassUsed | Contained,
        )
    )
    return tuple(_action(action_id, history) for action_id in ids)


def _action(action_id: UUID, history: History) -> ActionLine:
    proposed = next(
        (told for told in history.of(ActionProposed) if told.data.action_id == action_id), None
    )
    kind, action_class = kind_of(action_id, history)
    return ActionLine(
        action_id=action_id,
        kind=kind,
        action_class=action_class,
        target=words_of(proposed.data.target) if proposed else None,
        reason=words_of(proposed.data.reason) if proposed else None,
        proposed=proposed.source if proposed else None,
        legal_views=tuple(
            LegalLine(
                told.source,
                told.data.view,
                words_of(told.data.ground),
                words_of(told.data.conditions),
                told.data.protected_activity_considered,
            )
            for told in history.of(LegalViewGiven)
            if told.data.action_id == action_id
        ),
        authorised=tuple(
            told.source for told in history.of(ActionAuthorised) if told.data.action_id == action_id
        ),
        attempts=tuple(
            AttemptLine(
                told.source,
                told.data.outcome,
                told.data.carried_out_at,
                _authority(told.data),
                told.data.break_glass,
                words_of(told.data.note),
            )
            for told in history.of(Contained)
            if told.data.action_id == action_id
        ),
    )


def kind_of(action_id: UUID, history: History) -> tuple[ActionKind | None, ActionClass | None]:
    """From whichever event names it: the proposal itself may be one that this reader cannot
    read."""
    for event in history.events:
        if (
            isinstance(data := event.data, ActionProposed | Contained)
            and data.action_id == action_id
        ):
            return data.kind, data.action_class
    return None, None


def _authority(data: Contained) -> str:
    if data.authorised_by is not None:
        return (
            f"{data.authorised_by}, past a gate by break-glass"
            if data.break_glass
            else data.authorised_by
        )
    if data.action_class is ActionClass.PROTECTIVE:
        return "needs none: protective"
    return "break-glass" if data.break_glass else UNKNOWN


def endings(history: History) -> tuple[Ending, ...]:
    return (
        *(
            Ending(told.source, "not to act", words_of(told.data.reason))
            for told in history.of(InactionDecided)
        ),
        *(
            Ending(told.source, f"dismissed: {word(told.data.reason)}", words_of(told.data.note))
            for told in history.of(IncidentDismissed)
        ),
    )


def break_glass(history: History) -> tuple[GlassLine, ...]:
    words = {
        told.data.break_glass_id: SecondWord(
            told.source, told.data.upheld, words_of(told.data.note)
        )
        for told in history.of(BreakGlassConfirmed)
    }
    return tuple(
        GlassLine(
            source=told.source,
            break_glass_id=told.data.break_glass_id,
            gate=told.data.gate,
            action_id=told.data.action_id,
            kind=kind_of(told.data.action_id, history)[0],
            reason=words_of(told.data.reason),
            missing=told.data.missing,
            second_word=words.get(told.data.break_glass_id),
        )
        for told in history.of(BreakGlassUsed)
    )
