"""Where events travel: one topic, a fixed number of partitions, kept for ever.

The partition of an incident is part of the ledger's own arithmetic (a chain is one service on one partition), so it is computed
here with Kafka's murmur2 and never left to a client library.
"""

from typing import Final
from uuid import UUID

TOPIC: Final = "incident-ledger.events"
PARTITIONS: Final = 8
TOPIC_CONFIG: Final = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}

CONTENT_TYPE: Final = "application/cloudevents+json; charset=UTF-8"
HEADER_CONTENT_TYPE: Final = "content-type"
HEADER_SIGNATURE: Final = "signature"
HEADER_TRACEPARENT: Final = "traceparent"


def key_of(incident_id: UUID) -> bytes:
    """The Kafka key of an incident's events."""
    return str(incident_id).encode("ascii")


def partition_of(incident_id: UUID) -> int:
    """The partition of an incident: what Kafka's default partitioner gives its key."""
    return (murmur2(key_of(incident_id)) & 0x7FFFFFFF) % PARTITIONS


def murmur2(data: bytes) -> int:
    """32-bit MurmurHash2 with Kafka's seed (org.apache.kafka.common.utils.Utils.murmur2), as an unsigned number."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = (int.from_bytes(data[i : i + 4], "little") * m) & mask
        k ^= k >> 24
        h = ((h * m) & mask) ^ ((k * m) & mask)
    if rest := data[whole:]:
        h = ((h ^ int.from_bytes(rest, "little")) * m) & mask
    h ^= h >> 13
    h = (h * m) & mask
    return h ^ (h >> 15)
