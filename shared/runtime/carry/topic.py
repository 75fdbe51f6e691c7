"""The two topics, of events and of their texts: created if missing, refused if not as the ledger
needs them, and read in the same way by all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, for_code

from shared.contract.topics import DISCLOSURES_CONFIG, PARTITIONS, TOPIC_CONFIG, disclosures_of
from shared.runtime.process.logging import said
from shared.runtime.process.patience import within
from shared.runtime.process.persistence import PASSING

C = TypeVar("C", bound="Client")

TOPIC_EXISTS = 36
REPLICAS = 3
WITHIN = 20.0
"""Seconds in which all partitions of a new topic must have a leader."""


START_WITHIN = 60.0
"""Seconds that a client has to reach the broker."""
STOP_WITHIN = 20.0
"""Seconds that a client has to close; then it is left behind."""
READ_WITHIN = 60.0
"""Seconds that one read has: an empty one ends by itself in a second."""

log = structlog.get_logger(__name__)


class Client(Protocol):
    """What all clients of the broker have in common."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@contextlib.asynccontextmanager
async def connected(client: C) -> AsyncIterator[C]:
    """Opens a client and closes it. Raises TimeoutError when it does not come to the broker; one
    that does not end is told of, and left behind: the next one starts afresh."""
    try:
        await within(START_WITHIN, client.start())
        yield client
    finally:
        try:
            await within(STOP_WITHIN, client.stop())
        except Exception as error:  # noqa: BLE001  whatever ails it, it is done with
            log.warning(
                "a client of the broker does not end in order",
                client=type(client).__name__,
                error=said(error),
            )


async def messages_of(
    consumer: AIOKafkaConsumer, *places: TopicPartition, timeout_ms: int, at_most: int | None = None
) -> dict[TopicPartition, list[Any]]:
    """The next messages. Raises TimeoutError where the client does not even say that there are
    none."""
    check_alive(consumer)
    reading = consumer.getmany(*places, timeout_ms=timeout_ms, max_records=at_most)
    messages: dict[TopicPartition, list[Any]] = await within(READ_WITHIN, reading)
    return messages


def check_alive(consumer: AIOKafkaConsumer) -> None:
    """aiokafka learns of brokers and leaders in a task of its own. When that dies, which an error
    of the transport does to it (uvloop: "the handler is closed"), the client waits for word of them
    for ever, and gives out nothing. Raises KafkaConnectionError: the next client is a new one."""
    learning = consumer._client._sync_task  # noqa: SLF001  nothing public tells
    if learning is not None and learning.done():
        raise KafkaConnectionError("the client has ended to learn of the brokers")


class WrongTopic(ValueError):
    """The topic exists, but is not as the ledger needs it."""


def follower(
    kafka: Mapping[str, Any], *, group: str | None = None, at_once: int | None = None
) -> AIOKafkaConsumer:
    """A reader of the topic, not started yet. Its offsets are kept by the caller, in a database: a
    group only assigns partitions. `at_once` is the most messages of one read."""
    return AIOKafkaConsumer(
        **kafka,
        group_id=group,
        enable_auto_commit=False,
        # Only reached when the topic has lost or renumbered messages: all are read again, and
        # those already on the chains are dropped as duplicates.
        auto_offset_reset="earliest",
        # A topic that is created or grows meanwhile is noticed in seconds, not in five minutes.
        metadata_max_age_ms=10_000,
        max_poll_records=at_once,
    )


async def problem_of(kafka: Mapping[str, Any], topic: str) -> str | None:
    """Why the topic cannot be used now, or None."""
    admin = AIOKafkaAdminClient(**kafka, request_timeout_ms=2000)
    try:
        async with asyncio.timeout(3):
            await admin.start()
            (about,) = await admin.describe_topics([topic])
    except PASSING as error:
        return type(error).__name__
    finally:
        with contextlib.suppress(*PASSING):
            await admin.close()
    count = len(about["partitions"])
    if count == PARTITIONS:
        return None
    return f"the topic has {count} partitions, must have {PARTITIONS}"


async def ensure_topic(
    kafka: dict[str, Any], topic: str, texts: Mapping[str, str] = DISCLOSURES_CONFIG
) -> bool:
    """Creates the topic of events and that of their texts if they are missing, on three brokers or
    as many as there are. Returns whether the topic of events was missing.

    Raises WrongTopic when one has another number of partitions, or would lose what it must keep or
    keep what it must lose. `texts` is how the second is cleaned."""
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    try:
        made = await _ensure(admin, topic, TOPIC_CONFIG)
        await _ensure(admin, disclosures_of(topic), texts)
    finally:
        await admin.close()
    return made


async def _ensure(admin: AIOKafkaAdminClient, topic: str, config: Mapping[str, str]) -> bool:
    made = await _create(admin, topic, config)
    async with asyncio.timeout(WITHIN):
        while not (partitions := await _partitions(admin, topic)):
            await asyncio.sleep(0.05)
    if partitions != PARTITIONS:
        raise WrongTopic(
            f"topic {topic} has {partitions} partitions, the ledger's arithmetic needs "
            f"{PARTITIONS}; use a new topic"
        )
    if not made:
        await _check_config(admin, topic, config)
    return made


async def _create(admin: AIOKafkaAdminClient, topic: str, config: Mapping[str, str]) -> bool:
    brokers = (await admin.describe_cluster())["brokers"]
    new = NewTopic(topic, PARTITIONS, min(REPLICAS, len(brokers)), topic_configs=dict(config))
    response = await admin.create_topics([new])
    code, message = response.topic_errors[0][1:3]
    if code not in {0, TOPIC_EXISTS}:
        raise for_code(code)(f"topic {topic}: {message}")
    return bool(code == 0)


async def _partitions(admin: AIOKafkaAdminClient, topic: str) -> int:
    (about,) = await admin.describe_topics([topic])
    return sum(partition["leader"] >= 0 for partition in about["partitions"])


async def _check_config(admin: AIOKafkaAdminClient, topic: str, config: Mapping[str, str]) -> None:
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    settings = {entry[0]: entry[1] for entry in response.resources[0][4]}
    for name, value in config.items():
        if settings[name] != value:
            raise WrongTopic(
                f"topic {topic} has {name}={settings[name]}, the ledger needs {value}; alter the "
                "topic, then try again"
            )
