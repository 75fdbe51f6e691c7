"""Fills an empty topic from the services' ledgers: the same bytes, each chain in its order, and the
chains among each other in the order of the old topic.

The services must be stopped. Interrupted at any point, it leaves databases with which they can
start: relays send all again, and receivers hear all again and keep each event once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from shared.chain.trust import Trust
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.relay import producer_to
from shared.runtime.carry.topic import connected, follower
from shared.runtime.repair.refill_databases import (
    CannotRefill,
    forget_the_old_topic,
    locked,
    opened,
)
from shared.runtime.repair.refill_partition import Filling, Progress, fill


@dataclass(frozen=True, slots=True)
class Refilled:
    events: int
    lacking: list[str]


async def refill(
    dsns: Mapping[ServiceName, str],
    kafka: Mapping[str, Any],
    topic: str,
    trust: Trust,
    progress: Progress,
) -> Refilled:
    """`progress` is told the partition and how many of its events are written. The result lists
    the services that must be rebuilt before they start.

    Raises CannotRefill, OrdersDisagree."""
    await _require_empty(kafka, topic)
    async with opened(dsns) as databases:
        await forget_the_old_topic(databases)
        async with locked(databases):
            async with connected(producer_to(kafka)) as producer:
                counts = [
                    await fill(Filling(databases, producer, topic, partition, trust, progress))
                    for partition in range(PARTITIONS)
                ]
            ends = await _ends(kafka, topic)
            if ends != counts:
                raise CannotRefill(
                    f"topic {topic} holds {sum(ends)} messages after {sum(counts)} were written: "
                    "another process writes to it; stop it, delete the topic, and begin again"
                )
    return Refilled(sum(counts), databases.lacking())


async def _require_empty(kafka: Mapping[str, Any], topic: str) -> None:
    if any(ends := await _ends(kafka, topic)):
        raise CannotRefill(
            f"topic {topic} is not empty, it has had {sum(ends)} messages: nothing is written to "
            "it. To make it anew, delete it at the broker and run ledger migrate"
        )


async def _ends(kafka: Mapping[str, Any], topic: str) -> list[int]:
    async with connected(follower(kafka)) as consumer:
        if topic not in await consumer.topics():
            raise CannotRefill(f"topic {topic} does not exist; make it with: ledger migrate")
        ends = await consumer.end_offsets(
            [TopicPartition(topic, number) for number in range(PARTITIONS)]
        )
    return [ends[TopicPartition(topic, number)] for number in range(PARTITIONS)]
