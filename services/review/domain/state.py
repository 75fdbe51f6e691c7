"""What review remembers of an incident: as much as a rule asks for, folded from the events. No text
that people wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

from shared.contract.catalogue import notify, review, triage
from shared.contract.catalogue.review import (
    Covered,
    ErasedText,
    ErasureGround,
    ReportDigest,
    Side,
    TextKind,
)
from shared.contract.envelope import Event
from shared.contract.vocabulary import CONTAINING, Audience, Determination, Outcome, ServiceName

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class NotOpened:
    """Nobody reviews the incident, yet or ever."""


@dataclass(frozen=True, slots=True)
class UnderReview:
    """`edition`: of the rules, as it was when the review was opened."""

    edition: int = 1
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
class Asked:
    """An erasure that waits for the other side's word."""

    by: str
    side: Side
    ground: ErasureGround
    texts: tuple[ErasedText, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    by: str
    side: Side


@dataclass(frozen=True, slots=True)
class Warned:
    """The last warning of a kind of text: how many days before its end, and when it was said."""

    days: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What is forgotten of the incident, is about to be, or must not be."""

    asked: Mapping[UUID, Asked] = field(default_factory=dict)
    erased: frozenset[str] = frozenset()
    """By digest."""
    holds: Mapping[UUID, Hold] = field(default_factory=dict)
    closed_at: datetime | None = None
    """Since when retention runs: the incident was dismissed, or its report published."""
    warned: Mapping[TextKind, Warned] = field(default_factory=dict)


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
    forgetting: Forgetting = Forgetting()

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
            return _after_triage(known, data, event)
        case notify.NotifyEvent() as data:
            return _after_notify(known, data)
        case review.ReviewEvent() as data:
            return replace(
                known,
                review=_after_review(known.review, data, event.rules),
                forgetting=_after_forgetting(known.forgetting, data, event),
            )
    return known


def _after_triage(state: State, data: triage.TriageEvent, event: Event) -> State:
    match data:
        case triage.Assessed():
            return replace(state, determination=data.determination)
        case triage.IncidentDismissed():
            closed = replace(state.forgetting, closed_at=event.time, warned={})
            return replace(state, dismissed=True, forgetting=closed)
        case triage.Contained():
            contained = state.contained or (
                data.outcome is Outcome.SUCCESSFUL and data.kind in CONTAINING
            )
            carried_out_by = state.carried_out_by | {event.actor}
            return replace(state, contained=contained, carried_out_by=carried_out_by)
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


def _after_review(before: Review, data: review.ReviewEvent, edition: int) -> Review:
    match before, data:
        case NotOpened(), review.ReviewOpened():
            return UnderReview(edition)
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


def _after_forgetting(before: Forgetting, data: review.ReviewEvent, event: Event) -> Forgetting:
    match data:
        case review.ErasureRequested():
            asked = Asked(event.actor, data.asked_as, data.ground, data.texts)
            return replace(before, asked={**before.asked, data.erasure_id: asked})
        case review.ErasureRefused():
            return replace(before, asked=_without(before.asked, data.erasure_id))
        case review.ContentErased():
            gone = before.erased | {text.digest for text in data.texts}
            return replace(before, asked=_without(before.asked, data.erasure_id), erased=gone)
        case review.HoldPlaced():
            hold = Hold(event.actor, data.placed_as)
            return replace(before, holds={**before.holds, data.hold_id: hold})
        case review.HoldReleased():
            return replace(before, holds=_without(before.holds, data.hold_id))
        case review.RetentionWarned():
            said = dict.fromkeys(data.kinds, Warned(data.days, event.time))
            return replace(before, warned={**before.warned, **said})
        case review.Reviewed():
            return replace(before, closed_at=event.time, warned={})
    return before


def _without(several: Mapping[UUID, V], one: UUID) -> Mapping[UUID, V]:
    return {key: value for key, value in several.items() if key != one}
