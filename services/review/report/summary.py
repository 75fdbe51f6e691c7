"""The report in a few sentences, each of them told by the sections that follow."""

from collections.abc import Iterator

from services.review.report.history import History
from services.review.report.model import (
    ActionLine,
    AssessmentLine,
    DutyLine,
    Ending,
    FindingLine,
    GlassLine,
    LessonLine,
    MessageLine,
    Report,
    ReportMade,
)
from shared.contract.catalogue.triage import Assessed
from shared.contract.vocabulary import Outcome
from shared.contract.wording import count, moment, place, tier, word, words


def summary(report: Report, history: History) -> Iterator[str]:
    """The sentences, in the order of the incident; `report` has all its sections but this one."""
    yield from _of_reports(report.reports)
    yield from _of_assessments(report.assessments, history)
    yield from _of_actions(report.actions, report.endings)
    yield from _of_break_glass(report.break_glass)
    yield from _of_messages(report.messages, report.duties)
    yield from _of_learning(report.findings, report.lessons)


def _of_reports(reports: tuple[ReportMade, ...]) -> Iterator[str]:
    first = next((report for report in reports if report.opens), None)
    if first is None:
        yield "The report that opened the incident is not on record here."
        return
    what = "An exercise was" if first.exercise else "It was"
    who = (
        "who noticed it is unknown"
        if first.discovery == "unknown"
        else f"noticed by {word(first.discovery)}"
    )
    yield f"{what} reported on {moment(first.source.at)}: {place(first.exposure)}; {who}."
    if len(reports) > 1:
        yield f"{count(len(reports) - 1, 'further report')} added to it."


def _of_assessments(assessments: tuple[AssessmentLine, ...], history: History) -> Iterator[str]:
    if not assessments:
        yield "It was not assessed."
        return
    last = assessments[-1]
    exposure = history.of(Assessed)[-1].data.exposure
    yield (
        f"It was assessed as {word(last.determination)}, severity {last.severity} "
        f"(rule: {word(last.severity_rule)}). What leaked: {words(last.information_types)}. "
        f"How far it travelled: {tier(exposure.audience_tier)}; still live: {exposure.still_live}."
    )


def _of_actions(actions: tuple[ActionLine, ...], endings: tuple[Ending, ...]) -> Iterator[str]:
    done = [
        f"{word(action.kind)} on {moment(attempt.source.at)}"
        for action in actions
        for attempt in action.attempts
        if attempt.outcome is Outcome.SUCCESSFUL
    ]
    tried = sum(bool(action.attempts) for action in actions)
    if done:
        yield f"Carried out with success: {'; '.join(done)}."
    else:
        yield f"No action was carried out with success ({count(tried, 'action')} tried)."
    for ending in endings:
        yield f"Decided on {moment(ending.source.at)} by {ending.source.by}: {ending.decision}."


def _of_break_glass(break_glass: tuple[GlassLine, ...]) -> Iterator[str]:
    if not break_glass:
        yield "No gate was passed by break-glass."
        return
    owed = sum(line.second_word is None for line in break_glass)
    overruled = sum(
        line.second_word is not None and not line.second_word.upheld for line in break_glass
    )
    times = "once" if len(break_glass) == 1 else f"{len(break_glass)} times"
    yield (
        f"Break-glass was used {times}: {len(break_glass) - owed - overruled} upheld by a second "
        f"person, {overruled} not upheld, {owed} still owed a second person's word."
    )


def _of_messages(messages: tuple[MessageLine, ...], duties: tuple[DutyLine, ...]) -> Iterator[str]:
    told = [f"{word(line.audience)} on {moment(line.told.at)}" for line in messages if line.told]
    yield f"Told: {'; '.join(told)}." if told else "Nobody was told."
    if waived := [line.audience for line in duties if line.became == "waived"]:
        yield f"A duty to tell was waived for: {words(waived)}."
    if owed := [line.audience for line in duties if line.became == "owed"]:
        yield f"Still owed a message: {words(owed)}."


def _of_learning(
    findings: tuple[FindingLine, ...], lessons: tuple[LessonLine, ...]
) -> Iterator[str]:
    items = sum(len(finding.action_items) for finding in findings)
    yield (
        f"The review recorded {count(len(findings), 'finding')}, {count(items, 'action item')}, "
        f"{count(len(lessons), 'lesson')}."
    )
