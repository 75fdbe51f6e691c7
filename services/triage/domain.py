"""The rules of triage: what an action waits for, who may pass it, and what is said then.

The gates stand first, as tables; a rule is changed there. Then one arm per decision, the decisions
about actions, and the gates as a reader sees them. The commands are in commands.py, facts, seats
and assessment in assessing.py, severity in severity.py, what is remembered in incident.py, what a
caller may do next in offers.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never
from uuid import UUID

from services.triage import assessing
from services.triage.commands import (
    Assess,
    AuthoriseAction,
    BreakGlass,
    CarryOut,
    Command,
    ConfirmBreakGlass,
    DecideInaction,
    Dismiss,
    FillSeat,
    GiveLegalView,
    ProposeAction,
    RecordFact,
)
from services.triage.incident import (
    INITIAL,
    Action,
    BrokenGlass,
    Dismissed,
    Open,
    State,
    Unreported,
    evolve,
)
from shared.contract.authority import Role, who_may
from shared.contract.catalogue import triage
from shared.contract.catalogue.base import EventData
from shared.contract.decision import Actor, Context, Gate, Missing, Rejected, check_authority
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Confidence,
    Determination,
    FactKey,
    GateName,
    LegalView,
    Outcome,
)

__all__ = ["INITIAL", "Command", "State", "decide", "evolve", "gates"]

ACTIONS: Final[Mapping[ActionClass, tuple[ActionKind, ...]]] = {
    ActionClass.PROTECTIVE: (
        ActionKind.PRESERVE_EVIDENCE,
        ActionKind.ROTATE_SECRET,
        ActionKind.REVOKE_ACCESS,
    ),
    ActionClass.CORRECTIVE: (
        ActionKind.ASK_AUTHOR_TO_REMOVE,
        ActionKind.PLATFORM_REPORT,
        ActionKind.DSA16_NOTICE,
        ActionKind.DMCA_NOTICE,
        ActionKind.SEARCH_DEINDEX,
        ActionKind.CACHE_PURGE,
        ActionKind.WITHDRAW_DOCUMENT,
        ActionKind.COURT_ORDER,
    ),
    ActionClass.AGAINST_A_PERSON: (
        ActionKind.DISCIPLINE,
        ActionKind.SUSPENSION,
        ActionKind.LEGAL_CLAIM,
    ),
}

GATES: Final[Mapping[ActionClass, tuple[GateName, ...]]] = {
    ActionClass.PROTECTIVE: (),
    ActionClass.CORRECTIVE: (
        GateName.FACTS,
        GateName.LEGAL,
        GateName.AUTHORISATION,
    ),
    ActionClass.AGAINST_A_PERSON: (
        GateName.FACTS,
        GateName.CONFIRMED_ASSESSMENT,
        GateName.LEGAL,
        GateName.PROTECTED_ACTIVITY,
        GateName.AUTHORISATION,
    ),
}
"""What an action waits for. To authorise it asks for all but the authorisation; to carry it out
asks for everything again."""

BREAKABLE: Final[Mapping[ActionClass, tuple[GateName, ...]]] = {
    ActionClass.PROTECTIVE: (),
    ActionClass.CORRECTIVE: (GateName.FACTS, GateName.LEGAL, GateName.AUTHORISATION),
    ActionClass.AGAINST_A_PERSON: (),
}
"""What break-glass may pass. Never a refusal by legal; nothing against a person, for what is urgent
there is to revoke access."""

REQUIRED_FACTS: Final[Mapping[ActionClass, tuple[FactKey, ...]]] = {
    ActionClass.PROTECTIVE: (),
    ActionClass.CORRECTIVE: (
        FactKey.AUTHENTIC_AND_OURS,
        FactKey.INFORMATION_KIND,
        FactKey.WHERE,
        FactKey.STILL_LIVE,
        FactKey.WHO_CAN_SEE,
    ),
    ActionClass.AGAINST_A_PERSON: (
        FactKey.AUTHENTIC_AND_OURS,
        FactKey.INFORMATION_KIND,
        FactKey.WHERE,
        FactKey.STILL_LIVE,
        FactKey.WHO_CAN_SEE,
        FactKey.WHO_POSTED,
        FactKey.HOW_POSTER_IS_KNOWN,
    ),
}

SUFFICIENT: Final[Mapping[ActionClass, tuple[Confidence, ...]]] = {
    ActionClass.PROTECTIVE: (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH),
    ActionClass.CORRECTIVE: (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH),
    ActionClass.AGAINST_A_PERSON: (Confidence.MEDIUM, Confidence.HIGH),
}
"""With how much confidence a required fact counts. "Unknown" never does."""

CLASS_OF: Final = {kind: action_class for action_class, kinds in ACTIONS.items() for kind in kinds}


def decide(command: Command, state: State, context: Context) -> list[EventData]:
    """What the command makes true; [] when it says nothing new. Raises Rejected and Missing."""
    match state:
        case Unreported():
            raise Missing("the incident")
        case Dismissed():
            raise Rejected(
                "dismissed",
                "The incident was dismissed; what is new about it is reported as a new incident.",
            )
        case Open():
            check_authority(command, context.actor)
            return list(_decide(command, state, context))
        case _:
            assert_never(state)


def _decide(command: Command, incident: Open, context: Context) -> Sequence[EventData]:
    match command:
        case RecordFact():
            return [assessing.record_fact(command, incident, context)]
        case FillSeat():
            return assessing.fill_seat(command, incident, context.actor)
        case Assess():
            return [assessing.assess(command, incident, REQUIRED_FACTS[ActionClass.CORRECTIVE])]
        case ProposeAction():
            return [_propose(command)]
        case GiveLegalView():
            return [_give_legal_view(command, incident)]
        case AuthoriseAction(action_id):
            return _authorise(action_id, incident, context.actor)
        case CarryOut():
            return [_carry_out(command, incident, context)]
        case BreakGlass():
            return [_break_glass(command, incident, context.actor)]
        case ConfirmBreakGlass():
            return [_confirm_break_glass(command, incident, context.actor)]
        case DecideInaction():
            return [assessing.decide_inaction(command, incident)]
        case Dismiss():
            return [assessing.dismiss(command, incident)]
        case _:
            assert_never(command)


def _propose(command: ProposeAction) -> EventData:
    return triage.ActionProposed(
        action_id=command.action_id,
        kind=command.kind,
        action_class=CLASS_OF[command.kind],
        target=command.target,
        reason=command.reason,
    )


def _give_legal_view(command: GiveLegalView, incident: Open) -> EventData:
    _action(command.action_id, incident)
    if command.view is LegalView.CLEARED_WITH_CONDITIONS and not command.conditions:
        raise Rejected(
            "conditions_are_named",
            "A view with conditions says which.",
            missing=("conditions",),
            who=(Role.LEGAL,),
        )
    return triage.LegalViewGiven(
        action_id=command.action_id,
        view=command.view,
        ground=command.ground,
        conditions=command.conditions,
        protected_activity_considered=command.protected_activity_considered,
    )


def _authorise(action_id: UUID, incident: Open, actor: Actor) -> Sequence[EventData]:
    action = _undone(action_id, incident)
    waits_for = GATES[action.action_class]
    if not waits_for:
        raise Rejected(
            "waits_for_nobody",
            f"{action.kind} is protective: carry it out, nobody has to authorise it.",
        )
    if actor.subject in action.authorised_by:
        return []
    _pass(
        [gate for gate in waits_for if gate is not GateName.AUTHORISATION],
        action_id,
        incident,
        actor,
    )
    return [triage.ActionAuthorised(action_id=action_id, kind=action.kind)]


def _carry_out(command: CarryOut, incident: Open, context: Context) -> EventData:
    action = _undone(command.action_id, incident)
    if command.carried_out_at > context.now:
        raise Rejected(
            "carried_out_in_the_future",
            "An action is recorded once it is carried out.",
            missing=("carried_out_at",),
        )
    attempt = action.attempt
    if attempt and attempt.outcome is Outcome.ONGOING and command.outcome is not Outcome.ONGOING:
        # How an action ended is a fact about the past and is not refused: the gates were asked when
        # it began.
        authorised_by, broken = attempt.authorised_by, attempt.break_glass
    else:
        broken = _pass(GATES[action.action_class], command.action_id, incident, context.actor)
        authorised_by = next(
            (lead for lead in action.authorised_by if lead != context.actor.subject), None
        )
    return triage.Contained(
        action_id=command.action_id,
        kind=action.kind,
        action_class=action.action_class,
        outcome=command.outcome,
        carried_out_at=command.carried_out_at,
        authorised_by=authorised_by,
        legal_view=action.legal.view if action.legal else None,
        break_glass=broken,
        note=command.note,
    )


def _break_glass(command: BreakGlass, incident: Open, actor: Actor) -> EventData:
    action, gate = _undone(command.action_id, incident), command.gate
    if gate not in GATES[action.action_class]:
        raise Rejected("no_such_gate", f"{action.kind} does not wait for {gate}.")
    lack = LOOKS_FOR[gate](action, incident, actor)
    if lack is None:
        raise Rejected(
            "gate_is_open", f"{gate} is open for {action.kind}: there is no glass to break."
        )
    if lack.final:
        raise lack.refusal()
    if gate not in BREAKABLE[action.action_class]:
        raise Rejected(
            "unbreakable",
            f"Nobody goes round {gate} for {action.kind}.",
            missing=lack.missing,
            who=lack.who,
        )
    if earlier := _broken(gate, command.action_id, incident).values():
        if any(used.upheld is False for used in earlier):
            raise Rejected(
                "overruled",
                f"A second person said no to passing {gate}.",
                missing=lack.missing,
                who=lack.who,
            )
        raise Rejected("gate_is_open", f"Break-glass has passed {gate} for {action.kind} already.")
    return triage.BreakGlassUsed(
        break_glass_id=command.break_glass_id,
        gate=gate,
        action_id=command.action_id,
        reason=command.reason,
        missing=lack.missing,
    )


def _confirm_break_glass(command: ConfirmBreakGlass, incident: Open, actor: Actor) -> EventData:
    used = incident.broken.get(command.break_glass_id)
    if used is None:
        raise Missing(f"break-glass {command.break_glass_id}")
    if used.upheld is not None:
        raise Rejected(
            "word_already_given", "A second person has spoken on this use of break-glass."
        )
    if actor.subject == used.by or actor.subject in incident.actions[used.action_id].carried_out_by:
        raise Rejected(
            "second_person",
            "The word is owed by somebody who neither broke the glass nor carried out the action.",
            missing=("second_person",),
            who=who_may(ConfirmBreakGlass),
        )
    return triage.BreakGlassConfirmed(
        break_glass_id=command.break_glass_id, upheld=command.upheld, note=command.note
    )


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a gate is closed: the rule, what is missing, who can supply it, what the person reads. A
    final one no break-glass passes."""

    rule: str
    missing: tuple[str, ...]
    who: tuple[Role, ...]
    detail: str
    final: bool = False

    def refusal(self) -> Rejected:
        return Rejected(self.rule, self.detail, missing=self.missing, who=self.who)


def _facts(action: Action, incident: Open, _: Actor | None) -> Lack | None:
    sufficient = SUFFICIENT[action.action_class]
    latest = {key: incident.latest(key) for key in REQUIRED_FACTS[action.action_class]}
    missing = tuple(
        key.value
        for key, fact in latest.items()
        if fact is None or fact.confidence not in sufficient
    )
    if not missing:
        return None
    detail = f"{action.kind} waits for facts that are known with {' or '.join(sufficient)} confidence: {', '.join(missing)}."
    return Lack("facts", missing, who_may(RecordFact), detail)


def _legal(action: Action, _: Open, __: Actor | None) -> Lack | None:
    if action.legal is None:
        detail = f"{action.kind} waits for a legal view on this very action."
        return Lack("legal", ("legal_view",), who_may(GiveLegalView), detail)
    if action.legal.view is LegalView.REFUSED:
        detail = f"Legal refused {action.kind}; only a new legal view changes that."
        return Lack("refused_by_legal", ("legal_view",), who_may(GiveLegalView), detail, final=True)
    return None


def _confirmed_assessment(action: Action, incident: Open, _: Actor | None) -> Lack | None:
    if incident.determination is Determination.CONFIRMED:
        return None
    detail = f"{action.kind} waits for an incident assessed as confirmed; this one is {incident.assessed_as}."
    return Lack("confirmed_assessment", ("confirmed_assessment",), who_may(Assess), detail)


def _protected_activity(action: Action, _: Open, __: Actor | None) -> Lack | None:
    if action.legal and action.legal.protected_activity_considered:
        return None
    detail = f"{action.kind} waits for a legal view that considered whether the post is protected activity."
    return Lack(
        "protected_activity", ("protected_activity_considered",), who_may(GiveLegalView), detail
    )


def _authorisation(action: Action, _: Open, actor: Actor | None) -> Lack | None:
    if not action.authorised_by:
        detail = f"{action.kind} waits for a lead to authorise it."
        return Lack("authorisation", ("authorisation",), who_may(AuthoriseAction), detail)
    if actor and set(action.authorised_by) == {actor.subject}:
        detail = f"Who authorised {action.kind} does not carry it out; another person does, or another lead authorises it."
        return Lack("four_eyes", ("another_person",), who_may(AuthoriseAction), detail)
    return None


LOOKS_FOR: Final[Mapping[GateName, Callable[[Action, Open, Actor | None], Lack | None]]] = {
    GateName.FACTS: _facts,
    GateName.CONFIRMED_ASSESSMENT: _confirmed_assessment,
    GateName.LEGAL: _legal,
    GateName.PROTECTED_ACTIVITY: _protected_activity,
    GateName.AUTHORISATION: _authorisation,
}
"""What a gate misses on an action; with an actor, when that person is to carry it out."""


def _pass(
    asked: Sequence[GateName], action_id: UUID, incident: Open, actor: Actor
) -> tuple[UUID, ...]:
    """Goes through the gates in order; the first closed one refuses. Returns the uses of
    break-glass that were needed."""
    needed: list[UUID] = []
    for gate in asked:
        if lack := LOOKS_FOR[gate](incident.actions[action_id], incident, actor):
            passing = _passing(gate, lack, action_id, incident)
            if not passing:
                raise lack.refusal()
            needed += passing
    return tuple(needed)


def _passing(gate: GateName, lack: Lack, action_id: UUID, incident: Open) -> list[UUID]:
    """The uses of break-glass that pass this gate in spite of the lack: nobody has overruled
    them."""
    used = _broken(gate, action_id, incident)
    return (
        []
        if lack.final
        else [broken_id for broken_id, broken in used.items() if broken.upheld is not False]
    )


def _broken(gate: GateName, action_id: UUID, incident: Open) -> Mapping[UUID, BrokenGlass]:
    return {
        broken_id: broken
        for broken_id, broken in incident.broken.items()
        if broken.gate is gate and broken.action_id == action_id
    }


def gates(state: State) -> tuple[Gate, ...]:
    """The gate before an assessment as confirmed, and every gate of every action that is not
    done."""
    if not isinstance(state, Open):
        return ()
    empty = assessing.empty_seats(state)
    return (
        Gate(GateName.SEATS, "assessment", not empty, empty, assessing.who_fills(empty)),
        *(
            gate
            for action_id, action in state.actions.items()
            for gate in _gates_of(action_id, action, state)
        ),
    )


def _gates_of(action_id: UUID, action: Action, incident: Open) -> Sequence[Gate]:
    return (
        []
        if action.done
        else [_gate(name, action_id, action, incident) for name in GATES[action.action_class]]
    )


def _gate(name: GateName, action_id: UUID, action: Action, incident: Open) -> Gate:
    lack = LOOKS_FOR[name](action, incident, None)
    if lack is None:
        return Gate(name, str(action_id), open=True)
    passed = bool(_passing(name, lack, action_id, incident))
    return Gate(name, str(action_id), passed, lack.missing, lack.who, passed_by_break_glass=passed)


def _action(action_id: UUID, incident: Open) -> Action:
    if action_id not in incident.actions:
        raise Missing(f"action {action_id}")
    return incident.actions[action_id]


def _undone(action_id: UUID, incident: Open) -> Action:
    action = _action(action_id, incident)
    if action.done:
        raise Rejected(
            "already_carried_out",
            f"{action.kind} was carried out with success; propose another if one is needed.",
        )
    return action
