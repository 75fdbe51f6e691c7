"""The tables that the rules read: the audiences that must be told, the roles that may say so, the
facts needed, and how often a sending is tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.contract.authority import Role, who_may
from shared.contract.vocabulary import (
    BASIC_FACTS,
    ApprovalKind,
    Audience,
    AudienceTier,
    GateName,
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
"""One row for each audience. Practice as data, not legal advice. Where a row asks too much (no risk
to the persons, no listed company), lead or legal waives it with a reason, which is then on record.
No row asks for the information owner: an assessment does not say whose it was."""

INSIDE: Final = frozenset({Audience.EXECUTIVES, Audience.EMPLOYEES, Audience.LINE_MANAGER})
"""Every other audience, also one that is added later, is outside the company."""

OUTSIDE_FACTS: Final = BASIC_FACTS
"""What must be established before anybody outside is told."""

GATES_INSIDE: Final = (GateName.FACTS, GateName.APPROVAL)
GATES_OUTSIDE: Final = (GateName.FACTS, GateName.APPROVAL, GateName.LEGAL)
"""What a message waits for before it is sent. An approval waits for the facts alone."""

APPROVAL_AT: Final[Mapping[GateName, ApprovalKind]] = {
    GateName.APPROVAL: ApprovalKind.PEER,
    GateName.LEGAL: ApprovalKind.LEGAL,
}
"""Which approval opens a gate."""

APPROVERS: Final[Mapping[ApprovalKind, tuple[Role, ...]]] = {
    ApprovalKind.PEER: who_may("approve_as_peer"),
    ApprovalKind.LEGAL: who_may("approve_as_legal"),
}

WHO_ESTABLISHES_FACTS: Final = who_may("record_fact")
WHO_ASSESSES: Final = who_may("assess")

BACKOFF: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
)
"""How long to wait after the first, second, … failed attempt of one request; after the last row it
takes a person's new request."""


def gates_before(audience: Audience) -> tuple[GateName, ...]:
    """The gates between a draft and its audience."""
    return GATES_INSIDE if audience in INSIDE else GATES_OUTSIDE


def approvals_needed(audience: Audience) -> tuple[ApprovalKind, ...]:
    return tuple(APPROVAL_AT[gate] for gate in gates_before(audience) if gate in APPROVAL_AT)
