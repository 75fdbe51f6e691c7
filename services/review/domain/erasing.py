"""Forgetting what people wrote: who may ask for it, whose second word it takes, what stands in its
way, and when a text's time has ended by itself.

It takes no notice of how far the review is: what is published or dismissed is forgotten as well. No
rule here reads a text; which texts a request means is found before, from the record."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, assert_never
from uuid import UUID, uuid5

from services.review.domain.commands import (
    ConfirmErasure,
    EndRetention,
    Erasing,
    PlaceHold,
    RefuseErasure,
    ReleaseHold,
    RequestErasure,
    WarnOfRetention,
)
from services.review.domain.state import Asked, State
from services.review.domain.tables import (
    OF_PERSONS,
    WHO_SPEAKS_FOR,
    Tables,
)
from shared.contract.authority import who_may
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import (
    ContentErased,
    ErasedText,
    ErasureGround,
    ErasureRefused,
    ErasureRequested,
    HoldPlaced,
    HoldReleased,
    RetentionWarned,
    Side,
    TextKind,
)
from shared.contract.decision import Actor, Context, Missing, Rejected, check_authority

OTHER: Final = {Side.PRIVACY: Side.LEGAL, Side.LEGAL: Side.PRIVACY}
DAY: Final = timedelta(days=1)


def decide(command: Erasing, state: State, context: Context, tables: Tables) -> list[EventData]:
    """What the command makes true. Raises Rejected and Missing."""
    match command:
        case WarnOfRetention():
            return _warn(command, state, context.now, tables)
        case EndRetention():
            return _end(command, state, context, tables)
    check_authority(command, context.actor)
    match command:
        case RequestErasure():
            return _request(command, state, context.actor, tables)
        case ConfirmErasure():
            return _confirm(command, state, context.actor)
        case RefuseErasure():
            _asked(command.erasure_id, state)
            return [ErasureRefused(erasure_id=command.erasure_id, reason=command.reason)]
        case PlaceHold():
            side = _side(command.side, context.actor)
            return [HoldPlaced(hold_id=command.hold_id, placed_as=side, reason=command.reason)]
        case ReleaseHold():
            return _release(command, state, context.actor)
        case _:
            assert_never(command)


def _request(
    command: RequestErasure, state: State, actor: Actor, tables: Tables
) -> list[EventData]:
    side = _side(command.side, actor)
    if command.ground not in OF_PERSONS:
        raise Rejected(
            "ground",
            f"{command.ground} is the ground of the table of retention, not a person's; "
            f"give one of {', '.join(OF_PERSONS)}.",
            missing=("ground",),
            who=who_may(RequestErasure),
        )
    return [
        ErasureRequested(
            erasure_id=erasure_id,
            scope=command.scope,
            ground=command.ground,
            texts=texts,
            asked_as=side,
            reason=command.reason,
        )
        for erasure_id, texts in _split(
            command.erasure_id, _left(command.texts, state), tables.most_texts
        )
    ]


def _confirm(command: ConfirmErasure, state: State, actor: Actor) -> list[EventData]:
    asked = _asked(command.erasure_id, state)
    _check_other_side(asked.side, asked.by, actor, "An erasure")
    _check_no_hold(state)
    return [
        ContentErased(
            erasure_id=command.erasure_id,
            ground=asked.ground,
            texts=_left(asked.texts, state),
            requested_by=asked.by,
            confirmed_by=actor.subject,
        )
    ]


def _release(command: ReleaseHold, state: State, actor: Actor) -> list[EventData]:
    hold = state.forgetting.holds.get(command.hold_id)
    if hold is None:
        raise Missing(f"hold {command.hold_id}")
    _check_other_side(hold.side, hold.by, actor, "Releasing a hold")
    return [HoldReleased(hold_id=command.hold_id, reason=command.reason)]


def _warn(command: WarnOfRetention, state: State, now: datetime, tables: Tables) -> list[EventData]:
    """The warnings that are due and were not given; those that were missed count as given."""
    _check_no_hold(state)
    due: dict[tuple[int, datetime], list[TextKind]] = {}
    for kind in sorted(set(command.kinds)):
        ends = _ends(kind, state, tables)
        days = min((days for days in tables.warnings if ends - days * DAY <= now), default=None)
        if days is None:
            raise Rejected("retention", f"The time of {kind} ends on {ends:%Y-%m-%d}.")
        warned = state.forgetting.warned.get(kind)
        if warned is None or days < warned.days:
            due.setdefault((days, ends), []).append(kind)
    return [
        RetentionWarned(kinds=tuple(kinds), days=days, ends_at=ends)
        for (days, ends), kinds in due.items()
    ]


def _end(command: EndRetention, state: State, context: Context, tables: Tables) -> list[EventData]:
    _check_no_hold(state)
    if not command.kinds:
        raise Rejected("retention", "No kind of text is named.")
    for kind in command.kinds:
        if (ends := erased_from(kind, state, tables)) is None or context.now < ends:
            raise Rejected("retention", f"The time of {kind} has not ended, or nobody was warned.")
    return [
        ContentErased(
            erasure_id=erasure_id,
            ground=ErasureGround.RETENTION_ENDED,
            texts=texts,
            requested_by=context.actor.subject,
            kinds=command.kinds,
        )
        for erasure_id, texts in _split(
            command.erasure_id, _left(command.texts, state), tables.most_texts
        )
    ]


def erased_from(kind: TextKind, state: State, tables: Tables) -> datetime | None:
    """When texts of this kind may be erased by retention; None while nobody was warned that it is
    about to be, or it is kept."""
    warned = state.forgetting.warned.get(kind)
    if warned is None or warned.days > tables.warnings[-1]:
        return None
    return max(_ends(kind, state, tables), warned.at + DAY)


def next_look(kind: TextKind, state: State, tables: Tables) -> datetime | None:
    """When retention has something to say of this kind next; None while it has not."""
    days, closed = tables.retention[kind], state.forgetting.closed_at
    if days is None or closed is None:
        return None
    if (erased := erased_from(kind, state, tables)) is not None:
        return erased
    warned = state.forgetting.warned.get(kind)
    left = [one for one in tables.warnings if warned is None or one < warned.days]
    return closed + (days - left[0]) * DAY


def _ends(kind: TextKind, state: State, tables: Tables) -> datetime:
    days, closed = tables.retention[kind], state.forgetting.closed_at
    if closed is None:
        raise Rejected("retention", "Time runs from the day on which the incident is closed.")
    if days is None:
        raise Rejected("retention", f"Texts of the kind {kind} are kept.")
    return closed + days * DAY


def _side(wanted: Side | None, actor: Actor) -> Side:
    """For which side the person speaks: the one that is named, or the one that is theirs."""
    sides = [side for side, roles in WHO_SPEAKS_FOR.items() if actor.has(*roles)]
    if wanted is None and len(sides) == 1:
        return sides[0]
    if wanted is None:
        raise Rejected(
            "side",
            "You may speak for both sides: say for which, privacy or legal.",
            missing=("side",),
            who=who_may(RequestErasure),
        )
    if wanted not in sides:
        roles = WHO_SPEAKS_FOR[wanted]
        raise Rejected("role", f"For {wanted} speaks {' or '.join(roles)}.", who=roles)
    return wanted


def _check_other_side(side: Side, by: str, actor: Actor, what: str) -> None:
    """Raises Rejected unless another person of the other side has the last word."""
    other = OTHER[side]
    if actor.subject == by or not actor.has(*WHO_SPEAKS_FOR[other]):
        raise Rejected(
            "four_eyes",
            f"{what} takes two persons, one for privacy and one for legal; {side} has spoken, the "
            f"word of another person for {other} is missing.",
            missing=(f"word_of_{other}",),
            who=WHO_SPEAKS_FOR[other],
        )


def _check_no_hold(state: State) -> None:
    if state.forgetting.holds:
        held = sorted(str(hold_id) for hold_id in state.forgetting.holds)
        raise Rejected(
            "legal_hold",
            f"A hold keeps every text of this incident: {', '.join(held)}.",
            missing=tuple(f"release_of_hold_{hold_id}" for hold_id in held),
            who=who_may(ReleaseHold),
        )


def _asked(erasure_id: UUID, state: State) -> Asked:
    if (asked := state.forgetting.asked.get(erasure_id)) is None:
        raise Missing(f"a pending erasure {erasure_id}")
    return asked


def _left(texts: Sequence[ErasedText], state: State) -> tuple[ErasedText, ...]:
    """Those that are not erased yet, each once. Raises Rejected when none is left."""
    left = {one.digest: one for one in texts if one.digest not in state.forgetting.erased}
    if not left:
        raise Rejected(
            "nothing_to_erase",
            "No text is left of what is asked for: there was none, or it is erased already.",
        )
    return tuple(left.values())


def _split(
    erasure_id: UUID, texts: tuple[ErasedText, ...], most: int
) -> Iterator[tuple[UUID, tuple[ErasedText, ...]]]:
    """As much as an event holds, under the id or one that follows from it."""
    for first in range(0, len(texts), most):
        part = erasure_id if first == 0 else uuid5(erasure_id, str(first))
        yield part, texts[first : first + most]
