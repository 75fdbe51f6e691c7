"""One arm per decision: a command, how things stand, and what is then said, or the refusal by
name."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from services.notify.domain.commands import (
    Approve,
    Command,
    DecideOutcome,
    DraftCommunication,
    MarkUnknown,
    MessageCommand,
    NoteDuties,
    PersonsCommand,
    RecordDelivered,
    RecordFailure,
    Reject,
    RequestSend,
    SendersCommand,
    StartSend,
    Waive,
)
from services.notify.domain.gates import (
    approvals_lacking,
    check_cited,
    check_gates,
    who_approves,
)
from services.notify.domain.state import (
    Assessment,
    Draft,
    Failed,
    Message,
    OutcomeUnknown,
    Requested,
    Started,
    State,
    standing,
)
from services.notify.domain.tables import (
    ANYTHING,
    APPROVERS,
    BACKOFF,
    DUTIES,
    Duty,
    approvals_needed,
    gates_before,
)
from shared.contract.authority import Role
from shared.contract.catalogue import notify
from shared.contract.catalogue.base import EventData
from shared.contract.decision import Actor, Context, Missing, Rejected, check_authority
from shared.contract.vocabulary import ApprovalKind, Audience, Determination, GateName


def decide(command: Command, state: State, context: Context) -> list[EventData]:
    if isinstance(command, PersonsCommand):
        check_authority(command, context.actor)
    match command:
        case NoteDuties():
            return [
                notify.CommunicationRequired(audience=duty.audience, rule=duty.rule)
                for duty in _new_duties(state)
            ]
        case Waive(audience=audience, reason=reason):
            _check_owed(audience, state)
            return [notify.CommunicationWaived(audience=audience, reason=reason)]
        case DraftCommunication():
            return [_draft(command, state)]
        case Approve() | Reject() | RequestSend() | DecideOutcome():
            return _answer_person(command, _message(command, state), state, context.actor)
        case StartSend() | RecordDelivered() | RecordFailure() | MarkUnknown():
            return [_answer_sender(command, _message(command, state), state, context.now)]
        case _:
            assert_never(command)


def _answer_person(
    command: MessageCommand, message: Message, state: State, actor: Actor
) -> list[EventData]:
    match command, message.condition:
        case Approve(approval=kind), Draft():
            return [_approve(kind, message, state, actor)]
        case Reject(reason=reason), Draft() | Requested() | Failed():
            return [notify.CommunicationRejected(communication_id=message.id, reason=reason)]
        case RequestSend(), Draft() | Failed(retry_at=None):
            check_gates(gates_before(message.audience), message, state)
            return [notify.CommunicationRequested(communication_id=message.id)]
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


def _answer_sender(
    command: SendersCommand, message: Message, state: State, now: datetime
) -> EventData:
    match command, message.condition:
        case StartSend(text_digest=digest), Requested():
            return _start(digest, message, state)
        case StartSend(text_digest=digest), Failed(retry_at=datetime() as due) if due <= now:
            return _start(digest, message, state)
        case RecordDelivered(attempt=attempt), Started(attempt=of) | OutcomeUnknown(attempt=of) if (
            attempt == of
        ):
            return _communicated(message, attempt)
        case RecordFailure(attempt=attempt), Started(attempt=of) | OutcomeUnknown(attempt=of) if (
            attempt == of
        ):
            return _failed(command.error, message, now)
        case MarkUnknown(attempt=attempt), Started(attempt=of) if attempt == of:
            return notify.SendOutcomeUnknown(communication_id=message.id, attempt=attempt)

        case StartSend(), condition:
            raise Rejected(
                "due", f"There is nothing to send now: this message {standing(condition)}."
            )
        case RecordDelivered() | RecordFailure() | MarkUnknown(), condition:
            detail = (
                f"Attempt {command.attempt} is not under way: this message {standing(condition)}."
            )
            raise Rejected("attempt_under_way", detail)
        case _:
            assert_never(command)


def _message(command: MessageCommand | SendersCommand, state: State) -> Message:
    if (message := state.messages.get(command.communication_id)) is None:
        raise Missing(f"communication {command.communication_id}")
    return message


def _new_duties(state: State) -> Iterator[Duty]:
    """The rows that hold, for audiences that nobody has told and that were never on the list
    before."""
    if state.assessment is None or state.assessment.determination is not Determination.CONFIRMED:
        return
    known = state.required | state.told
    for duty in DUTIES:
        if duty.audience not in known and _holds(duty, state.assessment):
            yield duty


def _holds(duty: Duty, found: Assessment) -> bool:
    leaked = duty.leaked == ANYTHING or not duty.leaked.isdisjoint(found.leaked)
    return leaked and found.severity in duty.severity and found.reach in duty.reach


def _check_owed(audience: Audience, state: State) -> None:
    if audience in state.owed:
        return
    if audience in state.told:
        raise Rejected("owed", f"{audience} was told already.")
    if audience in state.waived:
        raise Rejected("owed", f"Telling {audience} was waived already.")
    raise Rejected("owed", f"No assessment has made it a duty to tell {audience}.")


def _draft(command: DraftCommunication, state: State) -> EventData:
    if command.communication_id in state.messages:
        raise Rejected("new_draft", f"Communication {command.communication_id} was drafted before.")
    if command.channel not in command.channels:
        names = ", ".join(sorted(command.channels)) or "none is set up"
        raise Rejected(
            "known_channel", f"There is no channel {command.channel!r}; the channels are: {names}."
        )
    check_cited(command.facts, state)
    return notify.CommunicationDrafted(
        communication_id=command.communication_id,
        audience=command.audience,
        channel=command.channel,
        title=command.title,
        text=command.text,
        facts=command.facts,
    )


def _approve(asked: ApprovalKind | None, message: Message, state: State, actor: Actor) -> EventData:
    if actor.subject == message.drafted_by:
        raise _four_eyes("Who drafts a message does not approve it.", message)
    if any(approval.by == actor.subject for approval in message.approvals):
        raise _four_eyes("One person gives one approval; you gave yours.", message)
    kind = asked or _kind_of(actor, message)
    if kind not in approvals_lacking(message):
        why = (
            "was given already"
            if kind in approvals_needed(message.audience)
            else "is not asked for"
        )
        raise Rejected(
            "approval_lacking",
            f"The {kind} approval of this message {why}.",
            who=who_approves(message),
        )
    if not actor.has(*APPROVERS[kind]):
        raise Rejected(
            "role",
            f"The {kind} approval is for {_or(APPROVERS[kind])} to give.",
            who=APPROVERS[kind],
        )
    check_gates((GateName.FACTS,), message, state)
    return notify.CommunicationApproved(communication_id=message.id, approval=kind)


def _four_eyes(detail: str, message: Message) -> Rejected:
    return Rejected("four_eyes", detail, missing=("another_person",), who=who_approves(message))


def _kind_of(actor: Actor, message: Message) -> ApprovalKind:
    kinds = approvals_lacking(message) or approvals_needed(message.audience)
    return next((kind for kind in kinds if actor.has(*APPROVERS[kind])), kinds[0])


def _start(digest: str, message: Message, state: State) -> EventData:
    """What changed since the request ends it, on record: a refusal would leave a sender that asks
    again for ever."""
    attempt = message.attempts + 1
    if (reason := _changed(digest, message, state)) is not None:
        return notify.SendFailed(
            communication_id=message.id,
            attempt=attempt,
            error=_line(f"Not sent. {reason}"),
            retry_at=None,
        )
    return notify.SendStarted(communication_id=message.id, attempt=attempt)


def _changed(digest: str, message: Message, state: State) -> str | None:
    """Why this text, as things stand now, is not what was asked to be sent."""
    try:
        check_gates(gates_before(message.audience), message, state)
    except Rejected as refusal:
        return refusal.detail
    if digest != message.text_digest:
        return "The text at hand is not the text that was approved."
    return None


def _failed(error: str, message: Message, now: datetime) -> EventData:
    tried = message.attempts - message.attempts_before_request
    retry_at = now + BACKOFF[tried - 1] if tried <= len(BACKOFF) else None
    return notify.SendFailed(
        communication_id=message.id, attempt=message.attempts, error=_line(error), retry_at=retry_at
    )


def _outcome(command: DecideOutcome, message: Message, attempt: int) -> list[EventData]:
    decided = notify.SendOutcomeDecided(
        communication_id=message.id,
        attempt=attempt,
        delivered=command.delivered,
        reason=command.reason,
    )
    return [decided, _communicated(message, attempt)] if command.delivered else [decided]


def _communicated(message: Message, attempt: int) -> EventData:
    return notify.Communicated(
        communication_id=message.id,
        audience=message.audience,
        channel=message.channel,
        text_digest=message.text_digest,
        facts=message.facts,
        approved_by=tuple(approval.by for approval in message.approvals),
        attempt=attempt,
    )


def _line(text: str) -> str:
    return text if len(text) <= 500 else f"{text[:499]}…"


def _or(roles: tuple[Role, ...]) -> str:
    return " or ".join(roles)
