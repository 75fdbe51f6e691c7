"""A service's own rules, run over the history: whether each event could be said when it was said.

An event is held against the tables of the edition of the rules that it names (`rules`), never
against newer ones. An edition that this build does not know is told as such: of what was decided
under it nothing can be said.

A service decides on what it has said and on what it has heard by then. What it had heard nobody
recorded, but it hears a partition in order, and cannot have heard what the log has later. So an
event is a violation only when no such moment allows it: the rules are asked with everything before
it in the log, then with one event heard less, and so on.

What a caller's token said of roles is not in the history; every actor is taken to have every role.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData
from shared.contract.decision import Actor, Context, Gate, Missing, Rejected
from shared.contract.disclosure import same_but_for_texts
from shared.contract.editions import EDITION_UNKNOWN, Editions, UnknownEdition
from shared.contract.envelope import Event
from shared.contract.topics import INCIDENT, kind_of
from shared.contract.vocabulary import ServiceName

MOMENTS: Final = 64
"""How many events a service may be behind; more than it ever is, and a bound for a history that was
made to be slow."""

ENOUGH: Final = 50
"""Violations that are told of one service and subject."""

UNFORESEEN: Final = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
"""What a rule may raise on a history that no service of ours would have written."""

EVERYBODY: Final = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Domain:
    """The parts of a service's domain."""

    initial: Any
    decide: Callable[[Any, Any, Context], Sequence[EventData]]
    evolve: Callable[[Any, Event], Any]
    editions: Editions[Any]
    kind: str = INCIDENT
    """Of subject: the first word of the types of events that are about it."""


CommandsFor = Callable[[EventData], Sequence[Any]]
"""The commands that can lead to this event of the service, as far as the event tells."""


def recorded_by(data: EventData, commands: Sequence[Any]) -> Sequence[Any]:
    """Of these kinds of commands those whose `EVENT` this is, made again from it."""
    return tuple(made_again(kind, data) for kind in commands if kind.EVENT is type(data))


def made_again(kind: Any, data: EventData, **otherwise: Any) -> Any:
    """The command of this kind: each field is the event's of the same name, if it is not given
    otherwise. Raises AttributeError when the event has no such field."""
    names = [one.name for one in fields(kind) if one.name not in otherwise]
    return kind(**{name: getattr(data, name) for name in names}, **otherwise)


@dataclass(frozen=True, slots=True)
class Violation:
    event: Event
    rule: str
    detail: str


def violations(
    service: ServiceName, domain: Domain, commands_for: CommandsFor, events: Sequence[Event]
) -> Iterator[Violation]:
    """`events` are of one subject, in the order of the log. Ends after the first `ENOUGH`. Of a
    kind that the domain is not for it has nothing to say."""
    if events and kind_of(events[0].type) != domain.kind:
        return
    found, state = 0, domain.initial
    for number, event in enumerate(events):
        if _is_to_be_judged(event, service, domain):
            refusal = _refused(domain, commands_for, event, state)
            if refusal is not None and (
                refusal[0] == EDITION_UNKNOWN
                or not _was_allowed_before(domain, commands_for, event, events[:number])
            ):
                yield Violation(event, *refusal)
                found += 1
                if found == ENOUGH:
                    return
        state = _evolved(domain, state, event)


def _is_to_be_judged(event: Event, service: ServiceName, domain: Domain) -> bool:
    """What is of another kind than its subject is told as that (`kind_differs`)."""
    return (
        event.service == service
        and isinstance(event.data, EventData)
        and kind_of(event.type) == domain.kind
    )


def _was_allowed_before(
    domain: Domain, commands_for: CommandsFor, event: Event, before: Sequence[Event]
) -> bool:
    """At a moment at which the service had not heard the last of what is before it in the log."""
    return any(
        _refused(domain, commands_for, event, fold(domain, known)) is None
        for known in _moments(event, before)
    )


def _moments(event: Event, before: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """With one event heard less, two less, and so on; not without what caused the event."""
    known = list(before)
    for _ in range(MOMENTS):
        place = next(
            (at for at in range(len(known) - 1, -1, -1) if known[at].service != event.service), None
        )
        if place is None or known[place].id == event.causation_id:
            return
        del known[place]
        yield known


def fold(domain: Domain, events: Sequence[Event]) -> Any:
    """The service's state after these events."""
    state = domain.initial
    for event in events:
        state = _evolved(domain, state, event)
    return state


def gates_as_json(gates: Callable[[], Sequence[Gate]]) -> list[dict[str, Any]]:
    """The gates; where they are those of an edition that this build does not know, a line that says
    so."""
    try:
        return [gate.as_json() for gate in gates()]
    except UnknownEdition as unknown:
        return [
            {"gate": unknown.rule, "subject": "rules", "open": False, "missing": [unknown.detail]}
        ]


def last_edition(service: ServiceName, events: Sequence[Event]) -> int | None:
    """Of the rules, as the service last decided under it; None when it has decided nothing."""
    return next((event.rules for event in reversed(events) if event.service == service), None)


def _evolved(domain: Domain, state: Any, event: Event) -> Any:
    """An event that names what nobody had said changes nothing; it is a violation of its own
    service."""
    try:
        return domain.evolve(state, event)
    except UNFORESEEN:
        return state


def _refused(
    domain: Domain, commands_for: CommandsFor, event: Event, state: Any
) -> tuple[str, str] | None:
    """The rule that refuses, and why; None when a command gives this very event."""
    try:
        domain.editions.under(event.rules)
    except UnknownEdition as unknown:
        return unknown.rule, unknown.detail
    context = Context(event.time, Actor(event.actor, EVERYBODY), event.rules)
    refusal = "said_otherwise", "the rules give another event than this one"
    assert isinstance(event.data, EventData)
    try:
        for command in commands_for(event.data):
            try:
                decided = domain.decide(command, state, context)
                if any(same_but_for_texts(event.data, one) for one in decided):
                    return None
            except Rejected as rejected:
                refusal = rejected.rule, rejected.detail
            except Missing as missing:
                refusal = "never_said", str(missing)
    except UNFORESEEN as error:
        return "beyond_the_rules", f"no rule foresees it: {type(error).__name__} {error}"
    return refusal
