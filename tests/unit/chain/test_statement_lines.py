"""Every line of a service's word has one spelling; what is wrong with any other is said of that
line."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest

from shared.chain.link import EMPTY, Head
from shared.chain.statements import (
    BadStatement,
    ChainHeads,
    SubjectStatement,
    contradicts,
    open_statement,
    parse,
    sign,
)
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS, partition_of
from shared.contract.vocabulary import ServiceName
from tests.unit.audit.world import INTAKE, KEYS, TRIAGE, TRUST

INCIDENT: Final = UUID("01960000-0000-7000-8000-000000000001")
PARTITION: Final = partition_of(INCIDENT)
TIME: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
HASH: Final = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
ZEROS: Final = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
ONES: Final = b"\x01" * 32

CHAINS: Final = ChainHeads(INTAKE, TIME, (Head(7, ONES), *(EMPTY,) * (PARTITIONS - 1)))
WORD: Final = SubjectStatement(TRIAGE, INCIDENT, TIME, 3, ONES, Head(9, ONES))

DECIMAL: Final = "not a decimal number without leading zeros"
BASE64: Final = "not a number and the base64 of a hash"
NO_UUID: Final = "the second line is not a subject's UUID in its usual form"
NO_TIME: Final = "the time is not RFC 3339 in UTC and whole seconds"


def with_line(text: str, number: int, line: str) -> str:
    lines = text.split("\n")
    lines[number] = line
    return "\n".join(lines)


def refusal(text: str) -> str:
    with pytest.raises(BadStatement) as refused:
        parse(text)
    return str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "2026-03-02T09:00:00",
        "2026-03-02T09:00:00+00:00",
        "2026-03-02T09:00:00.0Z",
        "2026-03-02 09:00:00Z",
        "2026-03-02T24:00:01Z",
        "2026-13-02T09:00:00Z",
        "٢026-03-02T09:00:00Z",
        " 2026-03-02T09:00:00Z",
        "",
    ],
)
def test_a_time_has_one_spelling(line: str) -> None:
    assert refusal(with_line(CHAINS.text, 1, line)) == NO_TIME
    assert refusal(with_line(WORD.text, 2, line)) == NO_TIME


@pytest.mark.parametrize(
    "service", ["", "payroll", "Intake", "intake ", "intake/0", "intake\r", "ServiceName.INTAKE"]
)
def test_the_first_line_names_a_service(service: str) -> None:
    line = f"incident-ledger/chains/{service}"
    assert refusal(with_line(CHAINS.text, 0, line)) == (
        "the first line is not incident-ledger/chains/<service>"
    )
    line = f"incident-ledger/incidents/{service}"
    assert refusal(with_line(WORD.text, 0, line)) == (
        "the first line is not incident-ledger/incidents/<service>"
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "incident",
        str(INCIDENT).replace("a", "A").replace("-", ""),
        f"{{{INCIDENT}}}",
        f"urn:uuid:{INCIDENT}",
        f"{INCIDENT} ",
    ],
)
def test_an_incident_has_one_spelling(line: str) -> None:
    assert refusal(with_line(WORD.text, 1, line)) == NO_UUID


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"8 7 {HASH}", f"partition {PARTITIONS} does not exist; there are {PARTITIONS}"),
        (f"00 7 {HASH}", DECIMAL),
        (f"-1 7 {HASH}", DECIMAL),
        (f" 0 7 {HASH}", BASE64),
        (f"0  7 {HASH}", DECIMAL),
        (f"0 07 {HASH}", DECIMAL),
        (f"0 +7 {HASH}", DECIMAL),
        (f"0 7 {HASH} ", BASE64),
        (f"0 7 {HASH[:-1]}", BASE64),
        (f"0 7 {HASH[:-2]}F=", BASE64),
        ("0 7", BASE64),
        ("0 7 " + "AQEB" * 10, BASE64),
        (f"1 7 {HASH}", "the line of partition 0 names partition 1"),
        (f"0 0 {HASH}", "zeros stand for no event, and only for none"),
        (f"0 7 {ZEROS}", "zeros stand for no event, and only for none"),
    ],
)
def test_a_head_has_one_spelling(line: str, why: str) -> None:
    assert why in refusal(with_line(CHAINS.text, 2, line))


@pytest.mark.parametrize(
    ("number", "line", "why"),
    [
        (3, f"03 {HASH}", DECIMAL),
        (3, f"0 {HASH}", "zeros stand for no event"),
        (3, f"3 {ZEROS}", "zeros stand for no event"),
        (3, "3", BASE64),
        (3, f"10 {HASH}", "10 events of a subject on a chain of 9"),
        (
            4,
            f"{(PARTITION + 1) % PARTITIONS} 9 {HASH}",
            f"subject {INCIDENT} belongs on partition {PARTITION}",
        ),
        (4, f"{PARTITION} 2 {HASH}", "3 events of a subject on a chain of 2"),
        (4, f"{PARTITION} 0 {ZEROS}", "3 events of a subject on a chain of 0"),
    ],
)
def test_a_word_on_an_incident_agrees_with_itself(number: int, line: str, why: str) -> None:
    assert why in refusal(with_line(WORD.text, number, line))


@pytest.mark.parametrize("text", [CHAINS.text, WORD.text], ids=["chains", "incident"])
def test_a_text_has_all_its_lines_and_no_more(text: str) -> None:
    count = text.count("\n")
    whole = f"the statement has not {count} lines, each ended by a newline"
    assert refusal(text[:-1]) == whole
    assert refusal(text + "\n") == whole
    assert refusal(text + "more\n") == whole
    assert refusal(text.partition("\n")[0] + "\n") == whole


@pytest.mark.parametrize("service", ServiceName)
def test_the_count_may_be_as_large_as_the_chain_and_no_larger(service: ServiceName) -> None:
    word = SubjectStatement(service, INCIDENT, TIME, 9, ONES, Head(9, ONES))
    assert parse(word.text) == word
    none = SubjectStatement(service, INCIDENT, TIME, 0, ZERO_HASH, EMPTY)
    assert parse(none.text) == none


def test_a_note_of_another_kind_of_text_is_no_statement() -> None:
    for text in ("hello\n", "incident-ledger/log\n9\nAAAA\n", CHAINS.text + WORD.text):
        with pytest.raises(BadStatement):
            open_statement(sign(text, KEYS[INTAKE]), TRUST)


def test_a_difference_is_said_in_numbers_and_by_whom() -> None:
    assert contradicts(WORD, 3, ONES) is None
    few, other = contradicts(WORD, 2, ONES), contradicts(WORD, 3, ZERO_HASH)
    assert few is not None
    assert other is not None
    assert few.startswith("triage has said 3 events of this subject, 2 ")
    assert other != few
    assert "triage" in other
