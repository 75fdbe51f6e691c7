"""What was known when: reports, facts, assessments, exposure."""

from collections.abc import Mapping
from uuid import UUID

from services.review.report.history import History
from services.review.report.model import AssessmentLine, ExposureLine, FactLine, ReportMade
from services.review.report.sources import Ref
from shared.contract.catalogue.base import Exposure, words_of
from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.triage import Assessed, FactRecorded
from shared.contract.vocabulary import Answer
from shared.contract.wording import UNKNOWN, platform, tier, word


def exercise(history: History) -> Answer:
    """The word of the report that opened the incident; unknown when that is not on record."""
    opening = next((told.data for told in history.of(Reported) if told.data.opens), None)
    if opening is None:
        return Answer.UNKNOWN
    return Answer.YES if opening.exercise else Answer.NO


def reports(history: History) -> tuple[ReportMade, ...]:
    return tuple(
        ReportMade(
            source=told.source,
            opens=told.data.opens,
            exercise=told.data.exercise,
            channel=told.data.channel.value,
            reporter_kept=told.data.reporter is not None,
            discovery=told.data.discovery,
            noticed_at=told.data.noticed_at,
            noticed_at_fidelity=told.data.noticed_at_fidelity,
            description=words_of(told.data.description),
            information_types=told.data.information_types,
            exposure=told.data.exposure,
        )
        for told in history.of(Reported)
    )


def facts(history: History) -> tuple[FactLine, ...]:
    corrections = corrected_by(history)
    return tuple(
        FactLine(
            source=told.source,
            fact_id=told.data.fact_id,
            key=told.data.about,
            known=told.data.known,
            value=words_of(told.data.value),
            confidence=told.data.confidence,
            told_by=words_of(told.data.source),
            observed_at=told.data.observed_at,
            corrects=told.data.corrects,
            corrected_by=corrections.get(told.data.fact_id),
        )
        for told in history.of(FactRecorded)
    )


def corrected_by(history: History) -> Mapping[UUID, Ref]:
    """The event that corrected a fact, by the fact's id."""
    return {
        told.data.corrects: told.source.event
        for told in history.of(FactRecorded)
        if told.data.corrects
    }


def assessments(history: History) -> tuple[AssessmentLine, ...]:
    """The last one holds."""
    return tuple(
        AssessmentLine(
            source=told.source,
            revision=told.data.revision,
            determination=told.data.determination,
            severity=told.data.severity,
            severity_rule=told.data.severity_rule,
            severity_override_reason=words_of(told.data.severity_override_reason),
            information_types=told.data.information_types,
            facts_known=told.data.facts_known,
            facts_missing=told.data.facts_missing,
        )
        for told in history.of(Assessed)
    )


def exposure(history: History) -> tuple[ExposureLine, ...]:
    """As it was first reported, and as it was last assessed."""
    first = next((told.data.exposure for told in history.of(Reported) if told.data.opens), None)
    assessed_ones = [told.data.exposure for told in history.of(Assessed)]
    reported, assessed = _aspects(first), _aspects(assessed_ones[-1] if assessed_ones else None)
    return tuple(ExposureLine(aspect, reported[aspect], assessed[aspect]) for aspect in reported)


def _aspects(shown: Exposure | None) -> dict[str, str]:
    """An exposure that is not on record is unknown in every aspect."""
    shown = shown or Exposure()
    return {
        "platform": platform(shown) or UNKNOWN,
        "address": words_of(shown.url) or UNKNOWN,
        "kind of post": word(shown.post_kind),
        "author": word(shown.author_relation),
        "visibility": word(shown.visibility),
        "how far it travelled": tier(shown.audience_tier),
        "still live": word(shown.still_live),
        "copies elsewhere": UNKNOWN if shown.copies is None else str(shown.copies),
    }
