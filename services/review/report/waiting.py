"""How long action waited for facts and for legal.

An action waits from its proposal until it is authorised or carried out, whichever comes first: what
comes later did not hold it up."""

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from services.review.report.durations import duration
from services.review.report.history import History
from services.review.report.model import ActionLine, Span, Wait
from shared.contract.catalogue.triage import BreakGlassUsed, FactRecorded
from shared.contract.editions import Editions
from shared.contract.vocabulary import ActionClass, Confidence, FactKey, GateName, LegalView
from shared.contract.wording import UNKNOWN, words

_ANY: Final = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
_FIRM: Final = (Confidence.MEDIUM, Confidence.HIGH)
_CORRECTIVE: Final = (
    FactKey.AUTHENTIC_AND_OURS,
    FactKey.INFORMATION_KIND,
    FactKey.WHERE,
    FactKey.STILL_LIVE,
    FactKey.WHO_CAN_SEE,
)

Asked: TypeAlias = Mapping[ActionClass, tuple[tuple[FactKey, ...], tuple[Confidence, ...]]]

ASKED: Final[Editions[Asked]] = Editions(
    {
        1: {
            ActionClass.PROTECTIVE: ((), _ANY),
            ActionClass.CORRECTIVE: (_CORRECTIVE, _ANY),
            ActionClass.AGAINST_A_PERSON: (
                (*_CORRECTIVE, FactKey.WHO_POSTED, FactKey.HOW_POSTER_IS_KNOWN),
                _FIRM,
            ),
        },
    }
)
"""Which facts triage asks for, and how firmly, by the edition of triage's rules; a test holds it
equal to triage's own tables."""

NOT_ASKED: Final = Span(None, "not asked for: protective")


def waits(actions: tuple[ActionLine, ...], history: History) -> tuple[Wait, ...]:
    """An action is held to the edition of triage's rules that it was proposed under. Raises
    UnknownEdition."""
    return tuple(_wait(action, history) for action in actions)


def _wait(action: ActionLine, history: History) -> Wait:
    return Wait(
        action.action_id,
        action.kind,
        action.proposed,
        _for_facts(action, history),
        _for_legal(action, history),
        _until_carried_out(action),
    )


def _until_carried_out(action: ActionLine) -> Span:
    if action.proposed is None:
        return Span(None, UNKNOWN)
    if not action.attempts:
        return Span(None, "not carried out")
    return _since(action.proposed.at, action.attempts[0].source.at)


def _for_facts(action: ActionLine, history: History) -> Span:
    if action.proposed is None or action.action_class is None:
        return Span(None, UNKNOWN)
    edition = history.edition_of(action.proposed.event)
    keys, firm = ASKED.under(edition)[action.action_class]
    if not keys:
        return NOT_ASKED
    over = _over(action)
    complete, missing = _complete(history, keys, firm, over)
    if complete is not None:
        return _since(action.proposed.at, complete)
    return _not_complete(
        GateName.FACTS, action.action_id, over, f"still waiting for: {words(missing)}", history
    )


def _for_legal(action: ActionLine, history: History) -> Span:
    if action.action_class is ActionClass.PROTECTIVE:
        return NOT_ASKED
    if action.proposed is None:
        return Span(None, UNKNOWN)
    over = _over(action)
    views = [view for view in action.legal_views if over is None or view.source.at <= over]
    cleared = list(
        itertools.takewhile(lambda view: view.view is not LegalView.REFUSED, reversed(views))
    )
    if cleared:
        return _since(action.proposed.at, cleared[-1].source.at)
    if views:
        return Span(None, f"refused after {_since(action.proposed.at, views[-1].source.at).says}")
    return _not_complete(
        GateName.LEGAL, action.action_id, over, "still waiting for a legal view", history
    )


def _over(action: ActionLine) -> datetime | None:
    """When the waiting ended."""
    ends = [source.at for source in action.authorised] + [
        attempt.source.at for attempt in action.attempts
    ]
    return min(ends, default=None)


def _complete(
    history: History,
    keys: tuple[FactKey, ...],
    firm: tuple[Confidence, ...],
    until: datetime | None,
) -> tuple[datetime | None, tuple[FactKey, ...]]:
    """Since when every fact stood, as of the end of the waiting; and which did not."""
    counting: dict[UUID, tuple[str, Confidence]] = {}
    since: datetime | None = None
    missing = keys
    for told in history.of(FactRecorded):
        if until is not None and told.source.at > until:
            break
        if told.data.corrects is not None:
            counting.pop(told.data.corrects, None)
        if told.data.known:
            counting[told.data.fact_id] = (told.data.key, told.data.confidence)
        # As in triage, the last fact recorded for a key is the one that counts.
        latest = dict(counting.values())
        missing = tuple(key for key in keys if latest.get(key) not in firm)
        since = None if missing else since or told.source.at
    return since, missing


def _not_complete(
    gate: GateName, action_id: UUID, over: datetime | None, waiting: str, history: History
) -> Span:
    if over is None:
        return Span(None, waiting)
    broken = any(
        told.data.action_id == action_id and told.data.gate is gate
        for told in history.of(BreakGlassUsed)
    )
    return Span(None, "passed by break-glass" if broken else UNKNOWN)


def _since(start: datetime, end: datetime) -> Span:
    seconds = round((end - start).total_seconds(), 3)
    return Span(max(seconds, 0.0), duration(seconds) if seconds >= 0 else "nothing: it was there")
