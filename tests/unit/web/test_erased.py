"""How a text that is gone is told: by the digest that a view keeps of it."""

from typing import Final
from uuid import UUID

import pytest

from shared.contract.catalogue.review import ErasureGround, LessonRecorded
from shared.contract.disclosure import by_digest, conceal
from shared.runtime.say.texts import Erasure, Told
from shared.runtime.web.erased import ErasedView
from tests.unit.given import START

LESSON, DISCLOSURES = conceal(LessonRecorded(text="Look behind you."), lambda: bytes(16))
(DIGEST,) = LESSON.sd
ERASURE: Final = Erasure(UUID(int=7), "text", START, ErasureGround.OBJECTION)


@pytest.mark.parametrize(
    ("told", "digest", "text", "erasure"),
    [
        (Told(by_digest(DISCLOSURES)), DIGEST, "Look behind you.", None),
        (Told({}, {DIGEST: ERASURE}), DIGEST, None, ERASURE),
        (Told({}), DIGEST, None, None),
        (Told(by_digest(DISCLOSURES), {DIGEST: ERASURE}), None, None, None),
        (Told({}, {DIGEST: ERASURE}), "0" * 43, None, None),
    ],
    ids=["at hand", "erased", "not at hand", "none given", "another erased"],
)
def test_a_text_is_there_or_says_why_not(
    told: Told, digest: str | None, text: str | None, erasure: Erasure | None
) -> None:
    assert (told.of(digest), told.erasure(digest)) == (text, erasure)


def test_an_erasure_is_shown_with_its_time_and_ground_and_nothing_else() -> None:
    view = ErasedView.of(ERASURE)
    assert view is not None
    assert view.model_dump(mode="json") == {
        "erased_at": "2026-03-02T09:00:00Z",
        "ground": "objection",
    }
    assert ErasedView.of(None) is None
