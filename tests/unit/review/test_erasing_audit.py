"""What an auditor holds against an erasure that names texts which the record does not have."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import pytest

from services.review.erasures.audit import (
    ERASES_ANOTHER_KIND,
    ERASES_THE_UNKNOWN,
    erasures,
)
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import (
    ContentErased,
    ErasedText,
    ErasureGround,
    ErasureRequested,
    ErasureScope,
    Side,
    TextKind,
)
from shared.contract.envelope import Event
from tests.unit.contract.test_about import REPORTED, told
from tests.unit.given import event

SAID, FOUND = told(REPORTED)
STANDING: Final = tuple(
    ErasedText(event_id=SAID.id, name=one.named()[0], digest=one.digest) for one in FOUND.values()
)
MADE_UP: Final = STANDING[0].model_copy(update={"digest": "m" * 43})
ELSEWHERE: Final = STANDING[0].model_copy(update={"event_id": UUID(int=99)})


def erased(*texts: ErasedText, kinds: tuple[TextKind, ...] = ()) -> ContentErased:
    ground = ErasureGround.RETENTION_ENDED if kinds else ErasureGround.OBJECTION
    return ContentErased(
        erasure_id=UUID(int=1), ground=ground, texts=texts, requested_by="pia", kinds=kinds
    )


def requested(*texts: ErasedText) -> ErasureRequested:
    return ErasureRequested(
        erasure_id=UUID(int=1),
        scope=ErasureScope.EVENT,
        ground=ErasureGround.OBJECTION,
        texts=texts,
        asked_as=Side.LEGAL,
        reason="They asked.",
    )


def accused(*said: EventData) -> Sequence[str]:
    events: list[Event] = [SAID, *(event(one, number=n) for n, one in enumerate(said, start=2))]
    return [one.rule for one in erasures(events)]


def test_a_history_without_erasures_has_nothing_to_be_held_against() -> None:
    assert accused() == []


def test_texts_that_stand_may_be_erased_with_their_digests_alone() -> None:
    assert accused(requested(*STANDING), erased(*STANDING)) == []
    assert accused(erased(*STANDING, kinds=(TextKind.REPORT, TextKind.FACT))) == []


@pytest.mark.parametrize("text", [MADE_UP, ELSEWHERE])
def test_a_text_that_does_not_stand_in_its_event_is_told_once(text: ErasedText) -> None:
    assert accused(requested(STANDING[0], text, text)) == [ERASES_THE_UNKNOWN]
    assert accused(erased(text), requested(text)) == [ERASES_THE_UNKNOWN] * 2


def test_retention_erases_the_kinds_that_it_names_alone() -> None:
    assert accused(erased(*STANDING, kinds=(TextKind.SENDING,))) == [ERASES_ANOTHER_KIND]
