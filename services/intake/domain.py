"""The rules of intake: a report opens an incident, or adds to one. Whatever the reporter does not
know is "unknown", and is taken.

What a report says is not remembered here, for no rule asks about it; its readers find it in
views.py."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never
from uuid import UUID

from shared.contract.authority import who_may
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ForeignEvent, ReportChannel, Reported
from shared.contract.catalogue.triage import IncidentDismissed
from shared.contract.decision import Actor, Context, Gate, Missing, Rejected
from shared.contract.envelope import Event
from shared.contract.vocabulary import DiscoveryMethod, Fidelity, InformationType

ANONYMOUS: Final = "anonymous"
"""The actor of a report that says so: the caller's own subject would tell who sent it."""

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far a reporter's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Report:
    """Somebody or something tells us; `opens` is false when the report names the incident that it
    adds to."""

    opens: bool
    channel: ReportChannel
    exercise: bool = False
    reporter: UUID | None = None
    discovery: DiscoveryMethod = DiscoveryMethod.UNKNOWN
    noticed_at: datetime | None = None
    noticed_at_fidelity: Fidelity | None = None
    description: str | None = None
    exposure: Exposure = field(default_factory=Exposure)
    information_types: tuple[InformationType, ...] = ()
    foreign: ForeignEvent | None = None


Command: TypeAlias = Report


@dataclass(frozen=True, slots=True)
class Unopened:
    """Nobody has reported it."""


@dataclass(frozen=True, slots=True)
class Open:
    exercise: bool


@dataclass(frozen=True, slots=True)
class Dismissed:
    """Triage ended with a reason and looks at nothing more."""


State: TypeAlias = Unopened | Open | Dismissed

INITIAL: Final[State] = Unopened()


def decide(command: Command, state: State, context: Context) -> list[EventData]:
    """What the report makes true. Raises Rejected, and Missing when it adds to what nobody has
    reported."""
    if command.noticed_at is not None and command.noticed_at > context.now + CLOCKS_DIFFER:
        raise Rejected(
            "noticed_before_now",
            "What is reported was noticed before now; check noticed_at.",
            missing=("noticed_at",),
        )
    match state:
        case Unopened() if command.opens:
            return [_reported(command)]
        case Unopened():
            raise Missing("the incident")
        case Dismissed():
            raise Rejected(
                "dismissed",
                "The incident was dismissed; what is new is reported as a new incident, without its id.",
            )
        case Open() if command.opens:
            raise Rejected("opened_once", "This incident is open already; name it to add to it.")
        case Open(exercise) if exercise != command.exercise:
            this, that = ("an exercise", "real") if exercise else ("real", "an exercise")
            raise Rejected(
                "exercise_matches",
                f"The incident is {this} and the report says {that}.",
                missing=("exercise",),
            )
        case Open():
            return [_reported(command)]
        case _:
            assert_never(state)


def _reported(command: Report) -> Reported:
    return Reported(
        opens=command.opens,
        exercise=command.exercise,
        channel=command.channel,
        reporter=None if command.reporter is None else str(command.reporter),
        discovery=command.discovery,
        noticed_at=command.noticed_at,
        noticed_at_fidelity=command.noticed_at_fidelity,
        description=command.description,
        exposure=command.exposure,
        information_types=command.information_types,
        foreign=command.foreign,
    )


def evolve(state: State, event: Event) -> State:
    """The state after an event. Events that no rule of intake asks about change nothing."""
    match state, event.data:
        case Unopened(), Reported(exercise=exercise):
            return Open(exercise)
        case Open(), IncidentDismissed():
            return Dismissed()
    return state


def gates(_: State) -> tuple[Gate, ...]:
    """None: to tell us waits for nothing."""
    return ()


def next_commands(state: State, actor: Actor) -> tuple[str, ...]:
    """The names of the commands that this caller may give next."""
    return ("report",) if isinstance(state, Open) and actor.has(*who_may("report")) else ()
