"""Where events travel: one topic, a fixed number of partitions, kept for ever.

The partition of a subject is part of the ledger's own arithmetic (a chain is one service on one
partition), so it is computed here with Kafka's murmur2 and never left to a client library."""

from datetime import timedelta
from functools import lru_cache
from struct import unpack
from typing import Final
from uuid import UUID

TOPIC: Final = "incident-ledger.events"
PARTITIONS: Final = 8
DISCLOSURES: Final = ".disclosures"
"""After the topic's name without its own ending: the topic of the texts."""
DAY_MS: Final = 24 * 3600 * 1000
DISCLOSURES_CONFIG: Final = {
    "cleanup.policy": "compact",
    "max.compaction.lag.ms": str(DAY_MS // 2),
    "delete.retention.ms": str(DAY_MS),
    "segment.ms": str(DAY_MS // 4),
    "min.cleanable.dirty.ratio": "0.01",
}
"""What is told again, with less or with nothing, replaces what was told before within a day: a
segment is closed after six hours, by the next message at the latest an hour later, and cleaned
twelve hours after its first. A tombstone stands for a day, so that a reader who was away for less
learns of it; one who was away for longer finds nothing to be told of, and has the erasing
event."""
NUDGE_EVERY: Final = timedelta(hours=1)
"""Kafka closes a segment only when another message comes, so one comes this often, and says
nothing."""
TOPIC_CONFIG: Final = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}

CONTENT_TYPE: Final = "application/cloudevents+json; charset=UTF-8"
HEADER_CONTENT_TYPE: Final = "content-type"
HEADER_SIGNATURE: Final = "signature"
HEADER_TRACEPARENT: Final = "traceparent"

_SYSTEM_SUBJECTS: Final = (
    UUID("1fce7c36-536c-5758-8e69-78a6df3057c4"),
    UUID("685b9807-a94e-508d-9992-735efa960422"),
    UUID("7fe25a37-1dc0-583d-94c9-fb7a9799d2d3"),
    UUID("90dbd5ff-d489-5d67-9485-7bf101796f0e"),
    UUID("64a620f6-08dc-5378-951f-b9ed4f2cb869"),
    UUID("19d6af9d-7d29-50d9-9594-0d20a4ad633a"),
    UUID("8a0f37aa-41e7-5b03-b4d4-55c49fe3972c"),
    UUID("aec38c25-651d-5fe2-817f-6895415eb63a"),
)
"""By partition: the first UUIDv5 of https://incident-ledger.example/system/0, /1, … that Kafka puts
there. No incident has a UUIDv5."""
_SYSTEM: Final = frozenset(_SYSTEM_SUBJECTS)

INCIDENT: Final = "incident"
RECORD: Final = "ledger"
"""The kinds of subject: incidents, and the record itself, which has one subject a partition."""


def disclosures_of(topic: str) -> str:
    """The topic of the texts that belong to a topic of events: `incident-ledger.disclosures`."""
    return topic.removesuffix(".events") + DISCLOSURES


def key_of(subject_id: UUID) -> bytes:
    """The Kafka key of a subject's events."""
    return str(subject_id).encode("ascii")


@lru_cache(4096)
def partition_of(subject_id: UUID) -> int:
    """The partition of a subject: what Kafka's default partitioner gives its key."""
    return (murmur2(key_of(subject_id)) & 0x7FFFFFFF) % PARTITIONS


def system_subject(partition: int) -> UUID:
    """The subject of what a service says on a partition about itself and no incident: a new key, a
    hole in a chain."""
    return _SYSTEM_SUBJECTS[partition]


def is_system(subject_id: UUID) -> bool:
    """Whether this is no incident but a partition's system subject, which views, lists and
    reactions leave out."""
    return subject_id in _SYSTEM


def kind_of(event_type: str) -> str:
    """The kind of subject that an event is about: the first word of its type."""
    return event_type.partition(".")[0]


def murmur2(data: bytes) -> int:
    """32-bit MurmurHash2 with Kafka's seed (org.apache.kafka.common.utils.Utils.murmur2), as an
    unsigned number."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4
    for k in unpack(f"<{whole}I", data[: 4 * whole]):
        k = (k * m) & mask  # noqa: PLW2901
        h = ((h * m) ^ ((k ^ (k >> 24)) * m)) & mask
    if rest := data[4 * whole :]:
        h = ((h ^ int.from_bytes(rest, "little")) * m) & mask
    h = ((h ^ (h >> 13)) * m) & mask
    return h ^ (h >> 15)
