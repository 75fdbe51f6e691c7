"""The report as Markdown (CommonMark with tables). Every cell and quotation is escaped here; only
`Safe` passes as it is."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from services.review.report.model import (
    ActionLine,
    CitedFact,
    FindingLine,
    GlassLine,
    MessageLine,
    Ref,
    Report,
    Source,
)
from services.review.report.plain import plain
from services.review.report.words import UNKNOWN, count, moment, word, words
from shared.contract.vocabulary import Answer, ObservationKind

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~&#!{}$])")
_LINE_START: Final = re.compile(r"^(\d{1,9}(?=[.)])|(?=[-+=]))")
_ADDRESS: Final = re.compile(r"(?i)\b(https?|ftp|www)([:.])")


class Safe(str):
    """Markdown of our own making."""

    __slots__ = ()


def escape(text: str) -> Safe:
    """Text that stays text in Markdown: no mark-up, no link, no HTML, no new line."""
    if isinstance(text, Safe):
        return text
    return Safe("<br>".join(_escape_line(line) for line in plain(text).split("\n")))


def _escape_line(line: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", line.replace("\t", " ").strip())
    escaped = _LINE_START.sub(r"\1\\", escaped)
    return _ADDRESS.sub(
        r"\1\\\2", escaped
    )  # an address stays text: what leaked is not to be clicked on


def render_markdown(report: Report) -> bytes:
    blocks = [block for section in SECTIONS for block in section(report)]
    return ("\n\n".join(blocks) + "\n").encode()


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]], none: str) -> str:
    lines = [f"| {' | '.join(escape(cell) for cell in row)} |" for row in rows]
    if not lines:
        return f"*{none}*"
    return "\n".join((f"| {' | '.join(headers)} |", f"|{' --- |' * len(headers)}", *lines))


def _list(items: Iterable[str], none: str) -> str:
    return "\n".join(f"- {escape(item)}" for item in items) or f"*{none}*"


def _quote(text: str | None) -> str:
    return (
        "\n".join(f"> {_escape_line(line)}  " for line in plain(text).split("\n"))
        if text
        else f"*{UNKNOWN}*"
    )


def _code(text: str) -> Safe:
    """For ids and places, which hold no back-tick."""
    return Safe(f"`{text}`")


def _event(ref: Ref | None) -> Safe:
    return Safe(f"{_code('…' + ref.short)} {_code(ref.place)}") if ref else Safe("–")


def _by(source: Source | None) -> str:
    return (
        Safe(f"{moment(source.at)}, {escape(source.by)}, {_event(source.event)}")
        if source
        else UNKNOWN
    )


def _head(report: Report) -> Iterator[str]:
    yield "# Lessons-learned report"
    if report.exercise is Answer.YES:
        yield "> **EXERCISE: this is a drill. Nothing in this report happened for real.**"
    if report.exercise is Answer.UNKNOWN:
        yield "> **Whether this is an exercise is unknown: the report that opened the incident is not on record here.**"
    if report.draft is not None:
        yield from _draft(report)
    facts = [
        ("Incident", _code(str(report.incident_id))),
        ("Determination", word(report.determination)),
        ("Severity", word(report.severity)),
        ("Exercise", report.exercise.value),
        ("Next review", str(report.next_review_on or "not set")),
    ]
    yield _table(("", ""), ((Safe(f"**{name}**"), value) for name, value in facts), "")
    yield "All times are UTC. Each event is named by the end of its id and its place: service/partition/sequence."


def _draft(report: Report) -> Iterator[str]:
    assert report.draft is not None
    state = "its review is open" if report.draft.review_opened else "no review is open"
    yield f"> **DRAFT: not published, {state}. It will change.**"
    if report.draft.missing:
        yield "Publishing still waits for:"
        yield _list(
            (
                f"{words(gap.missing)} (from: {words(gap.who_can_supply)})"
                for gap in report.draft.missing
            ),
            "",
        )


def _summary(report: Report) -> Iterator[str]:
    yield "## Summary"
    yield _list(report.summary, "Nothing is on record.")


def _timeline(report: Report) -> Iterator[str]:
    yield "## Timeline"
    yield _table(
        ("When", "Event", "What", "By", "On the log"),
        (
            (
                moment(row.source.at),
                Safe(f"**{escape(word(row.type))}**") if row.milestone else word(row.type),
                Safe(f"{escape(row.says)}<br>“{escape(row.quote)}”") if row.quote else row.says,
                row.source.by,
                _event(row.source.event),
            )
            for row in report.timeline
        ),
        "No event is on record.",
    )


def _known(report: Report) -> Iterator[str]:
    yield "## What was known when"
    yield "### Reports"
    for made in report.reports:
        kind = "Opened the incident" if made.opens else "Added to it"
        who = "the reporter is known to intake" if made.reporter_kept else "no reporter is kept"
        noticed = moment(made.noticed_at, made.noticed_at_fidelity)
        yield (
            f"**{kind}**: {_by(made.source)}; {who}, through {escape(word(made.channel))}; noticed {noticed}; "
            f"discovery: {word(made.discovery)}; seems to contain: {words(made.information_types)}."
        )
        yield _quote(made.description)
    yield "### Facts"
    yield _table(
        (
            "Recorded",
            "Fact",
            "Value",
            "Confidence",
            "Source",
            "Observed",
            "By",
            "On the log",
            "Corrected by",
        ),
        (
            (
                moment(line.source.at),
                word(line.key),
                line.value if line.known else UNKNOWN,
                line.confidence.value,
                line.told_by,
                moment(line.observed_at),
                line.source.by,
                _event(line.source.event),
                _event(line.corrected_by),
            )
            for line in report.facts
        ),
        "No fact was recorded.",
    )
    yield "### Known and missing at each assessment"
    yield _table(
        ("When", "Assessment", "Facts known", "Facts missing", "On the log"),
        (
            (
                moment(line.source.at),
                str(line.revision),
                words(line.facts_known, none="none"),
                words(line.facts_missing, none="none"),
                _event(line.source.event),
            )
            for line in report.assessments
        ),
        "It was not assessed.",
    )


def _waits(report: Report) -> Iterator[str]:
    yield "## How long action waited"
    yield "Counted from the proposal of each action; the waits ran side by side."
    yield _table(
        ("Action", "Proposed", "For facts", "For legal", "Until carried out"),
        (
            (
                word(wait.kind),
                moment(wait.proposed.at if wait.proposed else None),
                wait.facts.says,
                wait.legal.says,
                wait.carried_out.says,
            )
            for wait in report.waits
        ),
        "No action was proposed.",
    )


def _exposure(report: Report) -> Iterator[str]:
    yield "## Exposure"
    rows = ((line.aspect, line.reported, line.assessed) for line in report.exposure)
    yield _table(("Aspect", "As first reported", "As last assessed"), rows, "Unknown.")


def _decisions(report: Report) -> Iterator[str]:
    yield "## Decisions, and on whose authority"
    yield "### Assessments"
    yield _table(
        (
            "When",
            "No.",
            "Determination",
            "Severity",
            "Rule",
            "Reason given for another severity",
            "By",
            "On the log",
        ),
        (
            (
                moment(line.source.at),
                str(line.revision),
                word(line.determination),
                line.severity.value,
                word(line.severity_rule),
                line.severity_override_reason or "–",
                line.source.by,
                _event(line.source.event),
            )
            for line in report.assessments
        ),
        "It was not assessed.",
    )
    yield "### Seats"
    yield _table(
        ("When", "Seat", "Holder", "Filled by", "On the log"),
        (
            (
                moment(line.source.at),
                line.seat.value,
                line.holder,
                line.source.by,
                _event(line.source.event),
            )
            for line in report.seats
        ),
        "No seat was filled.",
    )
    yield "### Actions"
    if not report.actions:
        yield "*No action was proposed.*"
    for action in report.actions:
        yield from _action(action)
    for ending in report.endings:
        yield f"**Decided: {escape(ending.decision)}** ({_by(ending.source)})"
        yield _quote(ending.reason)


def _action(action: ActionLine) -> Iterator[str]:
    yield f"#### {escape(word(action.kind))} ({word(action.action_class)})"
    lines = [
        f"Target: {escape(action.target or UNKNOWN)}",
        f"Reason: {escape(action.reason or 'none given')}",
        f"Proposed: {_by(action.proposed)}",
    ]
    for view in action.legal_views:
        conditions = f" · Conditions: {escape(view.conditions)}" if view.conditions else ""
        protected = "yes" if view.protected_activity_considered else "not stated"
        lines.append(
            f"Legal view: **{word(view.view)}** ({_by(view.source)}) · Ground: {escape(view.ground)}{conditions} · "
            f"Protected activity considered: {protected}"
        )
    lines += [f"Authorised: {_by(source)}" for source in action.authorised]
    for attempt in action.attempts:
        note = f" · Note: {escape(attempt.note)}" if attempt.note else ""
        lines.append(
            f"Carried out on {moment(attempt.carried_out_at)}, outcome **{attempt.outcome}** ({_by(attempt.source)}) · "
            f"Authority: {escape(attempt.authority)}{note}"
        )
    yield _list(map(Safe, lines), "")


def _break_glass(report: Report) -> Iterator[str]:
    yield "## Break-glass"
    if not report.break_glass:
        yield "*No gate was passed by break-glass.*"
    for line in report.break_glass:
        yield from _glass(line)


def _glass(line: GlassLine) -> Iterator[str]:
    second = line.second_word
    word_given = (
        f"**{'upheld' if second.upheld else 'not upheld'}** ({_by(second.source)}): {escape(second.note)}"
        if second
        else "**OWED: nobody has given it**"
    )
    lines = [
        f"Gate passed: **{word(line.gate)}**, for {escape(word(line.kind))} ({_by(line.source)})",
        f"Reason: {escape(line.reason)}",
        f"The gate still asked for: {escape(words(line.missing, none='nothing on record'))}",
        f"Second person's word: {word_given}",
    ]
    yield _list(map(Safe, lines), "")


def _told(report: Report) -> Iterator[str]:
    yield "## Who was told, when, and on which facts"
    yield _table(
        ("Had to be told", "Rule", "Since", "Became", "When", "Reason for waiving"),
        (
            (
                word(line.audience),
                word(line.rule),
                moment(line.source.at),
                Safe("**OWED**") if line.became == "owed" else line.became,
                _by(line.settled) if line.settled else "–",
                line.reason or "–",
            )
            for line in report.duties
        ),
        "No assessment made it a duty to tell anybody.",
    )
    if not report.messages:
        yield "*No message was drafted.*"
    for message in report.messages:
        yield from _message(message)


def _message(message: MessageLine) -> Iterator[str]:
    yield f"### To {escape(word(message.audience))}: {escape(message.standing)}"
    lines = [
        f"Channel: {escape(message.channel or UNKNOWN)}",
        f"Drafted: {_by(message.drafted)}",
        *(f"Approved ({word(line.kind)}): {_by(line.source)}" for line in message.approvals),
        f"Told: {_by(message.told) if message.told else 'no record that it arrived'}",
        f"Rests on: {'; '.join(_cited(fact) for fact in message.facts) or 'no fact'}",
    ]
    if message.failed_attempts:
        lines.append(f"{count(message.failed_attempts, 'attempt')} failed")
    yield _list(map(Safe, lines), "")
    yield f"**{escape(message.title or UNKNOWN)}**"
    yield _quote(message.text)


def _cited(fact: CitedFact) -> str:
    if fact.key is None:
        return f"fact {_code(str(fact.fact_id))}, not on record here"
    corrected = f", **corrected since** by {_event(fact.corrected_by)}" if fact.corrected_by else ""
    return f"{escape(word(fact.key))}: {escape(fact.value or UNKNOWN)} ({_event(fact.event)}{corrected})"


def _learned(report: Report) -> Iterator[str]:
    yield "## Findings and what is done about them"
    if not report.findings:
        yield "*No finding is recorded.*"
    for number, finding in enumerate(report.findings, start=1):
        yield from _finding(number, finding)
    yield "## What went well, what went wrong, where we were lucky"
    for kind in ObservationKind:
        yield f"### {word(kind).capitalize()}"
        observed = (line for line in report.observations if line.kind is kind)
        yield _list(
            (Safe(f"{escape(line.text)} ({_by(line.source)})") for line in observed),
            "Nothing is recorded.",
        )
    yield "## Lessons"
    yield _list(
        (Safe(f"{escape(line.text)} ({_by(line.source)})") for line in report.lessons),
        "No lesson is recorded.",
    )
    yield "## Policy clauses concerned"
    yield _table(
        ("Policy", "Clause", "Comment", "On the log"),
        (
            (line.policy, line.clause, line.comment or "–", _event(line.source.event))
            for line in report.policy_clauses
        ),
        "No policy clause is cited.",
    )
    yield "## Next review"
    yield str(report.next_review_on) if report.next_review_on else "*No date is set.*"


def _finding(number: int, finding: FindingLine) -> Iterator[str]:
    yield f"### Finding {number}: {word(finding.control_layer)}"
    yield _quote(finding.contributing_factor)
    yield (
        f"Was training adequate: **{finding.training_adequate}**. Was the policy understood: "
        f"**{finding.policy_understood}**. ({_by(finding.source)})"
    )
    if finding.no_action_reason:
        yield f"No action, because: {escape(finding.no_action_reason)}"
    else:
        rows = ((item.description, item.owner, str(item.due)) for item in finding.action_items)
        yield _table(("Action", "Owner", "Due"), rows, "None.")


def _measures(report: Report) -> Iterator[str]:
    yield "## Measures"
    yield "From the report that opened the incident, by the times at which events were recorded."
    yield _table(
        ("Measure", "Time", "Seconds", "Until"),
        (
            (
                line.label,
                line.text,
                UNKNOWN if line.seconds is None else f"{line.seconds:g}",
                _event(line.until),
            )
            for line in report.measures
        ),
        "",
    )


def _proof(report: Report) -> Iterator[str]:
    yield "## Proof"
    yield (
        "This report is a projection of the events below and of nothing else. The hash of an event is "
        "SHA-256 of a zero byte followed by its envelope; each envelope names the hash before it on its chain. "
        f"Whoever has the same events can make the same report (format {report.format}) and compare its digest."
    )
    yield _table(
        ("Service", "Up to", "Hash"),
        ((head.service.value, str(head.sequence), _code(head.hash)) for head in report.covers),
        "No event is covered.",
    )
    yield _table(
        ("Service", "Partition", "Sequence", "Type", "Event", "Hash"),
        (
            (
                line.event.service.value,
                str(line.event.partition),
                str(line.event.sequence),
                line.type,
                _code(str(line.event.event_id)),
                _code(line.hash),
            )
            for line in report.proof
        ),
        "No event is covered.",
    )


SECTIONS: Final = (
    _head,
    _summary,
    _timeline,
    _known,
    _waits,
    _exposure,
    _decisions,
    _break_glass,
    _told,
    _learned,
    _measures,
    _proof,
)
