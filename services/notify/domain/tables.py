"""The tables that the rules read, by edition: the audiences that must be told, the facts and
approvals needed, and how often a sending is tried. Which roles may say so has no editions.

The tables of an edition never change. A new edition is a row of `EDITIONS`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.contract.authority import Role, who_may
from shared.contract.editions import Editions
from shared.contract.vocabulary import (
    BASIC_FACTS,
    ApprovalKind,
    Audience,
    AudienceTier,
    FactKey,
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


@dataclass(frozen=True, slots=True)
class Tables:
    """All that notify looks up, in one edition."""

    duties: tuple[Duty, ...]
    inside: frozenset[Audience]
    outside_facts: tuple[FactKey, ...]
    gates_inside: tuple[GateName, ...]
    gates_outside: tuple[GateName, ...]
    approval_at: Mapping[GateName, ApprovalKind]
    backoff: tuple[timedelta, ...]

    def gates_before(self, audience: Audience) -> tuple[GateName, ...]:
        """The gates between a draft and its audience."""
        return self.gates_inside if audience in self.inside else self.gates_outside

    def approvals_needed(self, audience: Audience) -> tuple[ApprovalKind, ...]:
        return tuple(
            self.approval_at[gate]
            for gate in self.gates_before(audience)
            if gate in self.approval_at
        )


EDITIONS: Final = Editions(
    {
        1: Tables(
            duties=DUTIES,
            inside=INSIDE,
            outside_facts=OUTSIDE_FACTS,
            gates_inside=GATES_INSIDE,
            gates_outside=GATES_OUTSIDE,
            approval_at=APPROVAL_AT,
            backoff=BACKOFF,
        ),
    }
)
