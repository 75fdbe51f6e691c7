"""What review remembers of an incident: as much as a rule asks for, folded from the events. No text
that people wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeAlias
from uuid import UUID

from shared.contract.catalogue import notify, review, triage
from shared.contract.catalogue.review import Covered, ReportDigest
from shared.contract.envelope import Event
from shared.contract.vocabulary import CONTAINING, Audience, Determination, Outcome, ServiceName


@dataclass(frozen=True, slots=True)
class NotOpened:
    """Nobody reviews the incident, yet or ever."""


@dataclass(frozen=True, slots=True)
class UnderReview:
    findings: int = 0
    action_items: int = 0
    lessons: int = 0
    next_review_on: date | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """The report is out and cannot change; `covers` says which events it rests on."""

    report: ReportDigest
    covers: tuple[Covered, ...]


Review: TypeAlias = NotOpened | UnderReview | Published


@dataclass(frozen=True, slots=True)
class Incident:
    heads: Mapping[ServiceName, Covered] = field(default_factory=dict)
    """The last event of each service, as far as review knows."""
    determination: Determination | None = None
    dismissed: bool = False
    contained: bool = False
    inaction_decided: bool = False
    carried_out_by: frozenset[str] = frozenset()
    required: frozenset[Audience] = frozenset()
    told: frozenset[Audience] = frozenset()
    waived: frozenset[Audience] = frozenset()
    words_owed: frozenset[UUID] = frozenset()
    """Uses of break-glass that a second person has not spoken on."""
    review: Review = NotOpened()

    @property
    def known(self) -> bool:
        return bool(self.heads)

    @property
    def covers(self) -> tuple[Covered, ...]:
        """All that is known, as the heads of its chains: what a report that leaves nothing out
        covers."""
        return tuple(self.heads[service] for service in sorted(self.heads))

    @property
    def assessed_as(self) -> str:
        return f"assessed as {self.determination}" if self.determination else "not assessed"

    @property
    def owed(self) -> tuple[Audience, ...]:
        """Audiences that must be told, and neither were nor need not be."""
        return tuple(sorted(self.required - self.told - self.waived))


State: TypeAlias = Incident

INITIAL: Final = Incident()


def evolve(state: State, event: Event) -> State:
    """The state after an event. What no rule of review asks about only moves the head of its
    chain."""
    head = Covered(service=event.service, sequence=event.link.sequence, hash=event.hash.hex())
    known = replace(state, heads={**state.heads, event.service: head})
    match event.data:
        case triage.TriageEvent() as data:
            return _after_triage(known, data, event.actor)
        case notify.NotifyEvent() as data:
            return _after_notify(known, data)
        case review.ReviewEvent() as data:
            return replace(known, review=_after_review(known.review, data))
    return known


def _after_triage(state: State, data: triage.TriageEvent, by: str) -> State:
    match data:
        case triage.Assessed():
            return replace(state, determination=data.determination)
        case triage.IncidentDismissed():
            return replace(state, dismissed=True)
        case triage.Contained():
            contained = state.contained or (
                data.outcome is Outcome.SUCCESSFUL and data.kind in CONTAINING
            )
            return replace(state, contained=contained, carried_out_by=state.carried_out_by | {by})
        case triage.InactionDecided():
            return replace(state, inaction_decided=True)
        case triage.BreakGlassUsed():
            return replace(state, words_owed=state.words_owed | {data.break_glass_id})
        case triage.BreakGlassConfirmed():
            return replace(state, words_owed=state.words_owed - {data.break_glass_id})
    return state


def _after_notify(state: State, data: notify.NotifyEvent) -> State:
    match data:
        case notify.CommunicationRequired():
            return replace(state, required=state.required | {data.audience})
        case notify.Communicated():
            return replace(state, told=state.told | {data.audience})
        case notify.CommunicationWaived():
            return replace(state, waived=state.waived | {data.audience})
    return state


def _after_review(before: Review, data: review.ReviewEvent) -> Review:
    match before, data:
        case NotOpened(), review.ReviewOpened():
            return UnderReview()
        case UnderReview(), review.FindingRecorded():
            items = before.action_items + len(data.action_items)
            return replace(before, findings=before.findings + 1, action_items=items)
        case UnderReview(), review.LessonRecorded():
            return replace(before, lessons=before.lessons + 1)
        case UnderReview(), review.NextReviewSet():
            return replace(before, next_review_on=data.on)
        case UnderReview(), review.Reviewed():
            return Published(data.report, data.covers)
    return before
