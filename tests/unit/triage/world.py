"""Who and what the specs of triage speak of."""

from typing import Final, TypeAlias
from uuid import UUID

from services.triage.domain.commands import Assess, BreakGlass, CarryOut, GiveLegalView
from services.triage.domain.tables import CLASS_OF
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.triage import (
    ActionAuthorised,
    ActionProposed,
    Assessed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Contained,
    FactRecorded,
    IncidentDismissed,
    LegalViewGiven,
    SeatFilled,
)
from shared.contract.vocabulary import (
    ActionKind,
    Confidence,
    Determination,
    DismissalReason,
    FactKey,
    GateName,
    LegalView,
    Outcome,
    Seat,
    Severity,
)
from tests.unit.given import START, By, actor

RESPONDER = actor("responder-rob", Role.RESPONDER)
LEAD = actor("lead-lea", Role.LEAD)
LEAD_TOO = actor("lead-lou", Role.LEAD)
LEGAL = actor("legal-liv", Role.LEGAL)
COMMS = actor("comms-cara", Role.COMMUNICATIONS)
IT = actor("it-ivo", Role.IT)
REVIEWER = actor("reviewer-ria", Role.REVIEWER)

ACTION: Final = UUID(int=0xA1)
OTHER_ACTION: Final = UUID(int=0xA2)
GLASS: Final = UUID(int=0xB1)
OTHER_GLASS: Final = UUID(int=0xB2)
FACT: Final = UUID(int=0xD0)
UNHEARD_OF: Final = UUID(int=0xFF)

Past: TypeAlias = tuple[EventData | By, ...]

REPORTED: Final = Reported(opens=True, channel=ReportChannel.API)
DISMISSED: Final = IncidentDismissed(reason=DismissalReason.DUPLICATE, note="See the other one.")

TAKEDOWN: Final = ActionKind.PLATFORM_REPORT
PROTECT: Final = ActionKind.ROTATE_SECRET
CLAIM: Final = ActionKind.LEGAL_CLAIM


def fact(
    key: str,
    fact_id: UUID = FACT,
    *,
    known: bool = True,
    confidence: Confidence = Confidence.HIGH,
    corrects: UUID | None = None,
) -> FactRecorded:
    return FactRecorded(
        fact_id=fact_id,
        key=key,
        known=known,
        value="a value" if known else "unknown",
        confidence=confidence,
        source="seen",
        observed_at=START,
        corrects=corrects,
    )


def facts(*keys: FactKey, confidence: Confidence = Confidence.HIGH) -> Past:
    return tuple(
        fact(key, UUID(int=0xD00 + number), confidence=confidence)
        for number, key in enumerate(keys)
    )


FACTS: Final = facts(
    FactKey.AUTHENTIC_AND_OURS,
    FactKey.INFORMATION_KIND,
    FactKey.WHERE,
    FactKey.STILL_LIVE,
    FactKey.WHO_CAN_SEE,
)
FACTS_ON_A_PERSON: Final = (
    *FACTS,
    fact(FactKey.WHO_POSTED, UUID(int=0xD10)),
    fact(FactKey.HOW_POSTER_IS_KNOWN, UUID(int=0xD11)),
)

SEATS: Final[Past] = tuple(
    SeatFilled(seat=seat, holder=f"{seat}-person")
    for seat in (Seat.LEGAL, Seat.COMMUNICATIONS, Seat.IT)
)


def assessed(determination: Determination = Determination.CONFIRMED, revision: int = 1) -> Assessed:
    return Assessed(
        revision=revision,
        determination=determination,
        information_types=(),
        exposure=Exposure(),
        severity=Severity.CRITICAL,
        severity_rule="grave_and_public",
    )


def assess(determination: Determination = Determination.SUSPECTED) -> Assess:
    return Assess(determination, (), Exposure())


def proposed(kind: ActionKind = TAKEDOWN, action_id: UUID = ACTION) -> ActionProposed:
    return ActionProposed(
        action_id=action_id, kind=kind, action_class=CLASS_OF[kind], target="the post"
    )


def give_view(view: LegalView = LegalView.CLEARED, conditions: str | None = None) -> GiveLegalView:
    return GiveLegalView(ACTION, view, "the platform's terms", conditions)


def legal_view(view: LegalView = LegalView.CLEARED, *, protected: bool = False) -> LegalViewGiven:
    return LegalViewGiven(
        action_id=ACTION,
        view=view,
        ground="the platform's terms",
        protected_activity_considered=protected,
    )


def authorised(kind: ActionKind = TAKEDOWN, by: str = LEAD.subject) -> By:
    return By(by, ActionAuthorised(action_id=ACTION, kind=kind))


def carry_out(outcome: Outcome = Outcome.SUCCESSFUL) -> CarryOut:
    return CarryOut(ACTION, outcome, START)


def contained(
    outcome: Outcome = Outcome.SUCCESSFUL,
    kind: ActionKind = TAKEDOWN,
    *,
    authorised_by: str | None = LEAD.subject,
    view: LegalView | None = LegalView.CLEARED,
    broken: tuple[UUID, ...] = (),
) -> Contained:
    return Contained(
        action_id=ACTION,
        kind=kind,
        action_class=CLASS_OF[kind],
        outcome=outcome,
        carried_out_at=START,
        authorised_by=authorised_by,
        legal_view=view,
        break_glass=broken,
    )


def break_glass(gate: GateName = GateName.LEGAL, glass: UUID = GLASS) -> BreakGlass:
    return BreakGlass(glass, gate, ACTION, "forks multiply")


def broken(
    gate: GateName = GateName.LEGAL,
    glass: UUID = GLASS,
    missing: tuple[str, ...] = ("legal_view",),
    by: str = "lead-lea",
) -> By:
    return By(
        by,
        BreakGlassUsed(
            break_glass_id=glass,
            gate=gate,
            action_id=ACTION,
            reason="forks multiply",
            missing=missing,
        ),
    )


def word(*, upheld: bool, glass: UUID = GLASS) -> BreakGlassConfirmed:
    return BreakGlassConfirmed(break_glass_id=glass, upheld=upheld, note="as I see it")


OPEN: Past = (REPORTED,)
PROPOSED: Past = (REPORTED, proposed())
READY_TO_AUTHORISE: Past = (REPORTED, *FACTS, proposed(), legal_view())
READY: Past = (*READY_TO_AUTHORISE, authorised())
READY_AGAINST: Past = (
    REPORTED,
    *FACTS_ON_A_PERSON,
    *SEATS,
    assessed(),
    proposed(CLAIM),
    legal_view(protected=True),
    authorised(CLAIM),
)
