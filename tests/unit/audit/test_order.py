"""The order of the topic against that of the log, where the log says itself that a message was
parked first."""

import hashlib
from collections.abc import Sequence

import pytest

from services.triage.domain import commands
from shared.audit.order import OrderCheck
from shared.audit.tree import Leaves
from shared.contract.catalogue.system import MessageParkedRecorded
from shared.contract.envelope import Event
from shared.contract.topics import partition_of, system_subject
from shared.contract.vocabulary import Seat, ServiceName
from tests.unit.audit.world import INTAKE, LEA, TRIAGE, Ledger, incident_number, report


@pytest.fixture
def said() -> tuple[Event, Event, Event]:
    """Two events of intake and triage on one partition, and review's word that the first was
    parked."""
    ledger = Ledger()
    incident = incident_number(1)
    first = report(ledger, incident)
    fill = commands.FillSeat(Seat.LEGAL, "holder-of-legal")
    (second,) = ledger.give(TRIAGE, incident, fill, LEA)
    assert (first.service, second.service) == (INTAKE, TRIAGE)
    word = ledger.say(
        ServiceName.REVIEW,
        system_subject(partition_of(incident)),
        MessageParkedRecorded(
            offset=0,
            reason="untrusted",
            value_sha256=hashlib.sha256(first.envelope).hexdigest(),
            chain=first.service,
            sequence=first.link.sequence,
        ),
        "service:review",
    )
    return first, second, word


def check(topic: Sequence[Event], *sealed: Event) -> list[str]:
    order = OrderCheck({topic[0].link.partition: [event.hash for event in topic]})
    order.take(
        Leaves(0, [event.envelope for event in sealed], [event.hash for event in sealed], b"")
    )
    order.finish()
    assert {finding.code for finding in order.findings} <= {"seal_order"}
    return [finding.where for finding in order.findings]


def test_what_is_sealed_late_is_a_finding(said: tuple[Event, Event, Event]) -> None:
    first, second, _ = said
    assert check([first, second], first, second) == []
    assert check([first, second], second, first) == ["leaf 1"]


def test_what_the_log_says_was_parked_first_may_be_sealed_late(
    said: tuple[Event, Event, Event],
) -> None:
    first, second, word = said
    assert check([first, second], second, word, first) == []
    # The word may itself be sealed after what it is about: it is said a moment later.
    assert check([first, second], second, first, word) == []


def test_it_excuses_no_other_event(said: tuple[Event, Event, Event]) -> None:
    first, second, word = said
    assert check([second, first], first, word, second) == ["leaf 2"]


def test_what_later_events_were_sealed_before_and_is_not_sealed_is_a_finding(
    said: tuple[Event, Event, Event],
) -> None:
    first, second, word = said
    assert check([first, second], second) == ["leaf 0"]
    assert check([first, second], second, word) == ["leaf 0"]
    assert check([first, second], first) == []
