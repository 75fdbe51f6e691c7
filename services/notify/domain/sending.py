"""The sender's decisions: beginning an attempt, and what came of it."""

from datetime import datetime
from typing import assert_never

from services.notify.domain.commands import (
    MarkUnknown,
    RecordDelivered,
    RecordFailure,
    SendersCommand,
    StartSend,
)
from services.notify.domain.gates import check_gates
from services.notify.domain.state import (
    Failed,
    Message,
    OutcomeUnknown,
    Requested,
    Started,
    State,
    standing,
)
from services.notify.domain.tables import EDITIONS, Tables
from shared.contract.catalogue.base import Withheld, Words
from shared.contract.catalogue.notify import (
    Communicated,
    NotifyEvent,
    SendFailed,
    SendOutcomeUnknown,
    SendStarted,
)
from shared.contract.decision import Context, Rejected


def answer_sender(
    command: SendersCommand, message: Message, state: State, context: Context
) -> NotifyEvent:
    now, tables = context.now, EDITIONS.under(context.edition)
    match command, message.condition:
        case StartSend(texts=texts), Requested():
            return _start(texts, message, state, tables)
        case StartSend(texts=texts), Failed(retry_at=datetime() as due) if due <= now:
            return _start(texts, message, state, tables)
        case RecordDelivered(attempt=attempt), Started(attempt=of) | OutcomeUnknown(attempt=of) if (
            attempt == of
        ):
            return communicated(message, attempt)
        case RecordFailure(attempt=attempt), Started(attempt=of) | OutcomeUnknown(attempt=of) if (
            attempt == of
        ):
            return _failed(command.error, message, now, tables)
        case MarkUnknown(attempt=attempt), Started(attempt=of) if attempt == of:
            return SendOutcomeUnknown(communication_id=message.id, attempt=attempt)

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


def _start(texts: tuple[str, ...], message: Message, state: State, tables: Tables) -> NotifyEvent:
    """What changed since the request ends it, on record: a refusal would leave a sender that asks
    again for ever."""
    attempt = message.attempts + 1
    if (reason := _changed(texts, message, state, tables)) is not None:
        return SendFailed(
            communication_id=message.id,
            attempt=attempt,
            error=_line(f"Not sent. {reason}"),
            retry_at=None,
        )
    return SendStarted(communication_id=message.id, attempt=attempt)


def _changed(texts: tuple[str, ...], message: Message, state: State, tables: Tables) -> str | None:
    """Why this text, as things stand now, is not what was asked to be sent."""
    try:
        check_gates(tables.gates_before(message.audience), message, state, tables)
    except Rejected as refusal:
        return refusal.detail
    if texts != message.texts:
        return "The text at hand is not the text that was approved."
    return None


def _failed(error: Words, message: Message, now: datetime, tables: Tables) -> NotifyEvent:
    tried = message.attempts - message.attempts_before_request
    retry_at = now + tables.backoff[tried - 1] if tried <= len(tables.backoff) else None
    return SendFailed(
        communication_id=message.id, attempt=message.attempts, error=_line(error), retry_at=retry_at
    )


def communicated(message: Message, attempt: int) -> NotifyEvent:
    return Communicated(
        communication_id=message.id,
        audience=message.audience,
        channel=message.channel,
        texts=message.texts,
        facts=message.facts,
        approved_by=tuple(approval.by for approval in message.approvals),
        attempt=attempt,
    )


def _line(text: Words) -> Words:
    return text if isinstance(text, Withheld) or len(text) <= 500 else f"{text[:499]}…"
