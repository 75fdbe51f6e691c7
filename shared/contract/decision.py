"""What every decision takes and gives: who asks, when, and how a refusal is said."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeVar

from shared.contract.authority import Role, command_name, who_may
from shared.contract.vocabulary import GateName, ServiceName

C = TypeVar("C")
S = TypeVar("S")

SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When the commands that a caller may be offered are tried; no rule minds which time it is."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who gives a command. `subject` is the token's opaque subject; a service that reacts is
    `service:<name>`, without roles."""

    subject: str
    roles: frozenset[Role] = frozenset()

    @classmethod
    def service(cls, name: ServiceName) -> Self:
        """A service that acts by itself."""
        return cls(f"service:{name}")

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class Context:
    """The inputs of a decision that are not the command: time, actor, and the edition of the rules
    that it is made under. Ids come with the command."""

    now: datetime
    actor: Actor
    edition: int | None = None
    """None: the one that holds for the command as things stand."""


class Rejected(Exception):
    """A rule says no. Becomes a problem detail (RFC 9457) that names the rule, what is missing and
    who can supply it."""

    def __init__(
        self, rule: str, detail: str, *, missing: tuple[str, ...] = (), who: tuple[Role, ...] = ()
    ) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail
        self.missing = missing
        self.who = who


class Missing(Exception):
    """The command names an incident, an action or a message that does not exist."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not known here")
        self.what = what


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a gate is closed: the rule, what is missing, who can supply it, and the sentence that a
    person reads. Break-glass never passes a `final` one."""

    rule: str
    missing: tuple[str, ...]
    who: tuple[Role, ...]
    detail: str
    final: bool = False

    def refusal(self) -> Rejected:
        return Rejected(self.rule, self.detail, missing=self.missing, who=self.who)


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing a decision waits for: whether it is open, what is missing, who can supply it."""

    name: GateName
    subject: str
    open: bool
    missing: tuple[str, ...] = ()
    who: tuple[Role, ...] = ()
    passed_by_break_glass: bool = False

    @classmethod
    def of(cls, name: GateName, subject: str, lack: Lack | None, *, passed: bool = False) -> Self:
        """The gate as readers see it: open when nothing is lacking, or when break-glass passed
        it."""
        if lack is None:
            return cls(name, subject, open=True)
        return cls(name, subject, passed, lack.missing, lack.who, passed_by_break_glass=passed)

    def as_json(self) -> dict[str, Any]:
        return {
            "gate": self.name.value,
            "subject": self.subject,
            "open": self.open,
            "missing": list(self.missing),
            "who_can_supply": [role.value for role in self.who],
            "passed_by_break_glass": self.passed_by_break_glass,
        }


def name_of(command: object) -> str:
    """The name that callers read for a command: `RecordFact(...)` is `record_fact`."""
    return command_name(type(command))


def check_authority(command: object, actor: Actor) -> None:
    """Raises Rejected when the actor has none of the roles that may give this command."""
    roles = who_may(type(command))
    if not actor.has(*roles):
        raise Rejected("role", f"{name_of(command)} is for {' or '.join(roles)}.", who=roles)


def accepted(
    commands: Iterable[C],
    decide: Callable[[C, S, Context], Sequence[object]],
    state: S,
    actor: Actor,
) -> tuple[str, ...]:
    """The names, each once, of the commands that would say something now: what a caller is offered
    is asked of `decide` itself, so there is no second set of rules."""
    context = Context(SOME_TIME, actor)
    return tuple(
        dict.fromkeys(
            name_of(command)
            for command in commands
            if _says_something(command, decide, state, context)
        )
    )


def _says_something(
    command: C, decide: Callable[[C, S, Context], Sequence[object]], state: S, context: Context
) -> bool:
    try:
        return bool(decide(command, state, context))
    except (Rejected, Missing):
        return False
