"""Who must be told, by the table of duties; when a duty may be waived."""

import pytest

from services.notify import domain
from services.notify.domain import NoteDuties, Waive
from services.notify.domain.tables import DUTIES
from services.notify.reactions import react
from shared.contract.catalogue.notify import CommunicationRequired, CommunicationWaived
from shared.contract.decision import Actor
from shared.contract.vocabulary import (
    Audience,
    AudienceTier,
    Determination,
    InformationType,
    Severity,
)
from tests.unit.given import event, given
from tests.unit.notify.world import (
    COMMS,
    LEAD,
    LEGAL,
    REPORTED,
    RESPONDER,
    SENDER,
    WHERE_ESTABLISHED,
    assessed,
    communicated,
    drafted,
)

EXECUTIVES = CommunicationRequired(audience=Audience.EXECUTIVES, rule="serious_to_executives")
EMPLOYEES = CommunicationRequired(audience=Audience.EMPLOYEES, rule="talked_about_to_employees")
AUTHORITY = CommunicationRequired(
    audience=Audience.DATA_PROTECTION_AUTHORITY, rule="personal_data_to_authority"
)
SUBJECTS = CommunicationRequired(
    audience=Audience.DATA_SUBJECTS, rule="personal_data_at_high_risk_to_its_subjects"
)
REGULATOR = CommunicationRequired(
    audience=Audience.REGULATOR, rule="inside_information_to_regulator"
)


@pytest.mark.parametrize(
    ("severity", "leaked", "reach", "duties"),
    [
        (Severity.INFO, InformationType.PROPRIETARY, AudienceTier.D_PUBLIC, ()),
        (Severity.WARNING, InformationType.PROPRIETARY, AudienceTier.D_PUBLIC, ()),
        (Severity.HIGH, InformationType.PROPRIETARY, AudienceTier.D_PUBLIC, (EXECUTIVES,)),
        (Severity.CRITICAL, InformationType.SECRETS, AudienceTier.A_INTERNAL, (EXECUTIVES,)),
        (Severity.CRITICAL, InformationType.UNKNOWN, AudienceTier.UNKNOWN, (EXECUTIVES,)),
        (Severity.LOW, InformationType.PROPRIETARY, AudienceTier.F_PRESS, (EMPLOYEES,)),
        (
            Severity.HIGH,
            InformationType.SOURCE_CODE,
            AudienceTier.E_SPREADING,
            (EXECUTIVES, EMPLOYEES),
        ),
        (Severity.LOW, InformationType.PII, AudienceTier.B_FEW_OUTSIDERS, (AUTHORITY,)),
        (
            Severity.HIGH,
            InformationType.PHI,
            AudienceTier.C_FOLLOWERS,
            (EXECUTIVES, AUTHORITY, SUBJECTS),
        ),
        (Severity.HIGH, InformationType.FINANCIAL, AudienceTier.A_INTERNAL, (EXECUTIVES,)),
        (Severity.HIGH, InformationType.FINANCIAL, AudienceTier.UNKNOWN, (EXECUTIVES, REGULATOR)),
        (Severity.WARNING, InformationType.FINANCIAL, AudienceTier.D_PUBLIC, ()),
    ],
)
def test_a_confirmed_incident_makes_the_duties_of_the_table(
    severity: Severity,
    leaked: InformationType,
    reach: AudienceTier,
    duties: tuple[CommunicationRequired, ...],
) -> None:
    given(domain, REPORTED, assessed(severity, leaked, reach=reach)).when(
        NoteDuties(), by=SENDER
    ).then(*duties)


@pytest.mark.parametrize("determination", sorted(set(Determination) - {Determination.CONFIRMED}))
def test_what_is_not_confirmed_makes_no_duty(determination: Determination) -> None:
    found = assessed(Severity.CRITICAL, InformationType.PII, determination=determination)
    given(domain, REPORTED, found).when(NoteDuties(), by=SENDER).then()


def test_no_audience_has_two_rows() -> None:
    """Else one assessment would make the same duty twice."""
    assert len({duty.audience for duty in DUTIES}) == len(DUTIES)


def test_before_any_assessment_there_is_no_duty() -> None:
    given(domain, REPORTED).when(NoteDuties(), by=SENDER).then()


def test_nothing_named_as_leaked_still_makes_the_duties_that_ask_for_nothing_in_particular() -> (
    None
):
    found = assessed(Severity.HIGH).model_copy(update={"information_types": ()})
    given(domain, REPORTED, found).when(NoteDuties(), by=SENDER).then(EXECUTIVES)


def test_an_audience_is_required_only_once() -> None:
    known = given(domain, REPORTED, assessed(Severity.HIGH), EXECUTIVES)
    worse = known.and_given(assessed(Severity.CRITICAL, InformationType.PII, revision=2))
    worse.when(NoteDuties(), by=SENDER).then(AUTHORITY, SUBJECTS)


def test_a_waived_audience_is_not_required_again() -> None:
    waived = CommunicationWaived(audience=Audience.EXECUTIVES, reason="they found it")
    past = given(
        domain,
        REPORTED,
        assessed(Severity.HIGH),
        EXECUTIVES,
        waived,
        assessed(Severity.CRITICAL, revision=2),
    )
    past.when(NoteDuties(), by=SENDER).then()


def test_an_audience_that_was_told_before_the_assessment_is_not_required() -> None:
    past = given(
        domain, REPORTED, WHERE_ESTABLISHED, drafted(), communicated(), assessed(Severity.HIGH)
    )
    past.when(NoteDuties(), by=SENDER).then()


@pytest.mark.parametrize("person", [LEAD, LEGAL])
def test_lead_or_legal_waives_a_duty_with_a_reason(person: Actor) -> None:
    waiver = Waive(Audience.EXECUTIVES, "they found it themselves")
    waived = CommunicationWaived(audience=Audience.EXECUTIVES, reason="they found it themselves")
    given(domain, REPORTED, assessed(Severity.HIGH), EXECUTIVES).when(waiver, by=person).then(
        waived
    )


@pytest.mark.parametrize("person", [COMMS, RESPONDER])
def test_nobody_else_waives(person: Actor) -> None:
    past = given(domain, REPORTED, assessed(Severity.HIGH), EXECUTIVES)
    past.when(Waive(Audience.EXECUTIVES, "no"), by=person).then_rejected("role")


def test_what_no_assessment_asks_for_cannot_be_waived() -> None:
    refusal = (
        given(domain, REPORTED).when(Waive(Audience.PRESS, "no"), by=LEAD).then_rejected("owed")
    )
    assert "No assessment" in refusal.detail


def test_what_was_told_cannot_be_waived() -> None:
    past = given(
        domain,
        REPORTED,
        WHERE_ESTABLISHED,
        assessed(Severity.HIGH),
        EXECUTIVES,
        drafted(),
        communicated(),
    )
    refusal = past.when(Waive(Audience.EXECUTIVES, "no"), by=LEAD).then_rejected("owed")
    assert "told already" in refusal.detail


def test_a_duty_is_waived_only_once() -> None:
    waived = CommunicationWaived(audience=Audience.EXECUTIVES, reason="they found it")
    past = given(domain, REPORTED, assessed(Severity.HIGH), EXECUTIVES, waived)
    refusal = past.when(Waive(Audience.EXECUTIVES, "again"), by=LEAD).then_rejected("owed")
    assert "waived already" in refusal.detail


def test_hearing_an_assessment_asks_for_the_duties_and_nothing_else_does() -> None:
    assert react(event(assessed()), domain.INITIAL) == [NoteDuties()]
    assert react(event(REPORTED), domain.INITIAL) == []
    assert react(event(WHERE_ESTABLISHED), domain.INITIAL) == []
