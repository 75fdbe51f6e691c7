"""The services' own rules, run over a history: what they would not have let anybody say is found;
what a race explains is not."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import pytest

from services.notify import domain as notify
from services.triage.domain import commands
from shared.audit.decisions import ENOUGH, made_again, recorded_by
from shared.audit.subjects import Sealed, check_subject
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.notify import Communicated, CommunicationApproved
from shared.contract.catalogue.review import Reviewed
from shared.contract.catalogue.triage import (
    ActionAuthorised,
    Assessed,
    Contained,
    IncidentDismissed,
)
from shared.contract.envelope import Event
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Audience,
    Confidence,
    DismissalReason,
    FactKey,
    LegalView,
    Outcome,
    Severity,
)
from tests.unit.audit.world import (
    COLIN,
    LEA,
    NORA,
    NOTIFY,
    REVIEW,
    ROB,
    TRIAGE,
    Ledger,
    confirm,
    contain,
    incident_number,
    publish,
    report,
    rules,
    tell,
    whole_story,
)

INCIDENT: Final = incident_number(1)


def found(ledger: Ledger) -> list[tuple[str, str]]:
    """Code and, where it is a rule, its name."""
    history = [Sealed(number, event) for number, event in enumerate(ledger.of(INCIDENT))]
    findings = check_subject(history, rules())
    return [
        (one.code, one.detail.partition(":")[0] if one.code == "against_the_rules" else "")
        for one in findings
        if one.code != "subject_link"
    ]


def data_of(event: Event, **change: Any) -> EventData:
    assert isinstance(event.data, EventData)
    return event.data.model_copy(update=change)


def told_before_it_was_assessed(ledger: Ledger) -> None:
    other = Ledger()
    confirm(other, INCIDENT)
    told = tell(other, INCIDENT, Audience.PRESS)
    report(ledger, INCIDENT)
    ledger.say(NOTIFY, INCIDENT, data_of(told), "colin")


def carried_out_without_its_gates(ledger: Ledger) -> None:
    confirm(ledger, INCIDENT)
    action = ledger.new_id()
    ledger.give(
        TRIAGE, INCIDENT, commands.ProposeAction(action, ActionKind.DMCA_NOTICE, "the post"), ROB
    )
    ledger.say(TRIAGE, INCIDENT, contained(action, ledger), "rob")


def contained(action: UUID, ledger: Ledger, authorised_by: str | None = None) -> Contained:
    return Contained(
        action_id=action,
        kind=ActionKind.DMCA_NOTICE,
        action_class=ActionClass.CORRECTIVE,
        outcome=Outcome.SUCCESSFUL,
        carried_out_at=ledger.now,
        authorised_by=authorised_by,
    )


def carried_out_by_the_one_who_authorised(ledger: Ledger) -> None:
    confirm(ledger, INCIDENT)
    action = ledger.new_id()
    ledger.give(
        TRIAGE, INCIDENT, commands.ProposeAction(action, ActionKind.DMCA_NOTICE, "the post"), ROB
    )
    ledger.give(TRIAGE, INCIDENT, commands.GiveLegalView(action, LegalView.CLEARED, "ours"), NORA)
    ledger.give(TRIAGE, INCIDENT, commands.AuthoriseAction(action), LEA)
    ledger.say(TRIAGE, INCIDENT, contained(action, ledger, "lea"), "lea")


def an_authorisation_that_nobody_gave(ledger: Ledger) -> None:
    done = confirm_and_contain(ledger)
    ledger.say(TRIAGE, INCIDENT, ActionAuthorised(action_id=UUID(int=7), kind=done.kind), "lea")


def confirm_and_contain(ledger: Ledger) -> Contained:
    confirm(ledger, INCIDENT)
    done = contain(ledger, INCIDENT).data
    assert isinstance(done, Contained)
    return done


def a_severity_that_the_table_does_not_give(ledger: Ledger) -> None:
    assessed = confirm(ledger, INCIDENT)
    ledger.say(TRIAGE, INCIDENT, data_of(assessed, revision=2, severity=Severity.INFO), "rob")


def approved_by_its_own_drafter(ledger: Ledger) -> None:
    confirm(ledger, INCIDENT)
    message = ledger.new_id()
    facts = tuple(ledger.states[NOTIFY, INCIDENT].facts)
    draft = notify.DraftCommunication(
        message, Audience.EMPLOYEES, "mail", "A", "B", facts, frozenset({"mail"})
    )
    ledger.give(NOTIFY, INCIDENT, draft, COLIN)
    approval = CommunicationApproved(
        communication_id=message,
        approval=notify.EDITIONS.under().approvals_needed(Audience.EMPLOYEES)[0],
    )
    ledger.say(NOTIFY, INCIDENT, approval, "colin")


def told_twice(ledger: Ledger) -> None:
    confirm(ledger, INCIDENT)
    told = tell(ledger, INCIDENT, Audience.EMPLOYEES)
    assert isinstance(told.data, Communicated)
    ledger.say(NOTIFY, INCIDENT, told.data, "service:notify")


def published_twice(ledger: Ledger) -> None:
    whole_story(ledger, INCIDENT)
    ledger.say(REVIEW, INCIDENT, data_of(ledger.events[-1]), "ruth")


VIOLATIONS: Final[dict[str, tuple[Callable[[Ledger], None], str]]] = {
    "told before it was assessed": (told_before_it_was_assessed, "never_said"),
    "carried out without its gates": (carried_out_without_its_gates, "legal"),
    "carried out by the one who authorised": (carried_out_by_the_one_who_authorised, "four_eyes"),
    "authorised what nobody proposed": (an_authorisation_that_nobody_gave, "never_said"),
    "a severity that the table does not give": (
        a_severity_that_the_table_does_not_give,
        "said_otherwise",
    ),
    "approved by its own drafter": (approved_by_its_own_drafter, "four_eyes"),
    "told twice": (told_twice, "attempt_under_way"),
    "published twice": (published_twice, "published"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_what_the_rules_do_not_allow_is_found(name: str) -> None:
    violate, rule = VIOLATIONS[name]
    ledger = Ledger()
    violate(ledger)
    assert ("against_the_rules", rule) in found(ledger)


def test_what_a_service_had_not_heard_yet_is_no_violation() -> None:
    """Triage corrects a fact; notify, which has not heard it, sends a message that rests on it.
    Both are in the right."""
    ledger = Ledger()
    confirm(ledger, INCIDENT)
    before = {place: state for place, state in ledger.states.items() if place[0] == NOTIFY}
    fact_id = next(iter(ledger.states[NOTIFY, INCIDENT].facts))
    correction = commands.RecordFact(
        ledger.new_id(),
        next(iter(FactKey)),
        "no",
        Confidence.HIGH,
        "seen",
        ledger.now,
        corrects=fact_id,
    )
    ledger.give(TRIAGE, INCIDENT, correction, ROB)
    ledger.states |= before
    tell(ledger, INCIDENT, Audience.PRESS)
    assert found(ledger) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"html_sha256": "0" * 64}, "report_differs"), ({"format": 99}, "report_format_unknown")],
)
def test_another_report_than_the_published_one_is_found(changed: dict[str, Any], code: str) -> None:
    ledger = Ledger()
    confirm(ledger, INCIDENT)
    contain(ledger, INCIDENT)
    for audience in sorted(ledger.states[NOTIFY, INCIDENT].owed):
        tell(ledger, INCIDENT, audience)
    data = publish(ledger, INCIDENT).data
    assert isinstance(data, Reviewed)
    assert found(ledger) == []
    false = Ledger()
    for event in ledger.events[:-1]:
        false.say(event.service, event.subject_id, event.data, event.actor)
    covers = tuple(
        cover.model_copy(
            update={
                "hash": next(
                    e.hash.hex() for e in reversed(false.events) if e.service == cover.service
                )
            }
        )
        for cover in data.covers
    )
    digest = data.report.model_copy(update=changed)
    false.say(
        REVIEW, INCIDENT, data.model_copy(update={"report": digest, "covers": covers}), "ruth"
    )
    assert (code, "") in found(false)


def test_a_history_of_nothing_but_violations_ends() -> None:
    ledger = Ledger()
    assessed = confirm(ledger, INCIDENT).data
    assert isinstance(assessed, Assessed)
    for _ in range(ENOUGH + 30):
        ledger.say(TRIAGE, INCIDENT, assessed.model_copy(update={"severity": Severity.INFO}), "rob")
    assert len([code for code, _ in found(ledger) if code == "against_the_rules"]) == ENOUGH


class TestACommandMadeAgain:
    KINDS: Final = (commands.CarryOut, commands.Dismiss, commands.AuthoriseAction)
    SAID: Final = IncidentDismissed(reason="already_public", note="it was public")

    def test_is_the_one_whose_event_it_is(self) -> None:
        again = commands.Dismiss(DismissalReason.ALREADY_PUBLIC, "it was public")
        assert recorded_by(self.SAID, self.KINDS) == (again,)

    def test_is_none_for_an_event_of_no_command_here(self) -> None:
        assert recorded_by(self.SAID, self.KINDS[::2]) == ()

    def test_has_what_is_given_otherwise_in_place_of_the_events_own(self) -> None:
        again = made_again(commands.Dismiss, self.SAID, note="another")
        assert again == commands.Dismiss(DismissalReason.ALREADY_PUBLIC, "another")

    def test_needs_a_field_of_the_same_name_for_each_of_its_own(self) -> None:
        with pytest.raises(AttributeError, match="action_id"):
            made_again(commands.AuthoriseAction, self.SAID)
