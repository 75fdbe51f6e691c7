"""What `ledger verify` makes of the topic of texts: the last message of each event counts."""

from uuid import UUID

import pytest

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.disclosure import Disclosure, conceal
from shared.runtime.carry.texts import NOTHING, message_of
from shared.runtime.hear.judge import Record
from shared.runtime.repair.topic_check import TextTopicCheck

EVENT, OTHER = UUID(int=1), UUID(int=2)
READ = {3: 10}


def text(value: str) -> Disclosure:
    data = Reported(opens=True, channel=ReportChannel.API, description=value)
    _, (made,) = conceal(data, lambda: b"0" * 16)
    return made


GONE, KEPT = text("zebra"), text("oak")


def told(offset: int, event_id: UUID, *texts: Disclosure, partition: int = 3) -> Record:
    value = message_of([one.text for one in texts]) or b""
    return Record(partition, offset, str(event_id).encode(), value, (), b"")


def check(*records: Record) -> TextTopicCheck:
    checked = TextTopicCheck({GONE.digest: READ})
    for record in records:
        checked.take(record)
    return checked


def test_texts_of_each_event_are_counted_as_they_were_told_last() -> None:
    checked = check(
        told(0, EVENT, KEPT), told(1, OTHER, KEPT), told(2, EVENT), told(3, OTHER, KEPT)
    )
    assert (checked.messages, checked.last) == (4, {EVENT: 0, OTHER: 1})
    assert checked.findings == []


def test_an_erased_text_is_found_where_it_was_told_last() -> None:
    (finding,) = check(told(0, EVENT, KEPT), told(4, EVENT, GONE, KEPT)).findings
    assert (finding.code, finding.event_id) == ("disclosure_erased", EVENT)
    assert (finding.where, finding.detail) == (
        "topic of texts, partition 3, offset 4",
        "1 of 2 texts",
    )
    assert "zebra" not in str(finding)


@pytest.mark.parametrize("after", [(), (KEPT,)])
def test_what_was_told_away_is_no_finding(after: tuple[Disclosure, ...]) -> None:
    assert check(told(0, EVENT, GONE, KEPT), told(1, EVENT, *after)).findings == []


@pytest.mark.parametrize(
    "record",
    [told(10, EVENT, GONE), told(0, EVENT, GONE, partition=4)],
    ids=["behind what was read", "where nothing was read"],
)
def test_what_its_speaker_has_not_seen_yet_is_no_finding(record: Record) -> None:
    assert check(record).findings == []


@pytest.mark.parametrize("key", [None, b"\xff", NOTHING, b"person:p"])
def test_messages_that_tell_no_texts_are_counted_and_passed_over(key: bytes | None) -> None:
    checked = check(Record(3, 0, key, b"", (), b""))
    assert (checked.messages, checked.last, checked.findings) == (1, {}, [])
