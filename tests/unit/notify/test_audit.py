"""Notify's rules over a history: each event comes back from the command that it tells of, and what
could not be said is found."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, get_type_hints
from uuid import UUID

import pytest

from services.notify import domain
from services.notify.audit import audit, commands_for, known
from services.notify.domain import commands
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.notify import (
    CommunicationApproved,
    CommunicationDrafted,
    CommunicationRejected,
    CommunicationRequested,
    CommunicationRequired,
    CommunicationWaived,
    SendFailed,
    SendOutcomeDecided,
    SendOutcomeUnknown,
    SendStarted,
)
from shared.contract.catalogue.review import LessonRecorded
from shared.contract.decision import Context
from shared.contract.envelope import Event
from shared.contract.vocabulary import ApprovalKind, Audience, Severity
from tests.unit.concealing import bare
from tests.unit.given import START, By, Given, event, given
from tests.unit.notify.world import (
    CHANNELS,
    COMMS,
    COMMS_TOO,
    INSIDE_READY,
    LEAD,
    LEGAL,
    MESSAGE,
    OUTSIDE_READY,
    REPORTED,
    REQUESTED,
    SENDER,
    TEXT,
    TEXTS,
    TITLE,
    WHERE,
    WHERE_ESTABLISHED,
    Past,
    approved,
    assessed,
    communicated,
    draft,
    drafted,
    fact,
    started,
)

DRAFTED: Final = {MESSAGE: TEXTS}
UNKNOWN: Final = SendOutcomeUnknown(communication_id=MESSAGE, attempt=1)
FAILED: Final = SendFailed(communication_id=MESSAGE, attempt=1, error="421", retry_at=START)
REQUIRED: Final = CommunicationRequired(audience=Audience.EXECUTIVES, rule="serious_to_executives")
SERIOUS: Past = (REPORTED, WHERE_ESTABLISHED, assessed(Severity.HIGH))
ON_ITS_WAY: Past = (*INSIDE_READY, REQUESTED, started())

SAID: Final[Sequence[tuple[Past, Any, Any]]] = [
    (SERIOUS, commands.NoteDuties(), SENDER),
    ((*SERIOUS, REQUIRED), commands.Waive(Audience.EXECUTIVES, "They wrote it."), LEAD),
    ((REPORTED, WHERE_ESTABLISHED), replace(draft(), channels=frozenset({"staff mail"})), COMMS),
    (INSIDE_READY[:3], commands.Approve(MESSAGE, ApprovalKind.PEER), COMMS_TOO),
    (OUTSIDE_READY[:-1], commands.Approve(MESSAGE, ApprovalKind.LEGAL), LEGAL),
    (INSIDE_READY, commands.Reject(MESSAGE, "It says too much."), LEAD),
    (INSIDE_READY, commands.RequestSend(MESSAGE), COMMS),
    ((*INSIDE_READY, REQUESTED), commands.StartSend(MESSAGE, TEXTS), SENDER),
    (ON_ITS_WAY, commands.RecordDelivered(MESSAGE, 1), SENDER),
    (ON_ITS_WAY, commands.RecordFailure(MESSAGE, 1, "421"), SENDER),
    (ON_ITS_WAY, commands.MarkUnknown(MESSAGE, 1), SENDER),
    ((*ON_ITS_WAY, UNKNOWN), commands.DecideOutcome(MESSAGE, False, "Not there."), LEAD),
]


def stated(past: Past) -> Given:
    return given(domain, *past)


def history(*said: EventData | By) -> list[Event]:
    return [
        event(bare(item.data), number=number, by=item.subject)
        if isinstance(item, By)
        else event(bare(item), number=number)
        for number, item in enumerate(said, 1)
    ]


def rules(*said: EventData | By) -> list[str]:
    return [found.rule for found in audit(history(*said))]


@pytest.mark.parametrize(
    ("past", "command", "by"), SAID, ids=[type(command).__name__ for _, command, _ in SAID]
)
def test_a_command_comes_back_from_the_event_that_it_made(
    past: Past, command: Any, by: Any
) -> None:
    context = Context(START + timedelta(hours=1), by)
    made = domain.decide(command, stated(past).state, context)
    assert command in commands_for(made[0], DRAFTED)


@pytest.mark.parametrize(
    ("past", "command", "by"), SAID, ids=[type(command).__name__ for _, command, _ in SAID]
)
def test_what_a_command_made_is_no_violation_without_its_texts(
    past: Past, command: Any, by: Any
) -> None:
    """An audit reads digests: the texts are withheld, or gone."""
    context = Context(START + timedelta(minutes=len(past) + 1), by)
    made = [By(by.subject, data) for data in domain.decide(command, stated(past).state, context)]
    assert rules(*past, *made) == []
    for withheld in commands_for(bare(made[0].data), DRAFTED):
        assert not any(text in repr(withheld) for text in texts_of(command))


def texts_of(command: Any) -> list[str]:
    return [
        str(getattr(command, name))
        for name, kind in get_type_hints(type(command)).items()
        if "Withheld" in str(kind)
    ]


def test_every_command_but_the_implied_approval_was_tried() -> None:
    """An approval is on record with its kind, so the command without one never comes back."""
    assert {type(command) for _, command, _ in SAID} == {
        commands.NoteDuties,
        commands.Waive,
        commands.DraftCommunication,
        commands.Approve,
        commands.Reject,
        commands.RequestSend,
        commands.DecideOutcome,
        commands.StartSend,
        commands.RecordDelivered,
        commands.RecordFailure,
        commands.MarkUnknown,
    }


class TestAFailure:
    """It may come of the channel, or of what changed between the request and the sending."""

    def test_has_a_command_for_each_way_in_which_it_may_come_about(self) -> None:
        failure, of_the_text, of_another_text = commands_for(FAILED, DRAFTED)
        assert failure == commands.RecordFailure(MESSAGE, 1, "421")
        assert of_the_text == commands.StartSend(MESSAGE, TEXTS)
        assert of_another_text.texts not in ((), TEXTS)

    def test_because_the_text_was_changed_is_no_violation(self) -> None:
        said = domain.decide(
            commands.StartSend(MESSAGE, ("another",)),
            stated((*INSIDE_READY, REQUESTED)).state,
            Context(START + timedelta(minutes=6), SENDER),
        )
        assert said[0].error == "Not sent. The text at hand is not the text that was approved."
        assert rules(*INSIDE_READY, REQUESTED, *said) == []

    def test_of_a_message_whose_draft_is_not_on_record_has_no_text(self) -> None:
        assert commands_for(started(), {}) == (commands.StartSend(MESSAGE, ()),)


def test_what_others_say_is_not_notifys_to_say() -> None:
    for data in (REPORTED, WHERE_ESTABLISHED, assessed(), LessonRecorded(text="so")):
        assert commands_for(data, DRAFTED) == ()


HONEST: Final[Sequence[Past]] = [
    (*SERIOUS, REQUIRED, drafted(), approved(), REQUESTED, started(), communicated()),
    (*OUTSIDE_READY, REQUESTED, started()),
    (*ON_ITS_WAY, UNKNOWN),
    (*SERIOUS, REQUIRED, By(LEAD.subject, CommunicationWaived(audience="executives", reason="x"))),
]


@pytest.mark.parametrize("said", HONEST, ids=["told", "outside", "unknown", "waived"])
def test_an_honest_history_has_no_violation(said: Past) -> None:
    assert rules(*said) == []


DISHONEST: Final[Sequence[tuple[Past, EventData | By]]] = [
    ((REPORTED,), drafted()),
    (INSIDE_READY[:3], approved(COMMS)),
    (INSIDE_READY[:3], REQUESTED),
    (INSIDE_READY, started()),
    ((*INSIDE_READY, REQUESTED), started(2)),
    ((*INSIDE_READY, REQUESTED), communicated()),
    (ON_ITS_WAY, communicated(attempt=2)),
    (ON_ITS_WAY, communicated(Audience.EXECUTIVES, 1, LEGAL)),
    (ON_ITS_WAY, communicated(Audience.PRESS)),
    ((*ON_ITS_WAY, communicated()), REQUESTED),
    (SERIOUS, CommunicationRequired(audience=Audience.PRESS, rule="of_no_table")),
    ((REPORTED, assessed(Severity.LOW)), REQUIRED),
    (SERIOUS, CommunicationWaived(audience=Audience.PRESS, reason="nobody asked")),
    (OUTSIDE_READY[:-1], REQUESTED),
    (
        ON_ITS_WAY,
        SendOutcomeDecided(communication_id=MESSAGE, attempt=1, delivered=False, reason="x"),
    ),
    (ON_ITS_WAY, CommunicationRejected(communication_id=MESSAGE, reason="too late")),
]


@pytest.mark.parametrize(
    ("past", "said"),
    DISHONEST,
    ids=[
        "facts that nobody established",
        "approved by its drafter",
        "requested without approval",
        "begun without a request",
        "an attempt left out",
        "told without an attempt",
        "told by another attempt",
        "told on another's approval",
        "another audience told",
        "requested when it was told",
        "a duty of no table",
        "a duty that the assessment does not make",
        "a duty waived that was none",
        "outside without legal",
        "decided while under way",
        "rejected while under way",
    ],
)
def test_what_could_not_be_said_is_found_alone(past: Past, said: EventData | By) -> None:
    found = list(audit(history(*past, said)))
    assert len(found) == 1
    assert found[0].event.data == bare(said.data if isinstance(said, By) else said)
    assert found[0].detail


class TestWhatIsKnown:
    @pytest.mark.parametrize(
        ("said", "condition"),
        [
            (INSIDE_READY, "draft"),
            ((*INSIDE_READY, REQUESTED), "requested"),
            (ON_ITS_WAY, "started"),
            ((*ON_ITS_WAY, FAILED), "failed"),
            ((*ON_ITS_WAY, UNKNOWN), "outcomeunknown"),
            ((*ON_ITS_WAY, communicated()), "told"),
            (
                (*INSIDE_READY, CommunicationRejected(communication_id=MESSAGE, reason="x")),
                "turneddown",
            ),
        ],
    )
    def test_names_each_message_and_where_it_stands(self, said: Past, condition: str) -> None:
        assert known(history(*said))["messages"] == {str(MESSAGE): f"to executives: {condition}"}

    @pytest.mark.parametrize(
        ("more", "owed", "told", "waived"),
        [
            ((), ["executives"], [], []),
            (ON_ITS_WAY[2:], ["executives"], [], []),
            ((*ON_ITS_WAY[2:], communicated()), [], ["executives"], []),
            ((CommunicationWaived(audience="executives", reason="x"),), [], [], ["executives"]),
        ],
        ids=["required", "on its way", "told", "waived"],
    )
    def test_names_who_is_owed_a_message(
        self, more: Past, owed: list[str], told: list[str], waived: list[str]
    ) -> None:
        found = known(history(*SERIOUS, REQUIRED, *more))
        assert (found["owed"], found["told"], found["waived"]) == (owed, told, waived)

    def test_of_nothing_is_nothing(self) -> None:
        assert known([]) == {"owed": [], "told": [], "waived": [], "messages": {}, "gates": []}

    def test_shows_which_gates_a_message_waits_for(self) -> None:
        gates = known(history(*INSIDE_READY[:3]))["gates"]
        assert [(gate["gate"], gate["open"]) for gate in gates] == [
            ("facts", True),
            ("approval", False),
        ]

    def test_a_correction_to_unknown_shuts_the_gate_of_the_facts_again(self) -> None:
        corrected = fact("where", UUID(int=0xF3), known=False, corrects=WHERE)
        gates = known(history(*INSIDE_READY, corrected))["gates"]
        assert [gate["open"] for gate in gates if gate["gate"] == "facts"] == [False]


def test_the_text_of_a_draft_comes_back_word_by_word() -> None:
    said = CommunicationDrafted(
        communication_id=MESSAGE,
        audience=Audience.EXECUTIVES,
        channel="staff mail",
        title=TITLE,
        text=TEXT,
        facts=(WHERE,),
    )
    (command,) = commands_for(said, {})
    assert (command.title, command.text, command.facts) == (TITLE, TEXT, (WHERE,))
    assert command.channels == frozenset({"staff mail"}) < CHANNELS
    assert commands_for(CommunicationApproved(communication_id=MESSAGE, approval="peer"), {}) == (
        commands.Approve(MESSAGE, ApprovalKind.PEER),
    )
    assert commands_for(CommunicationRequested(communication_id=MESSAGE), {}) == (
        commands.RequestSend(MESSAGE),
    )
    assert commands_for(SendStarted(communication_id=MESSAGE, attempt=3), {MESSAGE: ("d",)}) == (
        commands.StartSend(MESSAGE, ("d",)),
    )
