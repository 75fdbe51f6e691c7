"""Reads the topic from its first message to its last."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from aiokafka import TopicPartition

from shared.chain.trust import Trust
from shared.contract.envelope import Event
from shared.contract.topics import PARTITIONS
from shared.runtime.carry.topic import connected, follower, messages_of
from shared.runtime.hear.judge import Heard, Record, examine
from shared.runtime.hear.messages import record_of

PAGE: Final = 2000


async def messages(kafka: Mapping[str, Any], topic: str) -> AsyncIterator[Record]:
    """Every message that the topic holds at the call, each partition from its first."""
    async with connected(follower(kafka, at_once=PAGE)) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        left = {partition: end for partition, end in ends.items() if end}
        while left:
            for partition, batch in (await messages_of(consumer, *left, timeout_ms=200)).items():
                for message in batch:
                    if message.offset < left[partition]:
                        yield record_of(message)
            left = {
                partition: end
                for partition, end in left.items()
                if await consumer.position(partition) < end
            }


async def events(kafka: Mapping[str, Any], topic: str, trust: Trust) -> list[Event]:
    """The history on the topic: every trusted event once, ordered by time."""
    history: dict[bytes, Event] = {}
    async for record in messages(kafka, topic):
        if isinstance(heard := examine(record, trust), Heard):
            history[heard.event.hash] = heard.event
            trust = trust.after(heard.event)
    return sorted(
        history.values(),
        key=lambda event: (event.time, event.service, event.link.partition, event.link.sequence),
    )
