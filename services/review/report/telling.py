"""Who was told, when, and on which facts."""

from collections.abc import Mapping
from uuid import UUID

from services.review.report.history import History, Sourced
from services.review.report.knowledge import corrected_by
from services.review.report.model import ApprovalLine, CitedFact, DutyLine, MessageLine
from shared.contract.catalogue import notify
from shared.contract.catalogue.base import words_of
from shared.contract.catalogue.triage import FactRecorded
from shared.contract.wording import count


def duties(history: History) -> tuple[DutyLine, ...]:
    """Each audience once, by the first rule that asked for it."""
    required = {
        told.data.audience: told for told in reversed(history.of(notify.CommunicationRequired))
    }
    in_order = sorted(required.values(), key=lambda told: told.source.event.sequence)
    return tuple(_duty(told, history) for told in in_order)


def _duty(required: Sourced[notify.CommunicationRequired], history: History) -> DutyLine:
    audience, rule = required.data.audience, required.data.rule
    told = next(
        (told for told in history.of(notify.Communicated) if told.data.audience is audience), None
    )
    if told is not None:
        return DutyLine(required.source, audience, rule, "told", told.source, None)
    waived = next(
        (told for told in history.of(notify.CommunicationWaived) if told.data.audience is audience),
        None,
    )
    if waived is not None:
        return DutyLine(
            required.source, audience, rule, "waived", waived.source, words_of(waived.data.reason)
        )
    return DutyLine(required.source, audience, rule, "owed", None, None)


def messages(history: History) -> tuple[MessageLine, ...]:
    drafts = {told.data.communication_id: told for told in history.of(notify.CommunicationDrafted)}
    sent = {told.data.communication_id: told for told in history.of(notify.Communicated)}
    facts = {told.data.fact_id: told for told in history.of(FactRecorded)}
    return tuple(
        _message(message_id, drafts.get(message_id), sent.get(message_id), facts, history)
        for message_id in dict.fromkeys((*drafts, *sent))
    )


def _message(
    message_id: UUID,
    draft: Sourced[notify.CommunicationDrafted] | None,
    sent: Sourced[notify.Communicated] | None,
    facts: Mapping[UUID, Sourced[FactRecorded]],
    history: History,
) -> MessageLine:
    # What was said when it was sent holds; the draft tells of messages that never went out.
    known = sent.data if sent else draft.data if draft else None
    failed = [
        told for told in history.of(notify.SendFailed) if told.data.communication_id == message_id
    ]
    return MessageLine(
        communication_id=message_id,
        audience=known.audience if known else None,
        channel=known.channel if known else None,
        title=words_of(draft.data.title) if draft else None,
        text=words_of(draft.data.text) if draft else None,
        drafted=draft.source if draft else None,
        facts=tuple(
            _cited(fact_id, facts.get(fact_id), history)
            for fact_id in (known.facts if known else ())
        ),
        approvals=tuple(
            ApprovalLine(told.source, told.data.approval)
            for told in history.of(notify.CommunicationApproved)
            if told.data.communication_id == message_id
        ),
        failed_attempts=len(failed),
        told=sent.source if sent else None,
        standing=_standing(message_id, sent is not None, len(failed), history),
    )


def _cited(fact_id: UUID, fact: Sourced[FactRecorded] | None, history: History) -> CitedFact:
    if fact is None:
        return CitedFact(fact_id, None, None, None, None)
    correction = corrected_by(history).get(fact_id)
    return CitedFact(
        fact_id, fact.data.about, words_of(fact.data.value), fact.source.event, correction
    )


def _standing(message_id: UUID, sent: bool, failed: int, history: History) -> str:
    """What became of the message, from the last event that speaks of it."""
    if sent:
        return "told"
    steps = [
        told.data
        for told in history.of(notify.NotifyEvent)
        if getattr(told.data, "communication_id", None) == message_id
    ]
    match steps[-1] if steps else None:
        case notify.CommunicationRejected():
            return "turned down"
        case notify.SendStarted() | notify.SendOutcomeUnknown():
            return "whether it arrived is unknown"
        case notify.SendFailed():
            return f"not told: {count(failed, 'attempt')} failed"
        case notify.CommunicationRequested():
            return "not told yet: waiting to be sent"
    return "not sent"
