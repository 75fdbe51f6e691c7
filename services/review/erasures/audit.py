"""Whether an erasure names texts that the record has: no rule can tell, for the rules know which
texts are gone and not which there were."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from services.review.domain.tables import KIND_OF
from shared.audit.decisions import Violation
from shared.contract.about import texts_in
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import ContentErased, ErasedText, ErasureRequested
from shared.contract.envelope import Event

ERASES_THE_UNKNOWN: Final = "erases_the_unknown"
ERASES_ANOTHER_KIND: Final = "erases_another_kind"


def erasures(events: Sequence[Event]) -> Iterator[Violation]:
    """`events` are of one incident. A violation for each erasure that names a text which does not
    stand in its event, or that the table of retention keeps longer."""
    erasing = [
        event for event in events if isinstance(event.data, ErasureRequested | ContentErased)
    ]
    if not erasing:
        return
    known = {event.id: event for event in events}
    digests = {event.id: {text.digest for text in texts_in(event, {})} for event in events}
    for event in erasing:
        assert isinstance(event.data, ErasureRequested | ContentErased)
        for text in event.data.texts:
            if (flaw := _flaw(event.data, text, known, digests)) is not None:
                yield Violation(event, *flaw)
                break


def _flaw(
    data: ErasureRequested | ContentErased,
    text: ErasedText,
    known: Mapping[UUID, Event],
    digests: Mapping[UUID, set[str]],
) -> tuple[str, str] | None:
    if text.digest not in digests.get(text.event_id, ()):
        where = f"event {text.event_id}"
        return ERASES_THE_UNKNOWN, f"{where} of this incident has no text {text.digest[:16]}…"
    of = known[text.event_id].data
    if isinstance(data, ContentErased) and data.kinds and isinstance(of, EventData):
        kind = KIND_OF.get(type(of))
        if kind not in data.kinds:
            return ERASES_ANOTHER_KIND, f"a text of event {text.event_id} is of the kind {kind}"
    return None
