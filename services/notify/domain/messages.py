"""The decisions of people about a message: drafting, approving, turning down, asking for it to be
sent, and finding out what became of it."""

from typing import assert_never

from services.notify.domain.commands import (
    Approve,
    DecideOutcome,
    DraftCommunication,
    MessageCommand,
    Reject,
    RequestSend,
)
from services.notify.domain.gates import (
    approvals_lacking,
    check_cited,
    check_gates,
    who_approves,
)
from services.notify.domain.sending import communicated
from services.notify.domain.state import (
    Draft,
    Failed,
    Message,
    OutcomeUnknown,
    Requested,
    State,
    standing,
)
from services.notify.domain.tables import APPROVERS, EDITIONS, Tables
from shared.contract.catalogue.notify import (
    CommunicationApproved,
    CommunicationDrafted,
    CommunicationRejected,
    CommunicationRequested,
    NotifyEvent,
    SendOutcomeDecided,
)
from shared.contract.decision import Actor, Context, Rejected
from shared.contract.vocabulary import ApprovalKind, GateName


def answer_person(
    command: MessageCommand, message: Message, state: State, context: Context
) -> list[NotifyEvent]:
    tables = EDITIONS.under(context.edition)
    match command, message.condition:
        case Approve(approval=kind), Draft():
            return [_approve(kind, message, state, context.actor, tables)]
        case Reject(reason=reason), Draft() | Requested() | Failed():
            return [CommunicationRejected(communication_id=message.id, reason=reason)]
        case RequestSend(), Draft() | Failed(retry_at=None):
            check_gates(tables.gates_before(message.audience), message, state, tables)
            return [CommunicationRequested(communication_id=message.id)]
        case DecideOutcome(), OutcomeUnknown(attempt=attempt):
            return _outcome(command, message, attempt)

        case Approve(), condition:
            raise Rejected(
                "draft_only", f"Only a draft is approved; this message {standing(condition)}."
            )
        case Reject(), condition:
            raise Rejected(
                "not_sent_yet", f"It is too late to reject: this message {standing(condition)}."
            )
        case RequestSend(), condition:
            raise Rejected(
                "sent_once", f"Nothing is sent twice: this message {standing(condition)}."
            )
        case DecideOutcome(), condition:
            raise Rejected(
                "outcome_open",
                f"There is no outcome to decide: this message {standing(condition)}.",
            )
        case _:
            assert_never(command)


def draft(command: DraftCommunication, state: State) -> NotifyEvent:
    if command.communication_id in state.messages:
        raise Rejected("new_draft", f"Communication {command.communication_id} was drafted before.")
    if command.channel not in command.channels:
        names = ", ".join(sorted(command.channels)) or "none is set up"
        raise Rejected(
            "known_channel", f"There is no channel {command.channel!r}; the channels are: {names}."
        )
    check_cited(command.facts, state)
    return CommunicationDrafted(
        communication_id=command.communication_id,
        audience=command.audience,
        channel=command.channel,
        title=command.title,
        text=command.text,
        facts=command.facts,
    )


def _approve(
    asked: ApprovalKind | None, message: Message, state: State, actor: Actor, tables: Tables
) -> NotifyEvent:
    if actor.subject == message.drafted_by:
        raise _four_eyes("The person who drafted a message does not approve it.", message, tables)
    if any(approval.by == actor.subject for approval in message.approvals):
        raise _four_eyes("One person gives one approval; you gave yours.", message, tables)
    kind = asked or _kind_of(actor, message, tables)
    if kind not in approvals_lacking(message, tables):
        why = (
            "was given already"
            if kind in tables.approvals_needed(message.audience)
            else "is not asked for"
        )
        raise Rejected(
            "approval_lacking",
            f"The {kind} approval of this message {why}.",
            who=who_approves(message, tables),
        )
    if not actor.has(*APPROVERS[kind]):
        raise Rejected(
            "role",
            f"The {kind} approval is for {' or '.join(APPROVERS[kind])} to give.",
            who=APPROVERS[kind],
        )
    check_gates((GateName.FACTS,), message, state, tables)
    return CommunicationApproved(communication_id=message.id, approval=kind)


def _four_eyes(detail: str, message: Message, tables: Tables) -> Rejected:
    who = who_approves(message, tables)
    return Rejected("four_eyes", detail, missing=("another_person",), who=who)


def _kind_of(actor: Actor, message: Message, tables: Tables) -> ApprovalKind:
    kinds = approvals_lacking(message, tables) or tables.approvals_needed(message.audience)
    return next((kind for kind in kinds if actor.has(*APPROVERS[kind])), kinds[0])


def _outcome(command: DecideOutcome, message: Message, attempt: int) -> list[NotifyEvent]:
    decided = SendOutcomeDecided(
        communication_id=message.id,
        attempt=attempt,
        delivered=command.delivered,
        reason=command.reason,
    )
    return [decided, communicated(message, attempt)] if command.delivered else [decided]
