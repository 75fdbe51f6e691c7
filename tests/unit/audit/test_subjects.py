"""What must hold of one subject's events: each fault by its code, its place and its words, and a
history without one by none."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.decisions import Violation
from shared.audit.histories import by_subject
from shared.audit.subjects import Sealed, check_subject, read_leaves
from shared.chain.findings import Finding
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event, Unknown
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS, partition_of, system_subject
from shared.contract.vocabulary import ServiceName
from tests.unit.audit.world import (
    INTAKE,
    KEYS,
    TRIAGE,
    Ledger,
    confirm,
    incident_number,
    two_stories,
    whole_story,
)

STORY: Final = incident_number(1)


def sealed(events: Iterable[Event]) -> list[Sealed]:
    return [Sealed(index, event) for index, event in enumerate(events)]


HISTORY: Final = sealed((ledger := Ledger()).of(whole_story(ledger, STORY)))
SECOND: Final = next(
    at for at, one in enumerate(HISTORY) if one.event.service is TRIAGE and at + 1 < len(HISTORY)
)


def changed(at: int, **fields: object) -> list[Sealed]:
    event = HISTORY[at].event._replace(**fields)  # type: ignore[arg-type]
    return [*HISTORY[:at], Sealed(at, event), *HISTORY[at + 1 :]]


def found(history: Sequence[Sealed]) -> list[Finding]:
    return list(check_subject(history, {}))


def test_a_history_that_the_services_wrote_has_no_fault() -> None:
    assert found(HISTORY) == []
    assert found([]) == []


def test_an_event_on_a_foreign_partition_is_told_where_it_belongs() -> None:
    link = HISTORY[0].event.link
    foreign = link._replace(partition=(link.partition + 1) % PARTITIONS)
    (finding,) = found(changed(0, link=foreign))
    assert (finding.code, finding.event_id) == ("wrong_partition", HISTORY[0].event.id)
    assert finding.where == f"leaf 0, intake/{foreign.partition} number {link.sequence}"
    assert finding.detail == f"the subject belongs on partition {partition_of(STORY)}"


def test_what_another_service_says_is_not_its_to_say() -> None:
    said = changed(0, link=HISTORY[0].event.link._replace(service=TRIAGE))[:1]
    (finding,) = found(said)
    assert finding.code == "not_theirs_to_say"
    assert finding.detail == "incident.reported.v1 is intake's to say, not triage's"


def test_known_types_must_fit_their_schema_and_new_ones_need_not() -> None:
    unfit = Unknown({}, "does not fit: " + "x" * 400)
    (finding,) = found(changed(0, data=unfit))
    assert (finding.code, len(finding.detail)) == ("unfit", 300)
    assert found(changed(0, data=unfit, type="incident.reported.v9")) == []


def test_each_event_names_the_one_of_its_service_before_it() -> None:
    link = HISTORY[SECOND].event.link
    (finding,) = found(changed(SECOND, link=link._replace(subjectprev=b"\x01" * 32)))
    assert finding.code == "subject_link"
    assert finding.where.startswith(f"leaf {SECOND}, triage/")


def test_an_event_that_was_taken_out_is_missed_by_the_next_of_its_service() -> None:
    for at, one in enumerate(HISTORY):
        later = [two for two in HISTORY[at + 1 :] if two.event.service is one.event.service]
        missed = {
            finding.event_id
            for finding in found([*HISTORY[:at], *HISTORY[at + 1 :]])
            if finding.code == "subject_link"
        }
        assert missed == {two.event.id for two in later[:1]}


def test_an_id_stands_once() -> None:
    (finding,) = found(changed(SECOND, id=HISTORY[0].event.id))
    assert (finding.code, finding.detail) == ("repeated_id", str(HISTORY[0].event.id))


@pytest.mark.parametrize("cause", [UUID(int=7), HISTORY[-1].event.id, HISTORY[0].event.id])
def test_a_cause_stands_before_its_effect(cause: UUID) -> None:
    codes = [one.code for one in found(changed(SECOND, causation_id=cause))]
    assert codes == ([] if cause == HISTORY[0].event.id else ["cause_missing"])


def test_an_event_may_not_be_its_own_cause() -> None:
    own = HISTORY[SECOND].event.id
    assert [one.code for one in found(changed(SECOND, causation_id=own))] == ["cause_missing"]


class TestTheRules:
    def says(self, rule: str) -> list[Finding]:
        def audit(events: Sequence[Event]) -> list[Violation]:
            return [Violation(events[SECOND], rule, "Because.")]

        return list(check_subject(HISTORY, {TRIAGE: audit}))

    def test_that_no_code_is_named_after_are_all_one_code(self) -> None:
        (finding,) = self.says("four_eyes")
        assert (finding.code, finding.detail) == ("against_the_rules", "four_eyes: Because.")
        assert finding.where == HISTORY[SECOND].where

    def test_that_have_a_code_of_their_own_keep_it(self) -> None:
        (finding,) = self.says("report_differs")
        assert (finding.code, finding.detail) == ("report_differs", "Because.")

    def test_that_fail_at_a_history_are_told_and_end_nothing(self) -> None:
        def audit(_: Sequence[Event]) -> list[Violation]:
            raise LookupError("action 7")

        def other(events: Sequence[Event]) -> list[Violation]:
            return [Violation(events[0], "four_eyes", "Because.")]

        first, second = check_subject(HISTORY, {TRIAGE: audit, INTAKE: other})
        assert first.where == f"subject {STORY}"
        assert first.detail == "triage: no rule foresees this history: LookupError action 7"
        assert second.event_id == HISTORY[0].event.id

    def test_are_not_asked_of_a_system_incident(self) -> None:
        def audit(_: Sequence[Event]) -> list[Violation]:
            raise AssertionError

        said = Ledger().say(
            INTAKE, system_subject(2), KeyRotated(vkey=KEYS[INTAKE].vkey), "service:intake"
        )
        assert list(check_subject([Sealed(0, said)], {INTAKE: audit})) == []


def test_what_the_strict_reader_refuses_is_a_finding_at_its_leaf() -> None:
    good = HISTORY[0].event.envelope
    read, findings = read_leaves([(4, good), (5, b"{}"), (9, b"\xff")])
    assert read == [Sealed(4, HISTORY[0].event)]
    assert [(one.code, one.where) for one in findings] == [
        ("malformed", "leaf 5"),
        ("malformed", "leaf 9"),
    ]
    assert findings[0].detail == "specversion is not 1.0"


EVENTS: Final = two_stories().events


@given(st.permutations(range(len(EVENTS))))
def test_incidents_are_told_apart_and_each_keeps_its_order(order: list[int]) -> None:
    given_ = [Sealed(index, EVENTS[at]) for index, at in enumerate(order)]
    histories = list(by_subject(given_))
    for history in histories:
        assert len({one.event.subject_id for one in history}) == 1
        assert [one.index for one in history] == sorted(one.index for one in history)
    assert sorted(one.index for history in histories for one in history) == list(range(len(order)))
    assert len(histories) == len({event.subject_id for event in EVENTS})


def test_every_service_begins_an_incident_with_nothing_before() -> None:
    ledger = Ledger()
    confirm(ledger, STORY)
    firsts = {event.service: event for event in reversed(ledger.of(STORY))}
    assert set(firsts) == set(ServiceName)
    assert {event.link.subjectprev for event in firsts.values()} == {ZERO_HASH}
