"""What a request to erase comes to: the texts that it means, found in what review knows of the
incident, and never taken from the caller."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from services.review.domain.commands import RequestErasure
from services.review.erasures.bodies import ErasureBody
from shared.contract.about import UNNAMED, TextIn, texts_about, texts_in
from shared.contract.catalogue.review import ContentErased, ErasedText
from shared.contract.decision import Missing, Rejected
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Event

FIELD: Final = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}"

Found = Mapping[str, Disclosure]


def request_of(
    body: ErasureBody, erasure_id: UUID, events: Sequence[Event], found: Found
) -> RequestErasure:
    """The command; `events` are all that is known of the incident. Raises Missing when the event
    is none of them, Rejected when a field cannot be told from another."""
    scope = body.scope  # before anything is looked for
    return RequestErasure(
        erasure_id,
        scope,
        body.ground,
        tuple(erased_text(text) for text in _meant(body, events, found)),
        body.reason,
        body.side,
    )


def erased_text(text: TextIn) -> ErasedText:
    """A field that its speaker has named as no field is called cannot be named."""
    name = text.name if re.fullmatch(FIELD, text.name) else UNNAMED
    return ErasedText(event_id=text.event_id, name=name, digest=text.digest)


def _meant(body: ErasureBody, events: Sequence[Event], found: Found) -> Iterator[TextIn]:
    if body.event_id is None:
        for event in events:
            yield from texts_about(event, found, body.person, body.mentions)
        return
    of_event = next((one for one in events if one.id == body.event_id), None)
    if of_event is None:
        raise Missing(f"event {body.event_id} of this incident")
    texts = texts_in(of_event, found)
    if body.fields:
        _check_told_apart(body.fields, texts, found, events)
        texts = [text for text in texts if text.name in body.fields]
    yield from texts


def _check_told_apart(
    fields: Sequence[str], texts: Sequence[TextIn], found: Found, events: Sequence[Event]
) -> None:
    """A digest does not say which field it stands for: a text that has not come here yet may be
    one of these."""
    erased = {
        text.digest
        for event in events
        if isinstance(event.data, ContentErased)
        for text in event.data.texts
    }
    waiting = [text for text in texts if text.digest not in found and text.digest not in erased]
    if waiting and not set(fields) <= {text.name for text in texts}:
        raise Rejected(
            "texts_at_hand",
            "Not every text of this event has come here yet, so that nobody can tell which of "
            "them these fields are: ask again later, or leave `fields` out to erase them all.",
            missing=("texts",),
        )
