"""The tables that the rules read: who must be told, who may say so, on which facts, how often a
sending is tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.contract.authority import Role, who_may
from shared.contract.vocabulary import (
    ApprovalKind,
    Audience,
    AudienceTier,
    FactKey,
    InformationType,
    Severity,
)

ANYTHING: Final = frozenset(InformationType)
PERSONAL: Final = frozenset({InformationType.PII, InformationType.PHI})
FINANCIAL: Final = frozenset({InformationType.FINANCIAL})
ANY_SEVERITY: Final = frozenset(Severity)
SERIOUS: Final = frozenset({Severity.CRITICAL, Severity.HIGH})
ANYWHERE: Final = frozenset(AudienceTier)
OUT: Final = ANYWHERE - {AudienceTier.A_INTERNAL}
"""How far it travelled may be unknown; that never means that it stayed inside."""
TALKED_ABOUT: Final = frozenset({AudienceTier.E_SPREADING, AudienceTier.F_PRESS})


@dataclass(frozen=True, slots=True)
class Duty:
    """A confirmed incident in which some of this leaked, this badly, this far, must be told to the
    audience."""

    rule: str
    audience: Audience
    leaked: frozenset[InformationType]
    severity: frozenset[Severity]
    reach: frozenset[AudienceTier]


DUTIES: Final = (
    Duty("serious_to_executives", Audience.EXECUTIVES, ANYTHING, SERIOUS, ANYWHERE),
    Duty("talked_about_to_employees", Audience.EMPLOYEES, ANYTHING, ANY_SEVERITY, TALKED_ABOUT),
    Duty(
        "personal_data_to_authority",
        Audience.DATA_PROTECTION_AUTHORITY,
        PERSONAL,
        ANY_SEVERITY,
        ANYWHERE,
    ),
    Duty(
        "personal_data_at_high_risk_to_its_subjects",
        Audience.DATA_SUBJECTS,
        PERSONAL,
        SERIOUS,
        ANYWHERE,
    ),
    Duty("inside_information_to_regulator", Audience.REGULATOR, FINANCIAL, SERIOUS, OUT),
)
"""Practice as data, not legal advice. Where a row asks too much (no risk to the persons, no listed
company), lead or legal waives it with a reason, which is then on record. No row asks for the
information owner: an assessment does not say whose it was."""

INSIDE: Final = frozenset({Audience.EXECUTIVES, Audience.EMPLOYEES, Audience.LINE_MANAGER})
"""Every other audience, also one that is added later, is outside the company."""

OUTSIDE_FACTS: Final = (
    FactKey.AUTHENTIC_AND_OURS,
    FactKey.INFORMATION_KIND,
    FactKey.WHERE,
    FactKey.STILL_LIVE,
    FactKey.WHO_CAN_SEE,
)
"""What must be established before anybody outside is told: the facts that a corrective action waits
for, too."""

APPROVALS_INSIDE: Final = (ApprovalKind.PEER,)
APPROVALS_OUTSIDE: Final = (ApprovalKind.PEER, ApprovalKind.LEGAL)

APPROVERS: Final[Mapping[ApprovalKind, tuple[Role, ...]]] = {
    ApprovalKind.PEER: who_may("approve_as_peer"),
    ApprovalKind.LEGAL: who_may("approve_as_legal"),
}

WHO_ESTABLISHES_FACTS: Final = who_may("record_fact")

BACKOFF: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
)
"""How long to wait after the first, second, … failed attempt of one request; after the last row it
takes a person's new request."""


def approvals_needed(audience: Audience) -> tuple[ApprovalKind, ...]:
    return APPROVALS_INSIDE if audience in INSIDE else APPROVALS_OUTSIDE
