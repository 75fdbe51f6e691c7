"""Which texts of an incident retention has something to say of, and when. Pure; the rules have the
last word."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from services.review.domain import (
    EDITIONS,
    KIND_OF,
    Command,
    EndRetention,
    State,
    WarnOfRetention,
    erased_from,
    next_look,
)
from services.review.erasures.scope import erased_text
from shared.contract.about import texts_in
from shared.contract.catalogue import (
    ErasedText,
    EventData,
    TextKind,
)
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Event

Kept: TypeAlias = Mapping[TextKind, Sequence[ErasedText]]


def looks_after(now: datetime, kept: Kept, state: State) -> list[datetime]:
    """When there is something to say of these kinds next."""
    tables = EDITIONS.under()
    return [at for kind in kept if (at := next_look(kind, state, tables)) is not None and at > now]


def texts_by_kind(events: Sequence[Event], found: Mapping[str, Disclosure], state: State) -> Kept:
    """The texts of an incident that are not erased, by the kinds that do not stay for good."""
    retention = EDITIONS.under().retention
    kept: dict[TextKind, list[ErasedText]] = defaultdict(list)
    for event in events:
        kind = KIND_OF.get(type(event.data)) if isinstance(event.data, EventData) else None
        if kind is not None and retention[kind] is not None:
            kept[kind].extend(
                erased_text(text)
                for text in texts_in(event, found)
                if text.digest not in state.forgetting.erased
            )
    return {kind: texts for kind, texts in kept.items() if texts}


def due_commands(
    kept: Kept, state: State, now: datetime, new_id: Callable[[], UUID]
) -> Sequence[Command]:
    """What there is to say: which kinds to warn of, which texts to erase."""
    tables = EDITIONS.under()
    ended = [
        kind for kind in kept if (at := erased_from(kind, state, tables)) is not None and at <= now
    ]
    near = [
        kind
        for kind in kept
        if kind not in ended and (at := next_look(kind, state, tables)) is not None and at <= now
    ]
    commands: list[Command] = [WarnOfRetention(tuple(near))] if near else []
    if ended:
        texts = tuple(text for kind in ended for text in kept[kind])
        commands.append(EndRetention(new_id(), tuple(ended), texts))
    return commands
