"""A message keeps every byte on its way through the table of parked messages, and a signature that
cannot be decoded is none."""

import base64
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.topics import HEADER_SIGNATURE
from shared.runtime.hear.judge import Record
from shared.runtime.hear.messages import headers_of, record_from, record_of

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=80)), max_size=5)


def message(
    headers: Any, value: bytes | None = b"{}", key: bytes | None = b"k"
) -> ConsumerRecord[bytes | None, bytes | None]:
    return ConsumerRecord("topic", 3, 17, 0, 0, key, value, None, 0, 0, headers)


def row_of(record: Record) -> dict[str, Any]:
    """As the table gives it back."""
    return {
        "partition": record.partition,
        "kafka_offset": record.offset,
        "message_key": record.key,
        "value": record.value,
        "headers": headers_of(record),
    }


def test_a_message_is_read_with_its_place_and_its_signature() -> None:
    signature = b"\x00\xff" * 32
    headers = [("content-type", b"x"), (HEADER_SIGNATURE, base64.b64encode(signature))]
    record = record_of(message(headers, b"value"))
    assert (record.partition, record.offset, record.key, record.value) == (3, 17, b"k", b"value")
    assert record.signature == signature
    assert record.headers == tuple(headers)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("content-type", b"x")],
        [(HEADER_SIGNATURE, b"not base64!")],
        [(HEADER_SIGNATURE, b"AAA")],
        [(HEADER_SIGNATURE, b"\xff\xfe")],
        [(HEADER_SIGNATURE.upper(), base64.b64encode(b"s"))],
    ],
)
def test_what_cannot_be_decoded_is_no_signature(headers: list[tuple[str, bytes]]) -> None:
    assert record_of(message(headers)).signature == b""


def test_of_two_signatures_the_last_counts() -> None:
    headers = [(HEADER_SIGNATURE, base64.b64encode(one)) for one in (b"first", b"last")]
    assert record_of(message(headers)).signature == b"last"


def test_a_tombstone_is_a_message_without_bytes() -> None:
    record = record_of(message([], None, None))
    assert (record.key, record.value) == (None, b"")


@given(headers=HEADERS, value=st.binary(), key=st.none() | st.binary())
def test_a_parked_message_comes_back_as_it_came(
    headers: list[tuple[str, bytes]], value: bytes, key: bytes | None
) -> None:
    record = record_of(message(headers, value, key))
    assert record_from(row_of(record)) == record
