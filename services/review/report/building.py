"""The report as a projection of the log alone: the same events give the same report, whatever their
order of arrival."""

from collections.abc import Sequence

from services.review.report import authority, knowledge, learning, summary, telling
from services.review.report.history import History, covers_of, ref_of
from services.review.report.measures import measures
from services.review.report.model import FORMAT, Draft, ProofLine, Report
from services.review.report.timeline import timeline
from services.review.report.waiting import waits
from shared.contract.catalogue.intake import Reported
from shared.contract.envelope import Event
from shared.contract.vocabulary import Answer


def build(events: Sequence[Event], draft: Draft | None = None) -> Report:
    """The report on these events, which are of one incident. A published one has no `draft`."""
    history = History.of_events(events)
    reports, assessments = knowledge.reports(history), knowledge.assessments(history)
    actions, endings = authority.actions(history), authority.endings(history)
    break_glass, duties, messages = (
        authority.break_glass(history),
        telling.duties(history),
        telling.messages(history),
    )
    findings, lessons = learning.findings(history), learning.lessons(history)
    return Report(
        format=FORMAT,
        incident_id=events[0].incident_id if events else None,
        exercise=_exercise(history),
        determination=assessments[-1].determination if assessments else None,
        severity=assessments[-1].severity if assessments else None,
        draft=draft,
        summary=(
            *summary.of_reports(reports),
            *summary.of_assessments(assessments, history),
            *summary.of_actions(actions, endings),
            *summary.of_break_glass(break_glass),
            *summary.of_messages(messages, duties),
            *summary.of_learning(findings, lessons),
        ),
        timeline=timeline(history),
        reports=reports,
        facts=knowledge.facts(history),
        assessments=assessments,
        waits=waits(actions, history),
        exposure=knowledge.exposure(history),
        seats=authority.seats(history),
        actions=actions,
        endings=endings,
        break_glass=break_glass,
        duties=duties,
        messages=messages,
        findings=findings,
        observations=learning.observations(history),
        lessons=lessons,
        policy_clauses=learning.policy_clauses(history),
        next_review_on=learning.next_review_on(history),
        measures=measures(history),
        covers=covers_of(history.events),
        proof=tuple(
            ProofLine(ref_of(event), event.type, event.hash.hex())
            for event in sorted(
                history.events, key=lambda event: (event.service.value, event.link.sequence)
            )
        ),
    )


def _exercise(history: History) -> Answer:
    """What the report that opened the incident said; unknown when that is not on record."""
    opening = next((told.data for told in history.of(Reported) if told.data.opens), None)
    if opening is None:
        return Answer.UNKNOWN
    return Answer.YES if opening.exercise else Answer.NO
