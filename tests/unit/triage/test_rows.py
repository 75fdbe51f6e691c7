"""What triage's readers are shown of facts, actions and break-glass: each row with the event that
it keeps, and nothing that is not known yet."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import pytest

from services.triage import queries
from services.triage.bodies import ActionView, BreakGlassView, FactView
from shared.contract.catalogue.base import WITHHELD, EventData
from shared.contract.disclosure import Disclosure, conceal
from shared.contract.vocabulary import FactKey, GateName, LegalView, Outcome
from tests.unit.answering import Answering
from tests.unit.concealing import bare, salts
from tests.unit.given import INCIDENT, START
from tests.unit.triage.world import (
    ACTION,
    FACT,
    GLASS,
    UNHEARD_OF,
    broken,
    contained,
    fact,
    legal_view,
    proposed,
    word,
)

SHOWN: Final = (
    fact(FactKey.WHERE),
    fact(FactKey.WHERE, known=False),
    proposed(),
    broken().data,
    *(legal_view(view) for view in LegalView),
    word(upheld=True),
)
TEXTS: Final = [text for data in SHOWN for text in conceal(data, salts())[1]]


def kept(data: EventData) -> str:
    """As a view keeps it: digests in place of texts."""
    return bare(data).model_dump_json()


FACT_ROW: Final[dict[str, Any]] = {
    "data": kept(fact(FactKey.WHERE)),
    "recorded_at": START,
    "recorded_by": "rob",
    "corrected_by": None,
}
ACTION_ROW: Final[dict[str, Any]] = {
    "proposal": kept(proposed()),
    "proposed_at": START,
    "proposed_by": "rob",
    "legal": None,
    "legal_by": None,
    "authorised_by": [],
    "outcome": None,
    "outcome_by": None,
}
GLASS_ROW: Final[dict[str, Any]] = {
    "use": kept(broken().data),
    "used_at": START,
    "used_by": "lea",
    "word": None,
    "word_by": None,
}


async def facts(texts: Sequence[Disclosure] = TEXTS, **changed: Any) -> FactView:
    (found,) = await queries.facts(Answering({**FACT_ROW, **changed}, texts=texts), INCIDENT, 9)
    return found


async def actions(texts: Sequence[Disclosure] = TEXTS, **changed: Any) -> ActionView:
    (found,) = await queries.actions(Answering({**ACTION_ROW, **changed}, texts=texts), INCIDENT, 9)
    return found


async def glass(texts: Sequence[Disclosure] = TEXTS, **changed: Any) -> BreakGlassView:
    rows = Answering({**GLASS_ROW, **changed}, texts=texts)
    (found,) = await queries.broken_glass(rows, INCIDENT, 9)
    return found


class TestAFact:
    @pytest.mark.parametrize("correction", [None, UNHEARD_OF])
    async def test_is_shown_with_who_recorded_and_what_corrected_it(
        self, correction: UUID | None
    ) -> None:
        found = await facts(corrected_by=correction)
        assert (found.fact_id, found.key, found.value) == (FACT, "where", "a value")
        assert (found.recorded_by, found.recorded_at) == ("rob", START)
        assert found.corrected_by == correction

    async def test_that_is_unknown_is_shown_as_such(self) -> None:
        found = await facts(data=kept(fact(FactKey.WHERE, known=False)))
        assert (found.known, found.value) == (False, "unknown")

    async def test_whose_texts_are_gone_is_shown_without_them(self) -> None:
        found = await facts(texts=())
        assert (found.value, found.source, found.label) == (WITHHELD, WITHHELD, None)
        assert (found.key, found.known, found.recorded_by) == ("where", True, "rob")


class TestAnAction:
    async def test_that_is_only_proposed_has_nothing_else(self) -> None:
        found = await actions()
        assert (found.action_id, found.target) == (ACTION, "the post")
        assert (found.legal, found.authorised_by, found.outcome) == (None, [], None)
        assert (found.gates, found.next_commands) == ([], [])

    @pytest.mark.parametrize("view", LegalView)
    async def test_has_its_legal_view_with_its_giver(self, view: LegalView) -> None:
        found = await actions(legal=kept(legal_view(view)), legal_by="liv")
        assert found.legal is not None
        assert (found.legal.view, found.legal_by) == (view, "liv")

    @pytest.mark.parametrize("outcome", Outcome)
    async def test_has_the_outcome_of_its_last_attempt(self, outcome: Outcome) -> None:
        found = await actions(
            authorised_by=["lea", "lou"],
            outcome=kept(contained(outcome)),
            outcome_by="rob",
        )
        assert found.outcome is not None
        assert (found.outcome.outcome, found.outcome_by) == (outcome, "rob")
        assert found.authorised_by == ["lea", "lou"]

    async def test_whose_texts_are_gone_is_shown_without_them(self) -> None:
        found = await actions(texts=(), legal=kept(legal_view()), legal_by="liv")
        assert found.legal is not None
        assert (found.target, found.legal.ground) == (WITHHELD, WITHHELD)
        assert (found.reason, found.legal.conditions) == (None, None), "nobody gave these"

    @pytest.mark.parametrize("column", ["proposal", "legal", "outcome"])
    async def test_of_which_a_part_cannot_be_read_is_never_shown_without_it(
        self, column: str
    ) -> None:
        with pytest.raises(ValueError, match=r"fewer than|Field required"):
            await actions(**{column: "{}"})


class TestBreakGlass:
    async def test_is_owed_a_word_until_there_is_one(self) -> None:
        found = await glass()
        assert (found.break_glass_id, found.gate) == (GLASS, GateName.LEGAL)
        assert (found.owed, found.word, found.word_by) == (True, None, None)

    @pytest.mark.parametrize("upheld", [True, False])
    async def test_is_owed_none_whatever_the_word_was(self, upheld: bool) -> None:
        found = await glass(word=kept(word(upheld=upheld)), word_by="lou")
        assert found.word is not None
        assert (found.owed, found.word.upheld, found.word_by) == (False, upheld, "lou")


@pytest.mark.parametrize("query", [queries.facts, queries.actions, queries.broken_glass])
async def test_what_is_read_is_of_one_incident_and_one_moment(query: Any) -> None:
    """Rows of a later version belong to a moment that the reader was not told of."""
    asked = Answering()
    assert await query(asked, INCIDENT, 9) == []
    assert asked.args == (INCIDENT, 9)
    assert "version <= $2 ORDER BY version" in asked.sql
