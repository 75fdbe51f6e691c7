"""What the review found: findings with what is done about them, observations, lessons, policy
clauses, the next review."""

from datetime import date

from services.review.report.history import History
from services.review.report.model import ClauseLine, FindingLine, LessonLine, ObservationLine
from shared.contract.catalogue import review
from shared.contract.catalogue.base import words_of


def findings(history: History) -> tuple[FindingLine, ...]:
    return tuple(
        FindingLine(
            source=told.source,
            finding_id=told.data.finding_id,
            contributing_factor=words_of(told.data.contributing_factor),
            control_layer=told.data.control_layer,
            training_adequate=told.data.training_adequate,
            policy_understood=told.data.policy_understood,
            action_items=told.data.action_items,
            no_action_reason=words_of(told.data.no_action_reason),
        )
        for told in history.of(review.FindingRecorded)
    )


def observations(history: History) -> tuple[ObservationLine, ...]:
    return tuple(
        ObservationLine(told.source, told.data.kind, words_of(told.data.text))
        for told in history.of(review.ObservationRecorded)
    )


def lessons(history: History) -> tuple[LessonLine, ...]:
    return tuple(
        LessonLine(told.source, words_of(told.data.text))
        for told in history.of(review.LessonRecorded)
    )


def policy_clauses(history: History) -> tuple[ClauseLine, ...]:
    return tuple(
        ClauseLine(
            told.source,
            words_of(told.data.policy),
            words_of(told.data.clause),
            words_of(told.data.comment),
        )
        for told in history.of(review.PolicyClauseCited)
    )


def next_review_on(history: History) -> date | None:
    """The date that was set last."""
    dates = [told.data.on for told in history.of(review.NextReviewSet)]
    return dates[-1] if dates else None
