"""The decisions about actions: proposing, the legal view, authorising, carrying out, break-glass,
and the second person's word on it."""

from collections.abc import Sequence
from uuid import UUID

from services.triage.domain.commands import (
    AuthoriseAction,
    BreakGlass,
    CarryOut,
    ConfirmBreakGlass,
    GiveLegalView,
    ProposeAction,
)
from services.triage.domain.gates import LOOKS_FOR, pass_gates, uses_of_break_glass
from services.triage.domain.state import Action, Open
from services.triage.domain.tables import Tables
from shared.contract.authority import who_may
from shared.contract.catalogue.triage import (
    ActionAuthorised,
    ActionProposed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Contained,
    LegalViewGiven,
)
from shared.contract.decision import Actor, Context, Missing, Rejected
from shared.contract.vocabulary import GateName, LegalView, Outcome


def propose(command: ProposeAction, tables: Tables) -> ActionProposed:
    return ActionProposed(
        action_id=command.action_id,
        kind=command.kind,
        action_class=tables.class_of[command.kind],
        target=command.target,
        reason=command.reason,
    )


def give_legal_view(command: GiveLegalView, incident: Open) -> LegalViewGiven:
    _action(command.action_id, incident)
    if command.view is LegalView.CLEARED_WITH_CONDITIONS and not command.conditions:
        raise Rejected(
            "conditions_are_named",
            "A view that clears an action with conditions names the conditions.",
            missing=("conditions",),
            who=who_may(GiveLegalView),
        )
    return LegalViewGiven(
        action_id=command.action_id,
        view=command.view,
        ground=command.ground,
        conditions=command.conditions,
        protected_activity_considered=command.protected_activity_considered,
    )


def authorise(
    command: AuthoriseAction, incident: Open, actor: Actor, tables: Tables
) -> Sequence[ActionAuthorised]:
    action = _undone(command.action_id, incident)
    gates = tables.gates[action.action_class]
    if not gates:
        raise Rejected(
            "waits_for_nobody",
            f"{action.kind} is protective and needs no authorisation: carry it out.",
        )
    if actor.subject in action.authorised_by:
        return []
    before = [gate for gate in gates if gate is not GateName.AUTHORISATION]
    pass_gates(before, command.action_id, incident, actor, tables)
    return [ActionAuthorised(action_id=command.action_id, kind=action.kind)]


def carry_out(command: CarryOut, incident: Open, context: Context, tables: Tables) -> Contained:
    action = _undone(command.action_id, incident)
    if command.carried_out_at > context.now:
        raise Rejected(
            "carried_out_in_the_future",
            "An action is recorded once it has been carried out; carried_out_at is after now.",
            missing=("carried_out_at",),
        )
    attempt = action.attempt
    if attempt and attempt.outcome is Outcome.ONGOING and command.outcome is not Outcome.ONGOING:
        # How an action ended is a fact about the past and is not refused: its gates were asked when
        # it began.
        authorised_by, broken = attempt.authorised_by, attempt.break_glass
    else:
        gates = tables.gates[action.action_class]
        broken = pass_gates(gates, command.action_id, incident, context.actor, tables)
        authorised_by = next(
            (lead for lead in action.authorised_by if lead != context.actor.subject), None
        )
    return Contained(
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


def break_glass(
    command: BreakGlass, incident: Open, actor: Actor, tables: Tables
) -> BreakGlassUsed:
    action, gate = _undone(command.action_id, incident), command.gate
    if gate not in tables.gates[action.action_class]:
        raise Rejected("no_such_gate", f"{action.kind} does not wait for {gate}.")
    lack = LOOKS_FOR[gate](action, incident, actor, tables)
    if lack is None:
        raise Rejected(
            "gate_is_open", f"{gate} is open for {action.kind}: there is no glass to break."
        )
    if lack.final:
        raise lack.refusal()
    if gate not in tables.breakable[action.action_class]:
        detail = f"Break-glass does not pass {gate} for {action.kind}."
        raise Rejected("unbreakable", detail, missing=lack.missing, who=lack.who)
    if earlier := uses_of_break_glass(gate, command.action_id, incident).values():
        if any(used.upheld is False for used in earlier):
            detail = f"A second person overruled passing {gate} by break-glass."
            raise Rejected("overruled", detail, missing=lack.missing, who=lack.who)
        raise Rejected("gate_is_open", f"Break-glass has passed {gate} for {action.kind} already.")
    return BreakGlassUsed(
        break_glass_id=command.break_glass_id,
        gate=gate,
        action_id=command.action_id,
        reason=command.reason,
        missing=lack.missing,
    )


def confirm_break_glass(
    command: ConfirmBreakGlass, incident: Open, actor: Actor
) -> BreakGlassConfirmed:
    used = incident.broken.get(command.break_glass_id)
    if used is None:
        raise Missing(f"break-glass {command.break_glass_id}")
    if used.upheld is not None:
        raise Rejected(
            "word_already_given",
            "A second person has given their word on this break-glass already.",
        )
    if actor.subject == used.by or actor.subject in incident.actions[used.action_id].carried_out_by:
        raise Rejected(
            "second_person",
            "The word is for somebody who neither broke the glass nor carried out the action.",
            missing=("second_person",),
            who=who_may(ConfirmBreakGlass),
        )
    return BreakGlassConfirmed(
        break_glass_id=command.break_glass_id, upheld=command.upheld, note=command.note
    )


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
