"""What an auditor finds: every way to touch the history has a name, and an untouched one has no
findings."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.chain.findings import Finding
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.envelope import read
from shared.contract.hashing import event_hash
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.repair.ledger_check import LedgerCheck
from shared.runtime.repair.topic_check import TopicCheck
from shared.runtime.repair.verifying import compare
from tests.unit.runtime.test_receiving import chain, trust

Rows = list[dict[str, Any]]
RECORDS = chain(ServiceName.INTAKE, 6)


def rows() -> Rows:
    """Intake's ledger of what stands in RECORDS."""
    result: Rows = []
    for record in RECORDS:
        event = read(record.value)
        result.append(
            {
                "service": "intake",
                "partition": record.partition,
                "sequence": event.link.sequence,
                "event_id": event.id,
                "incident_id": event.incident_id,
                "version": event.link.sequence,
                "type": event.type,
                "envelope": record.value,
                "signature": record.signature,
                "hash": event.hash,
            }
        )
    return result


def findings(
    rows_: Rows, records: list[Record], *, relayed: int = 6, head: int = 6
) -> list[Finding]:
    topic = TopicCheck(trust())
    for record in records:
        topic.take(record)
    topic.finish()
    ledger = LedgerCheck(ServiceName.INTAKE, trust())
    for row in rows_:
        ledger.take(row)
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
            {"untrusted", "broken_link", "differs_from_topic", "incident_link"},
        ),
        (lambda: with_new_text(5), {"untrusted", "differs_from_topic"}),
        (lambda: changed(1, signature=bytes(64)), {"untrusted"}),
        (lambda: changed(1, type="incident.contained.v1"), {"row_changed"}),
        (lambda: changed(1, version=9), {"version_gap"}),
        (
            lambda: changed(1, envelope=b"{}", hash=event_hash(b"{}")),
            {"malformed", "broken_link", "differs_from_topic", "incident_link"},
        ),
        (lambda: rows()[:2] + rows()[3:], {"gap", "version_gap", "not_in_ledger", "incident_link"}),
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
