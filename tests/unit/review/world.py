"""Who and what the specs of review speak of."""

from datetime import date
from typing import Final, TypeAlias
from uuid import UUID

from services.review.domain.commands import Publish, RecordFinding
from services.review.domain.state import INITIAL, State
from services.triage.domain.tables import CLASS_OF
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import (
    Communicated,
    CommunicationRequired,
    CommunicationWaived,
)
from shared.contract.catalogue.review import (
    ActionItem,
    Covered,
    FindingRecorded,
    ReportDigest,
    Reviewed,
    ReviewOpened,
    ReviewTrigger,
)
from shared.contract.catalogue.triage import (
    Assessed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Contained,
    InactionDecided,
    IncidentDismissed,
)
from shared.contract.decision import Actor
from shared.contract.vocabulary import (
    ActionKind,
    Answer,
    Audience,
    ControlLayer,
    Determination,
    DismissalReason,
    GateName,
    Outcome,
    Severity,
)
from tests.unit.given import START, By, actor

REVIEWER = actor("reviewer-ria", Role.REVIEWER)
LEAD = actor("lead-lea", Role.LEAD)
RESPONDER = actor("responder-rob", Role.RESPONDER)
AUDITOR = actor("auditor-ada", Role.AUDITOR)
ADMIN = actor("admin-abe", Role.ADMIN)
SERVICE = Actor("service:review")

ACTION = UUID(int=0xA1)
BROKEN = UUID(int=0xB1)
FINDING = UUID(int=0xF1)
TODAY = START.date()
LATER = date(2026, 6, 1)

REPORTED: Final = Reported(opens=True, channel=ReportChannel.API)
OPENED: Final = ReviewOpened(trigger=ReviewTrigger.CONFIRMED)
REQUIRED: Final = CommunicationRequired(audience=Audience.EXECUTIVES, rule="a_row")
TOLD: Final = Communicated(
    communication_id=UUID(int=0xC1),
    audience=Audience.EXECUTIVES,
    channel="staff mail",
    texts=("0" * 43, "1" * 43),
    facts=(),
    approved_by=("lead-lea",),
    attempt=1,
)
WAIVED: Final = CommunicationWaived(audience=Audience.EXECUTIVES, reason="They wrote the post.")
INACTION: Final = InactionDecided(reason="It was public before.")
DISMISSED: Final = IncidentDismissed(reason=DismissalReason.DUPLICATE, note="See the other one.")
GLASS_BROKEN: Final = BreakGlassUsed(
    break_glass_id=BROKEN,
    gate=GateName.LEGAL,
    action_id=ACTION,
    reason="A live key.",
    missing=("legal_view",),
)
WORD_GIVEN: Final = BreakGlassConfirmed(break_glass_id=BROKEN, upheld=True, note="Right so.")

ITEM: Final = ActionItem(
    description="Say in the onboarding what a photo shows", owner="trainer-tom", due=LATER
)


def assessed(determination: Determination = Determination.CONFIRMED) -> Assessed:
    return Assessed(
        revision=1,
        determination=determination,
        information_types=(),
        exposure=Exposure(),
        severity=Severity.LOW,
        severity_rule="a_row",
    )


def contained(
    outcome: Outcome = Outcome.SUCCESSFUL,
    by: Actor = RESPONDER,
    kind: ActionKind = ActionKind.PLATFORM_REPORT,
) -> By:
    data = Contained(
        action_id=ACTION,
        kind=kind,
        action_class=CLASS_OF[kind],
        outcome=outcome,
        carried_out_at=START,
    )
    return By(by.subject, data)


def record_finding(*items: ActionItem, reason: str | None = None) -> RecordFinding:
    return RecordFinding(
        FINDING,
        "Nobody said so.",
        ControlLayer.TRAINING_MISSING,
        Answer.NO,
        Answer.UNKNOWN,
        items,
        reason,
    )


def finding_recorded(*items: ActionItem, reason: str | None = None) -> FindingRecorded:
    return FindingRecorded(
        finding_id=FINDING,
        contributing_factor="Nobody said so.",
        control_layer=ControlLayer.TRAINING_MISSING,
        training_adequate=Answer.NO,
        policy_understood=Answer.UNKNOWN,
        action_items=items,
        no_action_reason=reason,
    )


DIGEST: Final = ReportDigest(format=1, skeleton_sha256="1" * 64)

Past: TypeAlias = tuple[EventData | By, ...]

UNDER_REVIEW: Past = (REPORTED, assessed(), OPENED)
PUBLISHABLE: Past = (*UNDER_REVIEW, contained(), finding_recorded(ITEM))


def publish(state: State) -> Publish:
    """To publish a report that leaves out nothing of what is known."""
    return Publish(DIGEST, state.covers)


def reviewed(
    covers: tuple[Covered, ...], *, lessons: int = 0, items: int = 1, on: date | None = None
) -> Reviewed:
    return Reviewed(
        report=DIGEST,
        covers=covers,
        findings=1,
        action_items=items,
        lessons=lessons,
        next_review_on=on,
    )


PUBLISHED: Past = (*PUBLISHABLE, reviewed(()))

NOTHING_KNOWN: State = INITIAL
