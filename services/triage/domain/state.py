"""What triage remembers of an incident: only as much as a rule asks for, folded from the events,
and no text that people wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias
from uuid import UUID

from shared.contract.catalogue import intake, triage
from shared.contract.envelope import Event
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Confidence,
    Determination,
    GateName,
    LegalView,
    Outcome,
    Seat,
)


@dataclass(frozen=True, slots=True)
class Fact:
    key: str
    known: bool
    confidence: Confidence
    corrected: bool = False

    @property
    def counts(self) -> bool:
        return self.known and not self.corrected


@dataclass(frozen=True, slots=True)
class Assessment:
    revision: int
    determination: Determination


@dataclass(frozen=True, slots=True)
class Legal:
    view: LegalView
    protected_activity_considered: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last attempt to carry an action out, and the authority it rested on."""

    outcome: Outcome
    authorised_by: str | None
    break_glass: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Action:
    kind: ActionKind
    action_class: ActionClass
    legal: Legal | None = None
    authorised_by: tuple[str, ...] = ()
    attempt: Attempt | None = None
    carried_out_by: frozenset[str] = frozenset()

    @property
    def outcome(self) -> Outcome | None:
        return self.attempt.outcome if self.attempt else None

    @property
    def done(self) -> bool:
        return self.outcome is Outcome.SUCCESSFUL


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """`upheld` is the second person's word; None while it is owed."""

    gate: GateName
    action_id: UUID
    by: str
    upheld: bool | None = None


@dataclass(frozen=True, slots=True)
class Unreported:
    """Nothing was reported, as far as triage has heard."""


@dataclass(frozen=True, slots=True)
class Open:
    """Reported, and not dismissed. Facts, actions and uses of break-glass keep the order in which
    they came."""

    facts: Mapping[UUID, Fact] = field(default_factory=dict)
    seats: Mapping[Seat, str] = field(default_factory=dict)
    assessment: Assessment | None = None
    actions: Mapping[UUID, Action] = field(default_factory=dict)
    broken: Mapping[UUID, BrokenGlass] = field(default_factory=dict)

    @property
    def known_keys(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fact.key for fact in self.facts.values() if fact.counts))

    @property
    def determination(self) -> Determination | None:
        return self.assessment.determination if self.assessment else None

    def latest(self, key: str) -> Fact | None:
        """The fact that counts for a key: the last one recorded that is known and not corrected."""
        counting = [fact for fact in self.facts.values() if fact.key == key and fact.counts]
        return counting[-1] if counting else None

    @property
    def assessed_as(self) -> str:
        return f"assessed as {self.determination}" if self.determination else "not assessed"

    @property
    def owed(self) -> tuple[UUID, ...]:
        """The uses of break-glass that a second person has not spoken on."""
        return tuple(
            broken_id for broken_id, broken in self.broken.items() if broken.upheld is None
        )


@dataclass(frozen=True, slots=True)
class Dismissed:
    """Triage ended with a reason; anything new is reported as a new incident."""


State: TypeAlias = Unreported | Open | Dismissed

INITIAL: Final[State] = Unreported()


def evolve(state: State, event: Event) -> State:
    """The state after an event. Events that no rule of triage asks about change nothing."""
    match state, event.data:
        case Unreported(), intake.Reported():
            return Open()
        case Open(), triage.IncidentDismissed():
            return Dismissed()
        case Open(), data:
            return _evolve_open(state, data, event.actor)
    return state


def _evolve_open(incident: Open, data: object, by: str) -> Open:
    match data:
        case triage.FactRecorded():
            return replace(incident, facts=_facts(incident, data))
        case triage.SeatFilled():
            return replace(incident, seats={**incident.seats, data.seat: data.holder})
        case triage.Assessed():
            return replace(incident, assessment=Assessment(data.revision, data.determination))
        case triage.BreakGlassUsed():
            used = BrokenGlass(data.gate, data.action_id, by)
            return replace(incident, broken={**incident.broken, data.break_glass_id: used})
        case triage.BreakGlassConfirmed():
            spoken = replace(incident.broken[data.break_glass_id], upheld=data.upheld)
            return replace(incident, broken={**incident.broken, data.break_glass_id: spoken})
        case (
            triage.ActionProposed()
            | triage.LegalViewGiven()
            | triage.ActionAuthorised()
            | triage.Contained()
        ):
            return replace(
                incident, actions={**incident.actions, data.action_id: _action(incident, data, by)}
            )
    return incident


def _facts(incident: Open, data: triage.FactRecorded) -> Mapping[UUID, Fact]:
    facts = {**incident.facts, data.fact_id: Fact(data.key, data.known, data.confidence)}
    if data.corrects is not None:
        facts[data.corrects] = replace(facts[data.corrects], corrected=True)
    return facts


def _action(
    incident: Open,
    data: triage.ActionProposed
    | triage.LegalViewGiven
    | triage.ActionAuthorised
    | triage.Contained,
    by: str,
) -> Action:
    match data:
        case triage.ActionProposed():
            return Action(data.kind, data.action_class)
        case triage.LegalViewGiven():
            legal = Legal(data.view, data.protected_activity_considered)
            return replace(incident.actions[data.action_id], legal=legal)
        case triage.ActionAuthorised():
            action = incident.actions[data.action_id]
            return replace(action, authorised_by=(*action.authorised_by, by))
        case triage.Contained():
            action = incident.actions[data.action_id]
            attempt = Attempt(data.outcome, data.authorised_by, data.break_glass)
            return replace(action, attempt=attempt, carried_out_by=action.carried_out_by | {by})
