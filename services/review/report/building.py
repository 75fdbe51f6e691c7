"""The report as a projection of the log alone: the same events give the same report, whatever their
order of arrival."""

from collections.abc import Sequence
from dataclasses import replace

from services.review.report.authority import actions, break_glass, endings, seats
from services.review.report.history import History, covers_of, proof_of
from services.review.report.knowledge import assessments, exercise, exposure, facts, reports
from services.review.report.learning import (
    findings,
    lessons,
    next_review_on,
    observations,
    policy_clauses,
)
from services.review.report.measures import measures
from services.review.report.model import FORMAT, Report, Unpublished
from services.review.report.summary import summary
from services.review.report.telling import duties, messages
from services.review.report.timeline import timeline
from services.review.report.waiting import waits
from shared.contract.envelope import Event


def build(
    events: Sequence[Event], draft: Unpublished | None = None, *, format_: int = FORMAT
) -> Report:
    """The report on these events, which are of one incident. A published one has no `draft`, and
    the format of its time."""
    history = History.of_events(events)
    assessed, acted = assessments(history), actions(history)
    report = Report(
        format=format_,
        edition=None,
        incident_id=events[0].subject_id if events else None,
        exercise=exercise(history),
        determination=assessed[-1].determination if assessed else None,
        severity=assessed[-1].severity if assessed else None,
        draft=draft,
        summary=(),
        timeline=timeline(history),
        reports=reports(history),
        facts=facts(history),
        assessments=assessed,
        waits=waits(acted, history),
        exposure=exposure(history),
        seats=seats(history),
        actions=acted,
        endings=endings(history),
        break_glass=break_glass(history),
        duties=duties(history),
        messages=messages(history),
        findings=findings(history),
        observations=observations(history),
        lessons=lessons(history),
        policy_clauses=policy_clauses(history),
        next_review_on=next_review_on(history),
        measures=measures(history),
        covers=covers_of(history.events),
        proof=proof_of(history.events),
    )
    return replace(report, summary=tuple(summary(report, history)))
