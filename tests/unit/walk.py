"""Random walks through the rules of all four services: every kind of command, with whatever its
fields may hold, put to `decide` as people of every role; what is said is heard by all.

A new command is walked as soon as it is in its service's `Command`: values are made from the types
of its fields. Only fields whose value must agree with something said before are named here."""

import random
import types
import typing
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from services.intake import domain as intake
from services.notify import domain as notify
from services.notify.domain.commands import DraftCommunication, Reject
from services.review import domain as review
from services.review.domain.commands import (
    EndRetention,
    PlaceHold,
    Publish,
    RecordFinding,
    RequestErasure,
    WarnOfRetention,
)
from services.triage import domain as triage
from services.triage.domain.commands import BreakGlass, Dismiss, ProposeAction, RecordFact
from shared.contract.authority import AUTHORITY, Role, command_name, who_may
from shared.contract.catalogue.base import EventData, Withheld
from shared.contract.catalogue.review import TextKind
from shared.contract.decision import Actor, Context, Gate, Missing, Rejected
from shared.contract.disclosure import SALT_BYTES, conceal
from shared.contract.envelope import Event, Link
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import ServiceName
from tests.unit.given import INCIDENT, START, actor

DOMAINS: Final[dict[ServiceName, Any]] = {
    ServiceName.INTAKE: intake,
    ServiceName.TRIAGE: triage,
    ServiceName.NOTIFY: notify,
    ServiceName.REVIEW: review,
}

PEOPLE: Final = (
    *(actor(f"{role}-{number}", role) for role in Role for number in (1, 2)),
    actor("everything", *Role),
    actor("nothing"),
)

TITLE, TEXT = "Mind the whiteboard", "It was removed."


def commands_of(service: ServiceName) -> tuple[type, ...]:
    """Every kind of command that the service's `decide` takes."""
    command = DOMAINS[service].Command
    return typing.get_args(command) or (command,)


COMMANDS: Final[dict[type, ServiceName]] = {
    kind: service for service in ServiceName for kind in commands_of(service)
}

NAMED: Final = frozenset(name for names in AUTHORITY.values() for name in names)
OF_PEOPLE: Final = tuple(kind for kind in COMMANDS if command_name(kind) in NAMED)
OF_SERVICES: Final = tuple(kind for kind in COMMANDS if command_name(kind) not in NAMED)
"""Reactions and the sender's own: in no row of the table of authority."""


MAKES: Final[dict[type, str]] = {
    RecordFact: "fact_id",
    ProposeAction: "action_id",
    BreakGlass: "break_glass_id",
    DraftCommunication: "communication_id",
    RecordFinding: "finding_id",
    RequestErasure: "erasure_id",
    EndRetention: "erasure_id",
    PlaceHold: "hold_id",
}
"""The field that holds a new id; every other id names what was said before."""

ENDS: Final = (Dismiss, Publish, Reject, PlaceHold)
PATIENT: Final = (WarnOfRetention, EndRetention)
"""They become possible years after the end: time passes before some of them."""
MANY: Final = (ProposeAction, DraftCommunication)
WEIGHTS: Final = [0.02 if kind in ENDS else 0.3 if kind in MANY else 1 for kind in COMMANDS]
"""An end is given seldom, or walks would be short; few things are begun, so that they get far."""


@cache
def _fields(kind: type) -> Sequence[tuple[str, Any]]:
    hints = typing.get_type_hints(kind)
    names = kind.model_fields if issubclass(kind, BaseModel) else [one.name for one in fields(kind)]
    return [(name, hints[name]) for name in names]


@cache
def _allowed(kind: type) -> Sequence[Actor]:
    return [one for one in PEOPLE if one.has(*who_may(kind))]


@dataclass(frozen=True, slots=True)
class Step:
    """One command that was put to its service, and what came of it."""

    service: ServiceName
    state: Any
    command: Any
    by: Actor
    at: datetime
    said: tuple[EventData, ...] = ()
    refusal: Rejected | None = None


@dataclass(slots=True)
class Walk:
    """One incident. `ids` are those that were said, by the name of their field."""

    chance: random.Random
    states: dict[ServiceName, Any] = field(
        default_factory=lambda: {name: one.INITIAL for name, one in DOMAINS.items()}
    )
    events: list[Event] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    ids: dict[str, list[UUID]] = field(default_factory=dict)
    gates_seen: set[Gate] = field(default_factory=set)
    numbers: Counter[ServiceName] = field(default_factory=Counter)
    now: datetime = START

    def go(self, steps: int) -> "Walk":
        for kind in self.chance.choices(list(COMMANDS), WEIGHTS, k=steps):
            self.put(kind)
        return self

    def put(self, kind: type) -> None:
        service = COMMANDS[kind]
        if kind in PATIENT and self.chance.random() < 0.05:
            self.now += timedelta(days=self.chance.choice((1, 400)))
        by = self._person(kind) if kind in OF_PEOPLE else Actor.service(service)
        command = self.some(kind, by)
        state, at = self.states[service], self.now
        try:
            edition = DOMAINS[service].edition_for(command, state)
            said = tuple(DOMAINS[service].decide(command, state, Context(at, by, edition)))
        except Rejected as refusal:
            self.steps.append(Step(service, state, command, by, at, refusal=refusal))
        except Missing:
            pass
        else:
            self.steps.append(Step(service, state, command, by, at, said))
            for data in said:
                self.hear(service, data, by.subject, edition)
            self.now += timedelta(minutes=self.chance.choice((1, 15)) if said else 0)

    def _person(self, kind: type) -> Actor:
        """More often than not one who may."""
        if self.chance.random() < 0.2:
            return self.chance.choice(PEOPLE)
        return self.chance.choice(_allowed(kind))

    def hear(self, service: ServiceName, data: EventData, by: str, edition: int = 1) -> None:
        bare, _ = conceal(data, lambda: self.chance.randbytes(SALT_BYTES))
        said = self.made(service, bare, by, edition)
        self.events.append(said)
        for name, value in bare:
            if isinstance(value, UUID):
                self.ids.setdefault(name, []).append(value)
        for heard, domain in DOMAINS.items():
            self.states[heard] = domain.evolve(self.states[heard], said)
            if len(self.events) % 5 == 0:
                self.gates_seen.update(domain.gates(self.states[heard]))

    def made(self, service: ServiceName, bare: EventData, by: str, edition: int) -> Event:
        """The event as a reader sees it; its place on a chain is made up."""
        self.numbers[service] += 1
        return Event(
            id=self.new_id(),
            subject_id=INCIDENT,
            time=self.now,
            actor=by,
            type=bare.TYPE,
            data=bare,
            link=Link(service, 0, self.numbers[service], ZERO_HASH, ZERO_HASH),
            keyid="00000000",
            correlation_id="walk",
            causation_id=None,
            traceparent=None,
            hash=ZERO_HASH,
            envelope=b"",
            rules=edition,
        )

    def new_id(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def some(self, kind: type, by: Actor) -> Any:
        """A command of this kind, or a part of one, as this person might give it."""
        made = MAKES.get(kind)
        return kind(
            **{
                name: self.new_id() if name == made else self._field(name, hint, by)
                for name, hint in _fields(kind)
            }
        )

    def _field(self, name: str, hint: Any, by: Actor) -> Any:
        match name:
            case "holder":
                return self.chance.choice((by.subject, "somebody-else"))
            case "owner":
                return "trainer-tom"
            case "channel" if hint is str:
                return self.chance.choice(("mail", "mail", "pigeon"))
            case "channels":
                return frozenset({"mail"})
            case "title":
                return TITLE
            case "text":
                return TEXT
            case "texts" if hint == tuple[str, ...]:
                drafts = list(self.states[ServiceName.NOTIFY].messages.values())
                return self.chance.choice(drafts).texts if drafts else ()
            case "kinds":
                warned = list(self.states[ServiceName.REVIEW].forgetting.warned)
                return (self.chance.choice([*warned, *TextKind]),)
            case "skeleton_sha256":
                return "0" * 64
            case "name":
                return "text"
            case "digest":
                return self.chance.choice("BCDEFGHI") * 43
            case "sd":
                return ()
            case "covers":
                return self.states[ServiceName.REVIEW].covers
            case "corrects":
                return self.chance.choice((None, None, None, self._id("fact_id")))
            case "facts":
                return tuple(self._id("fact_id") for _ in range(self.chance.choice((0, 1, 1, 2))))
            case _:
                return self._value(name, hint, by)

    def _id(self, name: str) -> UUID:
        """One that was said, the later the likelier."""
        known = self.ids.get(name, [])[-4:]
        return self.chance.choice(known) if known and self.chance.random() < 0.95 else self.new_id()

    def _value(self, name: str, hint: Any, by: Actor) -> Any:
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin in (types.UnionType, typing.Union):
            # A caller gives a text, or none: only a reader finds one withheld.
            return self._optional(name, [one for one in inner if one is not Withheld], by)
        if origin is tuple:
            count = self.chance.choice((0, 1, 2))
            return tuple(self._value(name, inner[0], by) for _ in range(count))
        if issubclass(hint, Enum):
            return self.chance.choice(list(hint))
        if issubclass(hint, BaseModel):
            return self.some(hint, by)
        return self._plain(name, hint)

    def _optional(self, name: str, inner: Sequence[Any], by: Actor) -> Any:
        chosen = self.chance.choice(inner)
        return None if chosen is types.NoneType else self._value(name, chosen, by)

    def _plain(self, name: str, hint: type) -> Any:
        if hint is bool:
            return self.chance.random() < 0.6
        if hint is int:
            return self.chance.choice((1, 1, 1, 2, 3))
        if hint is UUID:
            return self._id(name)
        if hint is datetime:
            return self.now + timedelta(minutes=self.chance.choice((-60, -1, 0, 0, 60)))
        if hint is date:
            return self.now.date() + timedelta(days=self.chance.choice((-1, 0, 1, 30)))
        assert hint is str, f"{name}: say here how a {hint} is made"
        return self.chance.choice(("words", "other words", "words", "other words", "unknown"))


@cache
def walks(count: int = 24, steps: int = 1500) -> Sequence[Walk]:
    """The same walks in every run."""
    return tuple(Walk(random.Random(seed)).go(steps) for seed in range(count))
