"""The relay's batches, read back as a consumer would: what an event looks like on the topic, and
how many fit in one request."""

import base64
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.envelope import MAX_TEXTS, Link, Said, write
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.relay import BATCH, BATCH_BYTES, _packed, add, producer_to
from shared.runtime.carry.texts import message_of

INCIDENT = UUID(int=7)
BROKERS_DEFAULT = 1_048_588
"""Kafka's default `message.max.bytes`."""


@pytest.fixture
async def producer() -> AsyncIterator[AIOKafkaProducer]:
    """Never started: it packs batches and sends nothing."""
    made = producer_to({"bootstrap_servers": "127.0.0.1:1"})
    yield made
    await made.stop()


def row(number: int, envelope: bytes = b"{}", **columns: Any) -> dict[str, Any]:
    return {
        "partition": 3,
        "sequence": number,
        "subject_id": INCIDENT,
        "envelope": envelope,
        "signature": bytes([number % 256]) * 64,
        "event_id": UUID(int=number),
        "texts": [],
    } | columns


def packed_of(producer: AIOKafkaProducer, rows: Iterable[dict[str, Any]]) -> Any:
    return _packed(producer.create_batch(), producer.create_batch(), 3, rows)


def read_back(batch: BatchBuilder) -> Iterator[Any]:
    records = MemoryRecords(bytes(batch._build()))
    while (stretch := records.next_batch()) is not None:
        assert stretch.validate_crc()
        yield from stretch


async def test_an_event_stands_on_the_topic_as_its_envelope_under_the_key_of_its_incident(
    producer: AIOKafkaProducer,
) -> None:
    batch = producer.create_batch()
    assert add(batch, row(5, b'{"specversion":"1.0"}'))
    batch.close()
    (record,) = read_back(batch)
    assert record.key == str(INCIDENT).encode()
    assert record.value == b'{"specversion":"1.0"}'
    assert record.headers == [
        ("content-type", b"application/cloudevents+json; charset=UTF-8"),
        ("signature", base64.b64encode(bytes([5]) * 64)),
    ]


async def test_a_traceparent_in_the_envelope_travels_as_a_header(
    producer: AIOKafkaProducer,
) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    said = Said(
        UUID(int=1),
        INCIDENT,
        datetime(2026, 3, 2, tzinfo=UTC),
        "maria",
        Reported(opens=True, channel=ReportChannel.API),
        "c",
        traceparent=traceparent,
    )
    envelope = write(said, Link(ServiceName.INTAKE, 3, 1, ZERO_HASH, ZERO_HASH), "00000000")
    batch = producer.create_batch()
    assert add(batch, row(1, envelope))
    batch.close()
    (record,) = read_back(batch)
    assert dict(record.headers)["traceparent"] == traceparent.encode()
    assert record.value == envelope


async def test_a_batch_takes_all_rows_that_fit_in_their_order(producer: AIOKafkaProducer) -> None:
    rows = [row(number, b"%d" % number) for number in range(1, BATCH + 1)]
    packed = packed_of(producer, rows)
    assert (packed.partition, list(packed.sequences)) == (3, list(range(1, BATCH + 1)))
    assert [record.value for record in read_back(packed.packed)] == [
        one["envelope"] for one in rows
    ]


@pytest.mark.parametrize("size", [10_000, 65_535, 200_000, 449_000, 800_000])
async def test_a_batch_ends_before_the_first_row_that_does_not_fit(
    producer: AIOKafkaProducer, size: int
) -> None:
    rows = [row(number, b"x" * size) for number in range(1, BATCH + 1)]
    packed = packed_of(producer, rows)
    count = len(packed.sequences)
    assert list(packed.sequences) == list(range(1, count + 1))
    assert BATCH_BYTES - size - 400 * (count + 1) <= count * size <= BATCH_BYTES
    assert len(packed.packed._build()) <= BATCH_BYTES < BROKERS_DEFAULT


async def test_a_small_row_behind_one_that_does_not_fit_waits_too(
    producer: AIOKafkaProducer,
) -> None:
    rows = [row(1, b"x" * 500_000), row(2, b"x" * 500_000), row(3, b"x")]
    packed = packed_of(producer, rows)
    assert list(packed.sequences) == [1]


async def test_the_texts_of_one_event_fit_alone_however_many_they_are(
    producer: AIOKafkaProducer,
) -> None:
    """Else the relay would stand before it for ever."""
    packed = packed_of(producer, [row(1, b"x" * 65_535, texts=["x" * MAX_TEXTS])])
    assert list(packed.sequences) == [1]


async def test_a_closed_batch_takes_nothing_more(producer: AIOKafkaProducer) -> None:
    packed = packed_of(producer, [row(1)])
    assert not add(packed.packed, row(2))
    assert len(list(read_back(packed.packed))) == 1


@given(sizes=st.lists(st.integers(0, 300_000), max_size=30))
async def test_every_batch_is_the_longest_beginning_that_the_broker_takes(
    sizes: list[int],
) -> None:
    producer = producer_to({"bootstrap_servers": "127.0.0.1:1"})
    rows = [row(number, b"x" * size) for number, size in enumerate(sizes, 1)]
    packed = packed_of(producer, iter(rows))
    await producer.stop()
    count = len(packed.sequences)
    assert list(packed.sequences) == list(range(1, count + 1))
    if count:
        assert len(packed.packed._build()) <= BATCH_BYTES
    if count < len(rows):
        assert sum(sizes[: count + 1]) + 400 * (count + 1) > BATCH_BYTES


async def test_the_producer_counts_only_what_all_replicas_have_once_and_in_order(
    producer: AIOKafkaProducer,
) -> None:
    assert producer._sender._acks == -1
    assert producer._txn_manager is not None
    assert not producer._txn_manager.transactional_id


async def test_texts_are_packed_beside_their_events_under_the_event_s_id(
    producer: AIOKafkaProducer,
) -> None:
    rows = [row(1, texts=["one", "two"]), row(2), row(3, texts=["three"])]
    packed = packed_of(producer, rows)
    assert list(packed.sequences) == [1, 2, 3]
    assert [(record.key, record.value) for record in read_back(packed.texts)] == [
        (str(UUID(int=1)).encode(), b'["one","two"]'),
        (str(UUID(int=3)).encode(), b'["three"]'),
    ]


async def test_an_event_whose_texts_do_not_fit_any_more_waits_with_them(
    producer: AIOKafkaProducer,
) -> None:
    rows = [row(number, texts=["x" * 400_000]) for number in (1, 2, 3)]
    packed = packed_of(producer, rows)
    assert list(packed.sequences) == [1, 2]
    assert len(list(read_back(packed.packed))) == 2
    assert len(packed.texts._build()) <= BATCH_BYTES < BROKERS_DEFAULT


@pytest.mark.parametrize(
    ("texts", "value"),
    [([], None), (["one"], b'["one"]'), (["one", "two"], b'["one","two"]')],
)
def test_a_message_without_texts_is_a_tombstone(texts: list[str], value: bytes | None) -> None:
    assert message_of(texts) == value
