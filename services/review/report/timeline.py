"""One line for every event: what it says, in a sentence of ours, and what people wrote, as a
quotation."""

from typing import Final, TypeAlias

from services.review.report.history import History, source_of
from services.review.report.model import TimelineRow
from services.review.report.words import about, count, moment, place, tier, word, words
from shared.contract.catalogue import MILESTONES, intake, notify, review, short_name, triage
from shared.contract.disclosure import words_of
from shared.contract.envelope import Event

Line: TypeAlias = tuple[str, str | None]

NOT_UNDERSTOOD: Final = (
    "An event of a type or version that this report cannot read. It is on the log and covered by "
    "the proof."
)


def timeline(history: History) -> tuple[TimelineRow, ...]:
    return tuple(_row(event) for event in history.events)


def _row(event: Event) -> TimelineRow:
    says, quote = line_of(event)
    name = short_name(event.type)
    return TimelineRow(source_of(event), name, name in MILESTONES, says, quote)


def line_of(event: Event) -> Line:
    match event.data:
        case intake.Reported() as data:
            return _reported(data)
        case triage.TriageEvent() as data:
            return _of_triage(data) or _of_action(data)
        case notify.NotifyEvent() as data:
            return _of_message(data) or _of_sending(data)
        case review.ReviewEvent() as data:
            return _of_review(data) or _of_forgetting(data)
    return NOT_UNDERSTOOD, None


def _reported(data: intake.Reported) -> Line:
    what = "Reported" if data.opens else "Reported in addition"
    drill = " as an exercise" if data.exercise else ""
    by = (
        f"noticed by {word(data.discovery)}"
        if data.discovery != "unknown"
        else "who noticed it is unknown"
    )
    return f"{what}{drill}: {place(data.exposure)}; {by}.", words_of(data.description)


def _of_triage(data: triage.TriageEvent) -> Line | None:
    match data:
        case triage.FactRecorded():
            return _fact(data)
        case triage.SeatFilled():
            return f"{data.holder} took the {word(data.seat)} seat.", None
        case triage.Assessed():
            missing = f" Facts missing: {words(data.facts_missing)}." if data.facts_missing else ""
            says = (
                f"Assessed as {word(data.determination)}, severity {data.severity} "
                f"(rule: {word(data.severity_rule)}), "
                f"reach {tier(data.exposure.audience_tier)}.{missing}"
            )
            return says, words_of(data.severity_override_reason)
        case triage.InactionDecided():
            return "Decided not to act.", words_of(data.reason)
        case triage.IncidentDismissed():
            return f"Dismissed: {word(data.reason)}.", words_of(data.note)
    return None


def _fact(data: triage.FactRecorded) -> Line:
    corrects = ", correcting an earlier fact" if data.corrects else ""
    if not data.known:
        return f"Recorded as unknown: {word(about(data))}{corrects}.", None
    says = f"Established with {data.confidence} confidence{corrects}: {word(about(data))}."
    return says, words_of(data.value)


def _of_action(data: triage.TriageEvent) -> Line:
    match data:
        case triage.ActionProposed():
            return (
                f"Proposed: {word(data.kind)} ({word(data.action_class)}), "
                f"aimed at “{words_of(data.target)}”.",
                words_of(data.reason),
            )
        case triage.LegalViewGiven():
            return f"Legal view on an action: {word(data.view)}.", words_of(data.ground)
        case triage.ActionAuthorised():
            return f"Authorised: {word(data.kind)}.", None
        case triage.BreakGlassUsed():
            lack = f" that still asked for: {words(data.missing)}" if data.missing else ""
            return (
                f"Break-glass: passed the gate “{word(data.gate)}”{lack}. "
                "A second person's word is owed.",
                words_of(data.reason),
            )
        case triage.BreakGlassConfirmed():
            verdict = "upheld" if data.upheld else "not upheld"
            return f"A second person's word on break-glass: {verdict}.", words_of(data.note)
        case triage.Contained():
            return (
                f"Carried out: {word(data.kind)}, on {moment(data.carried_out_at)}; "
                f"outcome {data.outcome}.",
                words_of(data.note),
            )
    return NOT_UNDERSTOOD, None


def _of_message(data: notify.NotifyEvent) -> Line | None:
    match data:
        case notify.CommunicationRequired():
            return (
                f"It became a duty to tell {word(data.audience)} (rule: {word(data.rule)}).",
                None,
            )
        case notify.CommunicationWaived():
            return f"Telling {word(data.audience)} was waived.", words_of(data.reason)
        case notify.CommunicationDrafted():
            cited = count(len(data.facts), "fact")
            return (
                f"Drafted for {word(data.audience)} by {data.channel}, resting on {cited}: "
                f"“{words_of(data.title)}”.",
                None,
            )
        case notify.CommunicationApproved():
            return f"A message was approved ({word(data.approval)}).", None
        case notify.CommunicationRejected():
            return "A message was turned down.", words_of(data.reason)
    return None


def _of_sending(data: notify.NotifyEvent) -> Line:
    match data:
        case notify.CommunicationRequested():
            return "An approved message was handed over for sending.", None
        case notify.SendStarted():
            return f"Sending began, attempt {data.attempt}.", None
        case notify.SendFailed():
            then = (
                f"to be tried again at {moment(data.retry_at)}"
                if data.retry_at
                else "not tried again by itself"
            )
            return f"Sending failed at attempt {data.attempt}; {then}.", words_of(data.error)
        case notify.SendOutcomeUnknown():
            return f"Whether attempt {data.attempt} arrived is unknown; a person decides.", None
        case notify.SendOutcomeDecided():
            arrived = "arrived" if data.delivered else "did not arrive"
            return f"A person found out that attempt {data.attempt} {arrived}.", words_of(
                data.reason
            )
        case notify.Communicated():
            by = ", ".join(data.approved_by) or "nobody on record"
            return f"Told {word(data.audience)} by {data.channel}; approved by {by}.", None
    return NOT_UNDERSTOOD, None


def _of_review(data: review.ReviewEvent) -> Line | None:
    match data:
        case review.ReviewOpened():
            return f"The review was opened ({word(data.trigger)}).", None
        case review.FindingRecorded():
            items = count(len(data.action_items), "action item")
            return f"Finding: {word(data.control_layer)}; {items}.", words_of(
                data.contributing_factor
            )
        case review.ObservationRecorded():
            return f"Observed: {word(data.kind)}.", words_of(data.text)
        case review.LessonRecorded():
            return "Lesson.", words_of(data.text)
        case review.PolicyClauseCited():
            return (
                f"Policy clause concerned: {words_of(data.policy)}, {words_of(data.clause)}.",
                words_of(data.comment),
            )
        case review.NextReviewSet():
            return f"The next review was set to {data.on}.", None
        case review.Reviewed():
            return f"The report was published with {count(data.findings, 'finding')}.", None
    return None


def _of_forgetting(data: review.ReviewEvent) -> Line:
    match data:
        case review.ErasureRequested():
            asked = count(len(data.texts), "text")
            return (
                f"Asked for {data.asked_as}: erase {asked} ({word(data.ground)}).",
                words_of(data.reason),
            )
        case review.ErasureRefused():
            return "An erasure was refused.", words_of(data.reason)
        case review.ContentErased():
            by = "by two persons" if data.confirmed_by else "by the table of retention"
            return f"Erased {by}: {count(len(data.texts), 'text')} ({word(data.ground)}).", None
        case review.HoldPlaced():
            return f"A hold was placed for {data.placed_as}.", words_of(data.reason)
        case review.HoldReleased():
            return "A hold was released.", words_of(data.reason)
        case review.RetentionWarned():
            return (
                f"Retention ends on {data.ends_at:%Y-%m-%d} for: {words(data.kinds)}.",
                None,
            )
    return NOT_UNDERSTOOD, None
