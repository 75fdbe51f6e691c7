"""What an auditor finds: every way to touch the history has a name, and an untouched one has no
findings."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain.findings import Finding
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.triage import InactionDecided
from shared.contract.disclosure import conceal
from shared.contract.envelope import read
from shared.contract.hashing import event_hash
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.repair.ledger_check import LedgerCheck, TextsHeld
from shared.runtime.repair.topic_check import TopicCheck
from shared.runtime.repair.verifying import compare
from tests.unit.concealing import salts
from tests.unit.runtime.test_receiving import chain, trust

Rows = list[dict[str, Any]]
RECORDS = chain(ServiceName.INTAKE, 6)


def rows() -> Rows:
    """Intake's ledger with the events of RECORDS."""
    return rows_of(RECORDS)


def rows_of(records: Sequence[Record]) -> Rows:
    result: Rows = []
    for record in records:
        event = read(record.value)
        result.append(
            {
                "service": "intake",
                "partition": record.partition,
                "sequence": event.link.sequence,
                "event_id": event.id,
                "subject_id": event.subject_id,
                "version": event.link.sequence,
                "type": event.type,
                "envelope": record.value,
                "signature": record.signature,
                "hash": event.hash,
                "texts": None,
                "gone": None,
            }
        )
    return result


def findings(
    rows_: Rows, records: list[Record], *, relayed: int = 6, head: int = 6
) -> list[Finding]:
    topic, ledger = topic_check(records), ledger_check(rows_)
    ledger.finish({(ServiceName.INTAKE, 3): head}, {})
    return [*topic.findings, *ledger.findings, *compare(topic, ledger, {3: relayed})]


def codes(*arguments: Any, **options: Any) -> set[str]:
    return {finding.code for finding in findings(*arguments, **options)}


def test_an_untouched_history_has_no_findings() -> None:
    assert findings(rows(), RECORDS) == []


def test_what_is_not_relayed_yet_is_on_its_way() -> None:
    assert findings(rows(), RECORDS[:4], relayed=4) == []


def test_copies_on_the_topic_are_no_finding() -> None:
    assert findings(rows(), [*RECORDS, *RECORDS[2:]]) == []


def changed(number: int, **columns: Any) -> Rows:
    altered = rows()
    altered[number] |= columns
    return altered


def with_new_text(number: int) -> Rows:
    envelope = RECORDS[number].value.replace(b'"exercise":false', b'"exercise":true ')
    return changed(number, envelope=envelope, hash=event_hash(envelope))


@pytest.mark.parametrize(
    ("touched", "expected"),
    [
        (
            lambda: with_new_text(2),
            {"untrusted", "broken_link", "differs_from_topic", "subject_link"},
        ),
        (lambda: with_new_text(5), {"untrusted", "differs_from_topic"}),
        (lambda: changed(1, signature=bytes(64)), {"untrusted"}),
        (lambda: changed(1, type="incident.contained.v1"), {"row_changed"}),
        (lambda: changed(1, version=9), {"version_gap"}),
        (
            lambda: changed(1, envelope=b"{}", hash=event_hash(b"{}")),
            {"malformed", "broken_link", "differs_from_topic", "subject_link"},
        ),
        (lambda: rows()[:2] + rows()[3:], {"gap", "version_gap", "not_in_ledger", "subject_link"}),
        (lambda: rows()[:5], {"row_missing", "not_in_ledger"}),
    ],
    ids=[
        "text",
        "last text",
        "signature",
        "type column",
        "version",
        "garbage",
        "row deleted",
        "last row deleted",
    ],
)
def test_a_touched_row_is_found_by_name(touched: Callable[[], Rows], expected: set[str]) -> None:
    assert codes(touched(), RECORDS) == expected


def test_a_message_taken_off_the_topic_is_found() -> None:
    assert codes(rows(), RECORDS[:2] + RECORDS[3:]) == {"gap", "not_on_topic"}


def test_a_message_missing_at_the_end_of_the_topic_is_found_because_the_relay_has_sent_it() -> None:
    assert codes(rows(), RECORDS[:5]) == {"not_on_topic"}


def test_a_forged_message_is_found() -> None:
    forged = Record(
        3, 99, None, RECORDS[5].value.replace(b"maria", b"mario"), (), RECORDS[5].signature
    )
    assert codes(rows(), [*RECORDS, forged]) == {"untrusted"}


def spoilt(record: Record) -> Record:
    return replace(record, signature=bytes(64))


def test_a_message_that_was_spoilt_on_its_way_is_found_until_a_good_copy_comes() -> None:
    broken = [*RECORDS[:2], spoilt(RECORDS[2]), *RECORDS[3:]]
    assert codes(rows(), broken) == {"untrusted", "gap", "not_on_topic"}
    topic = TopicCheck(trust())
    for record in [*broken, *RECORDS, spoilt(RECORDS[4])]:
        topic.take(record)
    topic.finish()
    assert (topic.findings, len(topic.hashes), topic.copies, topic.spoilt) == ([], 6, 5, 2)
    assert topic.order() == {3: [event_hash(record.value) for record in RECORDS]}


def test_what_comes_late_is_no_finding_and_each_hole_is_one() -> None:
    assert findings(rows(), [RECORDS[0], *RECORDS[2:4], *RECORDS[:2], *RECORDS[4:]]) == []
    found = findings(rows(), [RECORDS[0], *RECORDS[2:4], RECORDS[5]])
    assert [finding.code for finding in found] == ["gap", "gap", "not_on_topic", "not_on_topic"]


def test_two_events_that_wait_at_one_number_are_found() -> None:
    rival = chain(ServiceName.INTAKE, 3, data=Reported(opens=False, channel=ReportChannel.API))[2]
    assert codes(rows(), [*RECORDS[:1], RECORDS[2], rival, *RECORDS[1:]]) == {"equivocation"}


def test_every_finding_says_what_it_means() -> None:
    assert all(finding.meaning for finding in findings(with_new_text(2)[:4], RECORDS[3:]))


def ledger_check(rows_: Rows, owner: ServiceName = ServiceName.INTAKE) -> LedgerCheck:
    check = LedgerCheck(owner, trust())
    for row in rows_:
        check.take(row)
    return check


def test_each_finding_of_a_row_names_the_ledger_the_number_and_the_event() -> None:
    check = ledger_check(changed(1, signature=bytes(64)))
    (finding,) = check.findings
    assert finding.where == "intake's ledger, intake/3 number 2"
    assert finding.event_id == rows()[1]["event_id"]


BARE, TEXTS = conceal(
    Reported(opens=True, channel=ReportChannel.API, description="A whiteboard."), salts()
)
DIGEST = TEXTS[0].digest


@pytest.mark.parametrize(
    ("texts", "gone", "counted", "codes_found"),
    [
        (None, None, TextsHeld(not_here=1), []),
        ([DIGEST], None, TextsHeld(at_hand=1), []),
        (None, [DIGEST], TextsHeld(erased=1), []),
        ([DIGEST], [DIGEST], TextsHeld(at_hand=1), ["disclosure_erased"]),
        (["x" * 43], None, TextsHeld(not_here=1), ["disclosure_unfounded"]),
        ([DIGEST, "x" * 43], ["y" * 43], TextsHeld(at_hand=1), ["disclosure_unfounded"]),
    ],
)
def test_texts_beside_a_row_are_held_against_its_digests(
    texts: list[str] | None,
    gone: list[str] | None,
    counted: TextsHeld,
    codes_found: list[str],
) -> None:
    (row,) = rows_of(chain(ServiceName.INTAKE, 1, data=BARE))
    check = ledger_check([{**row, "texts": texts, "gone": gone}])
    assert check.texts == counted
    assert [finding.code for finding in check.findings] == codes_found


COLUMNS: dict[str, Any] = {
    "event_id": UUID(int=99),
    "subject_id": UUID(int=99),
    "type": "incident.contained.v1",
    "hash": bytes(32),
}


@pytest.mark.parametrize(("column", "value"), COLUMNS.items(), ids=COLUMNS.keys())
def test_a_column_that_does_not_agree_with_the_envelope_is_named(column: str, value: Any) -> None:
    (finding,) = ledger_check(changed(2, **{column: value})).findings
    assert finding.code == "row_changed"
    assert finding.detail.endswith(f" {column}")


def test_all_columns_that_differ_are_named_in_one_finding() -> None:
    (finding,) = ledger_check(changed(2, **COLUMNS)).findings
    assert all(column in finding.detail for column in COLUMNS)


def test_a_row_under_another_number_is_out_of_line() -> None:
    check = ledger_check(changed(2, sequence=9))
    assert {"row_changed", "gap"} <= {finding.code for finding in check.findings}


def test_one_event_in_two_rows_has_its_id_twice() -> None:
    twice = [*rows()[:2], rows()[1] | {"sequence": 3}]
    assert "repeated_id" in {finding.code for finding in ledger_check(twice).findings}


def test_an_event_that_its_service_may_not_say_is_found_in_the_ledger_of_any_service() -> None:
    foreign = chain(ServiceName.INTAKE, 1, data=InactionDecided(reason="none"))
    for owner in ServiceName:
        check = ledger_check(rows_of(foreign), owner)
        assert [finding.code for finding in check.findings] == ["not_theirs_to_say"]


@pytest.mark.parametrize(
    ("stands_at", "expected"), [(0, []), (5, []), (6, []), (7, ["row_missing"])]
)
def test_a_chain_that_stood_further_than_its_rows_lacks_some(
    stands_at: int, expected: list[str]
) -> None:
    check = ledger_check(rows())
    check.finish({(ServiceName.INTAKE, 3): stands_at}, {})
    assert [finding.code for finding in check.findings] == expected


def test_an_empty_ledger_of_a_chain_that_stood_somewhere_lacks_all() -> None:
    check = ledger_check([])
    check.finish({(ServiceName.TRIAGE, 5): 2, (ServiceName.INTAKE, 3): 0}, {})
    (finding,) = check.findings
    assert (finding.code, finding.detail) == ("row_missing", "stood at 2, holds 0")


def test_parked_messages_are_counted_by_reason() -> None:
    check = ledger_check([])
    check.finish({}, {"untrusted": 2, "gap": 1})
    assert [(finding.code, finding.detail) for finding in check.findings] == [
        ("waiting_parked", "2 × untrusted"),
        ("waiting_parked", "1 × gap"),
    ]


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        ([1, 2, 3, 4, 5, 6], False),
        ([6, 5, 4, 3, 2, 1], False),
        ([2, 3, 4, 5, 6, 7], True),
        ([1, 2, 3, 3, 4, 5], True),
        ([0, 1, 2, 3, 4, 5], True),
    ],
)
def test_the_versions_of_an_incident_are_one_to_their_count(
    versions: list[int], found: bool
) -> None:
    numbered = [row | {"version": version} for row, version in zip(rows(), versions, strict=True)]
    check = ledger_check(numbered)
    check.finish({}, {})
    assert [finding.code for finding in check.findings] == ["version_gap"] * found


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=6))
def test_an_honest_topic_has_no_findings_in_whatever_order_and_however_often(
    order: list[int], copies: list[int]
) -> None:
    topic = topic_check([RECORDS[number] for number in [*order, *copies]])
    assert topic.findings == []
    assert topic.messages == 6 + len(copies)
    assert topic.copies == len(copies)
    assert topic.order() == {3: [event_hash(record.value) for record in RECORDS]}


@given(st.sets(st.integers(0, 5)))
def test_each_hole_is_one_finding_wherever_it_is(missing: set[int]) -> None:
    topic = topic_check([record for at, record in enumerate(RECORDS) if at not in missing])
    holes = sum(at in missing and at + 1 not in missing for at in range(5))
    assert [finding.code for finding in topic.findings] == ["gap"] * holes
    assert len(topic.hashes) == 6 - len(missing)


@given(st.permutations(range(6)), st.integers(0, 5))
def test_a_true_copy_makes_up_for_a_spoilt_one_wherever_it_comes(
    order: list[int], number: int
) -> None:
    arriving = [RECORDS[at] for at in order]
    for at in range(7):
        topic = topic_check([*arriving[:at], spoilt(RECORDS[number]), *arriving[at:]])
        assert (topic.findings, topic.spoilt) == ([], 1)


def topic_check(records: Sequence[Record]) -> TopicCheck:
    topic = TopicCheck(trust())
    for record in records:
        topic.take(record)
    topic.finish()
    return topic


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_what_a_service_of_its_own_has_and_the_topic_has_agree_up_to_what_was_relayed(
    held: int, sent: int, relayed: int
) -> None:
    topic, ledger = topic_check(RECORDS[:sent]), ledger_check(rows()[:held])
    found = [finding.code for finding in compare(topic, ledger, {3: relayed})]
    lost_on_the_topic = len(range(sent, min(held, relayed)))
    lost_in_the_ledger = len(range(held, sent))
    assert found == ["not_on_topic"] * lost_on_the_topic + ["not_in_ledger"] * lost_in_the_ledger


@given(st.integers(0, 6), st.integers(0, 6))
def test_what_a_service_has_of_another_must_be_on_the_topic_but_may_be_behind(
    held: int, sent: int
) -> None:
    topic = topic_check(RECORDS[:sent])
    ledger = ledger_check(rows()[:held], ServiceName.NOTIFY)
    found = [finding.code for finding in compare(topic, ledger, {})]
    assert found == ["not_on_topic"] * len(range(sent, held))


def test_a_hole_in_what_was_heard_is_found_and_the_end_is_not() -> None:
    ledger = ledger_check([*rows()[:2], *rows()[3:5]], ServiceName.NOTIFY)
    found = compare(topic_check(RECORDS), ledger, {})
    assert [(finding.code, finding.where) for finding in found] == [
        ("not_in_ledger", "notify's ledger, intake/3 number 3")
    ]


def test_different_bytes_at_one_number_show_both_hashes() -> None:
    ledger = ledger_check(with_new_text(5))
    (finding,) = compare(topic_check(RECORDS), ledger, {3: 6})
    assert finding.code == "differs_from_topic"
    for envelope in (RECORDS[5].value, with_new_text(5)[5]["envelope"]):
        assert event_hash(envelope).hex()[:16] in finding.detail
