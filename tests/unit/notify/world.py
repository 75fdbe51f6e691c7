"""Who and what the specs of notify speak of."""

from typing import TypeAlias
from uuid import UUID

from services.notify.domain import DraftCommunication
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import (
    Communicated,
    CommunicationApproved,
    CommunicationDrafted,
    CommunicationRequested,
    SendStarted,
)
from shared.contract.catalogue.triage import Assessed, FactRecorded
from shared.contract.decision import Actor
from shared.contract.vocabulary import (
    ApprovalKind,
    Audience,
    AudienceTier,
    Confidence,
    Determination,
    FactKey,
    InformationType,
    Severity,
)
from tests.unit.concealing import bare
from tests.unit.given import START, By, actor

COMMS = actor("comms-cara", Role.COMMUNICATIONS)
COMMS_TOO = actor("comms-carl", Role.COMMUNICATIONS)
LEAD = actor("lead-lea", Role.LEAD)
LEGAL = actor("legal-liv", Role.LEGAL)
LEGAL_TOO = actor("legal-luc", Role.LEGAL)
RESPONDER = actor("responder-rob", Role.RESPONDER)
IT = actor("it-ivo", Role.IT)
REVIEWER = actor("reviewer-ria", Role.REVIEWER)
SENDER = Actor("service:notify")

WHERE = UUID(int=0xF1)
WHERE_CORRECTED = UUID(int=0xF2)
UNHEARD_OF = UUID(int=0xFF)
MESSAGE = UUID(int=0xC1)
OTHER_MESSAGE = UUID(int=0xC2)

REPORTED = Reported(opens=True, channel=ReportChannel.API)
TITLE = "A draft roadmap was posted"
TEXT = "It shows two products. It is gone since noon."
CHANNELS = frozenset({"staff mail", "press mail"})


def fact(
    key: str, fact_id: UUID, *, known: bool = True, corrects: UUID | None = None
) -> FactRecorded:
    return FactRecorded(
        fact_id=fact_id,
        key=key,
        known=known,
        value="on a public page",
        confidence=Confidence.HIGH,
        source="seen",
        observed_at=START,
        corrects=corrects,
    )


WHERE_ESTABLISHED = fact(FactKey.WHERE, WHERE)
OTHER_FACTS = tuple(
    fact(key, UUID(int=0xA0 + number))
    for number, key in enumerate(
        (
            FactKey.AUTHENTIC_AND_OURS,
            FactKey.INFORMATION_KIND,
            FactKey.STILL_LIVE,
            FactKey.WHO_CAN_SEE,
        )
    )
)
ALL_FACTS = (WHERE_ESTABLISHED, *OTHER_FACTS)


def assessed(
    severity: Severity = Severity.LOW,
    *leaked: InformationType,
    reach: AudienceTier = AudienceTier.D_PUBLIC,
    determination: Determination = Determination.CONFIRMED,
    revision: int = 1,
) -> Assessed:
    return Assessed(
        revision=revision,
        determination=determination,
        information_types=leaked or (InformationType.PROPRIETARY,),
        exposure=Exposure(audience_tier=reach),
        severity=severity,
        severity_rule="a_row",
    )


def draft(
    audience: Audience = Audience.EXECUTIVES, *facts: UUID, channel: str = "staff mail"
) -> DraftCommunication:
    return DraftCommunication(MESSAGE, audience, channel, TITLE, TEXT, facts or (WHERE,), CHANNELS)


def drafted(
    audience: Audience = Audience.EXECUTIVES,
    *,
    by: Actor = COMMS,
    message: UUID = MESSAGE,
    facts: tuple[UUID, ...] = (WHERE,),
) -> By:
    data = CommunicationDrafted(
        communication_id=message,
        audience=audience,
        channel="staff mail",
        title=TITLE,
        text=TEXT,
        facts=facts,
    )
    return By(by.subject, data)


TEXTS = bare(drafted().data).sd
"""The digests of TITLE and TEXT, as each draft here has them."""


def approved(by: Actor = LEAD, kind: ApprovalKind = ApprovalKind.PEER) -> By:
    return By(by.subject, CommunicationApproved(communication_id=MESSAGE, approval=kind))


LEGAL_APPROVED = approved(LEGAL, ApprovalKind.LEGAL)
REQUESTED = CommunicationRequested(communication_id=MESSAGE)

Past: TypeAlias = tuple[EventData | By, ...]

INSIDE_READY: Past = (REPORTED, WHERE_ESTABLISHED, drafted(), approved())
OUTSIDE_DRAFTED: Past = (REPORTED, *ALL_FACTS, assessed(), drafted(Audience.PRESS))
OUTSIDE_READY: Past = (*OUTSIDE_DRAFTED, approved(), LEGAL_APPROVED)


def started(attempt: int = 1) -> SendStarted:
    return SendStarted(communication_id=MESSAGE, attempt=attempt)


def communicated(
    audience: Audience = Audience.EXECUTIVES, attempt: int = 1, *by: Actor
) -> Communicated:
    return Communicated(
        communication_id=MESSAGE,
        audience=audience,
        channel="staff mail",
        texts=TEXTS,
        facts=(WHERE,),
        approved_by=tuple(person.subject for person in by or (LEAD,)),
        attempt=attempt,
    )
