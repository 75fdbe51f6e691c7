"""Services' signed words about their chains: one spelling each, refused when anything is off, and
held against a log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain.link import EMPTY, Head
from shared.chain.statements import (
    BadStatement,
    ChainHeads,
    Contradicted,
    MissingNumbers,
    Statement,
    SubjectStatement,
    contradicts,
    hold_against,
    open_statement,
    parse,
    sign,
)
from shared.chain.trust import Trust
from shared.chain.trust import parse as parse_trust
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS, partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.web import routes
from shared.tlog.note import Signer, generate_key

INTAKE = ServiceName.INTAKE
ON_0 = next(one for one in (UUID(int=number) for number in range(99)) if partition_of(one) == 0)

hashes = st.binary(min_size=32, max_size=32).filter(lambda one: one != ZERO_HASH)
filled = st.builds(Head, st.integers(1, 2**62), hashes)
heads = st.just(EMPTY) | filled
times = st.integers(-60_000_000_000, 250_000_000_000).map(
    lambda seconds: datetime(2026, 3, 2, tzinfo=UTC) + timedelta(0, seconds)
)
services = st.sampled_from(ServiceName)
chain_heads = st.builds(ChainHeads, services, times, st.tuples(*[heads] * PARTITIONS))
subject_heads = st.builds(
    SubjectStatement, services, st.uuids(), times, st.integers(1, 1), hashes, filled
) | st.builds(SubjectStatement, services, st.uuids(), times, st.just(0), st.just(ZERO_HASH), heads)
statements = chain_heads | subject_heads


@cache
def signer(name: str) -> Signer:
    return Signer.parse(generate_key(f"incident-ledger/{name}")[0])


@cache
def trust() -> Trust:
    return parse_trust(
        "".join(f"{service} * 1 {signer(service).vkey}\n" for service in ServiceName)
    )


def note(statement: Statement, name: str | None = None) -> bytes:
    return sign(statement.text, signer(name or statement.service))


def checkpoint(*stated: Head, service: ServiceName = INTAKE) -> ChainHeads:
    filling = (EMPTY,) * (PARTITIONS - len(stated))
    return ChainHeads(service, datetime(2026, 3, 2, 9, 0, tzinfo=UTC), (*stated, *filling))


def test_a_chain_checkpoint_reads_as_agreed() -> None:
    assert checkpoint(Head(7, b"\x01" * 32)).text == (
        "incident-ledger/chains/intake\n"
        "2026-03-02T09:00:00Z\n"
        "0 7 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
        + "".join(
            f"{number} 0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" for number in range(1, 8)
        )
    )


@given(statements)
def test_a_statement_comes_back_from_its_text_and_from_its_note(statement: Statement) -> None:
    assert parse(statement.text) == statement
    assert open_statement(note(statement), trust()) == statement


@given(chain_heads, st.integers(-12, 12))
def test_the_time_is_stated_in_utc_and_whole_seconds(statement: ChainHeads, hours: int) -> None:
    elsewhere = statement.time.replace(microsecond=999_999).astimezone(
        timezone(timedelta(hours=hours))
    )
    assert replace(statement, time=elsewhere).text == statement.text


@given(statements, st.data())
def test_any_one_changed_byte_of_a_note_is_refused(
    statement: Statement, data: st.DataObject
) -> None:
    whole = bytearray(note(statement))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadStatement):
        open_statement(bytes(whole), trust())


@given(
    st.binary(max_size=500) | st.text(max_size=500).map(lambda text: text.encode("utf-8", "ignore"))
)
def test_no_bytes_bring_the_reader_down(garbage: bytes) -> None:
    with pytest.raises(BadStatement):
        open_statement(garbage, trust())


@given(statements, st.data())
def test_a_cut_swapped_or_repeated_line_is_refused_or_another_statement(
    statement: Statement, data: st.DataObject
) -> None:
    lines = statement.text.splitlines(keepends=True)
    one, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[one], lines[other] = (
        lines[other],
        data.draw(st.sampled_from(["", lines[one], "\n", "0\n", "x" * 99])),
    )
    changed = "".join(lines)
    try:
        again = parse(changed)
    except BadStatement:
        return
    assert again.text == changed, "one statement, one spelling"


@given(st.text(max_size=300))
def test_any_text_is_a_statement_with_this_spelling_or_refused(text: str) -> None:
    for prefix in ("", "incident-ledger/chains/intake\n", "incident-ledger/incidents/intake\n"):
        try:
            statement = parse(prefix + text)
        except BadStatement:
            continue
        assert statement.text == prefix + text


@pytest.mark.parametrize(
    ("replaced", "by", "why"),
    [
        ("intake", "outake", "the first line is not incident-ledger/chains/<service>"),
        ("09:00:00Z", "09:00:00+00:00", "not RFC 3339 in UTC"),
        ("2026-03-02", "2026-02-30", "not RFC 3339 in UTC"),
        ("\n1 0", "\n2 0", "the line of partition 1 names partition 2"),
        ("\n0 7", "\n0 07", "not a decimal number without leading zeros"),
        ("\n0 7", "\n0 0", "zeros stand for no event"),
        ("\n7 0", "\n8 0", "partition 8 does not exist"),
        ("AQEB", "AQE", "base64"),
    ],
)
def test_what_is_wrong_with_a_text_is_said(replaced: str, by: str, why: str) -> None:
    with pytest.raises(BadStatement, match=why):
        parse(checkpoint(Head(7, b"\x01" * 32)).text.replace(replaced, by, 1))


@given(subject_heads)
def test_an_incident_head_names_the_partition_of_its_incident(statement: SubjectStatement) -> None:
    wrong = (statement.partition + 1) % PARTITIONS
    lines = statement.text.splitlines(keepends=True)
    lines[4] = f"{wrong}{lines[4][1:]}"
    with pytest.raises(
        BadStatement, match=f"belongs on partition {partition_of(statement.subject_id)}"
    ):
        parse("".join(lines))


@given(statements)
def test_only_the_services_own_key_counts(statement: Statement) -> None:
    for other in set(ServiceName) - {statement.service}:
        with pytest.raises(BadStatement, match="not signed with the key in force"):
            open_statement(note(statement, other), trust())
    with pytest.raises(BadStatement, match=r"no key of .* is trusted"):
        open_statement(note(statement), Trust(()))


def test_a_key_counts_only_where_it_would_sign_the_next_number() -> None:
    old, new = signer("intake"), signer("new")
    changing = parse_trust(f"intake * 1 {old.vkey}\nintake 0 8 {new.vkey}\n")
    before = checkpoint(Head(6, b"\x01" * 32))
    after = SubjectStatement(INTAKE, ON_0, before.time, 1, b"\x01" * 32, Head(7, b"\x01" * 32))
    assert open_statement(sign(before.text, old), changing) == before
    assert open_statement(sign(after.text, new), changing) == after
    for statement, wrong in ((before, new), (after, old)):
        with pytest.raises(BadStatement, match="not signed with the key in force"):
            open_statement(sign(statement.text, wrong), changing)


def no_hash(_partition: int, _sequence: int) -> bytes | None:
    raise AssertionError("nothing to look up")


def test_a_log_that_holds_what_was_stated_differs_in_nothing() -> None:
    stated = checkpoint(Head(7, b"\x07" * 32), Head(2, b"\x02" * 32))
    assert (
        list(hold_against(stated, {0: Head(7, b"\x07" * 32), 1: Head(2, b"\x02" * 32)}, no_hash))
        == []
    )


@given(chain_heads, st.data())
def test_each_chain_is_whole_short_or_contradicted(stated: ChainHeads, data: st.DataObject) -> None:
    sealed: dict[int, Head] = {}
    expected: list[MissingNumbers | Contradicted] = []
    at: dict[tuple[int, int], bytes] = {}
    for partition, head in enumerate(stated.heads):
        match data.draw(st.sampled_from(["whole", "longer", "short", "other", "longer and other"])):
            case "whole":
                sealed[partition] = head
            case "longer":
                sealed[partition], at[partition, head.sequence] = (
                    Head(head.sequence + 3, b"\x03" * 32),
                    head.hash,
                )
            case "short" if head.sequence:
                left = data.draw(st.integers(0, head.sequence - 1))
                sealed[partition] = Head(left, b"\x04" * 32)
                expected.append(MissingNumbers(stated.service, partition, left + 1, head.sequence))
            case "other" if head.sequence:
                sealed[partition] = Head(head.sequence, other_than(head.hash))
                expected.append(
                    Contradicted(
                        stated.service, partition, head.sequence, head.hash, other_than(head.hash)
                    )
                )
            case "longer and other" if head.sequence:
                sealed[partition] = Head(head.sequence + 1, b"\x03" * 32)
                at[partition, head.sequence] = other_than(head.hash)
                expected.append(
                    Contradicted(
                        stated.service, partition, head.sequence, head.hash, other_than(head.hash)
                    )
                )
    assert (
        list(
            hold_against(stated, sealed, lambda partition, sequence: at.get((partition, sequence)))
        )
        == expected
    )


def other_than(hash_: bytes) -> bytes:
    return bytes([hash_[0] ^ 1]) + hash_[1:]


@given(subject_heads)
def test_an_incident_that_is_not_whole_contradicts_its_head(statement: SubjectStatement) -> None:
    assert contradicts(statement, statement.count, statement.last_hash) is None
    assert contradicts(statement, statement.count + 1, statement.last_hash)
    assert contradicts(statement, statement.count, other_than(statement.last_hash))


def test_the_documented_examples_are_statements_that_verify() -> None:
    vkey = "incident-ledger/triage+36f24521+AUQpkwZQBKoeTEj03QFYGUwCNJvMZkzZbkAOommRio1R"
    for example in (routes.CHAINS, routes.SUBJECT_HEAD):
        open_statement(example.encode(), parse_trust(f"triage * 1 {vkey}"))
