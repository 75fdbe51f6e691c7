"""The grammar of every domain test: given what was said, when a command comes, then these events or
this refusal.

given(domain, Reported(...), FactRecorded(...)).when(Assess(...), by=LEAD).then(Assessed(...))
given(domain, ...).when(command, by=LEGAL).then_rejected("four_eyes", missing=("somebody else",))
"""

import ast
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol
from uuid import UUID

import pytest

from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData
from shared.contract.decision import Actor, Context, Rejected
from shared.contract.envelope import Event, Link
from shared.contract.hashing import ZERO_HASH
from tests.unit.concealing import bare

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INCIDENT = UUID("01960000-0000-7000-8000-000000000001")


def actor(subject: str, *roles: Role) -> Actor:
    return Actor(subject, frozenset(roles))


def event(
    data: EventData, *, number: int = 1, by: str = "somebody", at: datetime | None = None
) -> Event:
    """An event as a reader sees it; only its place on a chain is made up."""
    return Event(
        id=UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000 + number),
        subject_id=INCIDENT,
        time=at or START + timedelta(minutes=number),
        actor=by,
        type=data.TYPE,
        data=data,
        link=Link(data.SAID_BY, 0, number, ZERO_HASH, ZERO_HASH),
        keyid="00000000",
        correlation_id="test",
        causation_id=None,
        traceparent=None,
        hash=ZERO_HASH,
        envelope=b"",
    )


class Domain(Protocol):
    """What a service's `domain` module offers."""

    INITIAL: Any
    decide: Callable[..., Sequence[EventData]]
    evolve: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class By:
    """Marks who said an event of the past: `By("maria", FactRecorded(...))`."""

    subject: str
    data: EventData


@dataclass(frozen=True, slots=True)
class Refusal:
    """All that a caller reads of a refusal: the rule, the sentence, what is missing, who can supply
    it."""

    rule: str
    detail: str
    missing: tuple[str, ...] = ()
    who: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    domain: Any
    state: Any
    events: int

    def and_given(self, *past: EventData | By) -> "Given":
        state, numbers = self.state, itertools.count(self.events + 1)
        for item in past:
            by, data = (item.subject, item.data) if isinstance(item, By) else ("somebody", item)
            state = self.domain.evolve(state, event(bare(data), number=next(numbers), by=by))
        return replace(self, state=state, events=self.events + len(past))

    def when(self, command: Any, by: Actor, at: datetime | None = None) -> "When":
        context = Context(at or START + timedelta(minutes=self.events + 1), by)
        return When(lambda: self.domain.decide(command, self.state, context))


@dataclass(frozen=True, slots=True)
class When:
    decide: Callable[[], Sequence[EventData]]

    def then(self, *expected: EventData) -> None:
        assert list(self.decide()) == list(expected)

    def then_rejected(self, rule: str, *, missing: tuple[str, ...] | None = None) -> Rejected:
        with pytest.raises(Rejected) as refused:
            self.decide()
        assert refused.value.rule == rule, (
            f"refused by {refused.value.rule}: {refused.value.detail}"
        )
        if missing is not None:
            assert refused.value.missing == missing
        return refused.value

    def then_refused(self, expected: Refusal) -> None:
        """Every word counts, not the rule alone."""
        with pytest.raises(Rejected) as refused:
            self.decide()
        said = refused.value
        assert Refusal(said.rule, said.detail, said.missing, said.who) == expected
        assert str(said) == expected.detail


def given(domain: Any, *past: EventData | By) -> Given:
    return Given(domain, domain.INITIAL, 0).and_given(*past)


def rules_in(domain: ModuleType) -> set[str]:
    """The rules that the modules of a domain refuse by, read off the calls of Rejected and Lack
    that name their rule outright."""
    sources = Path(domain.__file__ or "").parent.glob("*.py")
    calls = (
        node
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in ("Rejected", "Lack")
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }
