"""Messages as aiokafka gives them and as tables keep them, to what is judged of them."""

import base64
import binascii
import json
from collections.abc import Sequence

from aiokafka.structs import ConsumerRecord

from shared.contract.topics import HEADER_SIGNATURE
from shared.runtime.hear.judge import Record
from shared.runtime.process.database import Row


def record_of(message: ConsumerRecord[bytes | None, bytes | None]) -> Record:
    headers = tuple((name, value) for name, value in message.headers)
    return Record(
        message.partition,
        message.offset,
        message.key,
        message.value or b"",
        headers,
        _signature(headers),
    )


def headers_of(record: Record) -> str:
    """As a parked message keeps them."""
    return json.dumps([[name, base64.b64encode(value).decode()] for name, value in record.headers])


def record_from(row: Row) -> Record:
    """A parked message as it came."""
    headers = tuple((name, base64.b64decode(value)) for name, value in json.loads(row["headers"]))
    return Record(
        row["partition"],
        row["kafka_offset"],
        row["message_key"],
        row["value"],
        headers,
        _signature(headers),
    )


def _signature(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """The signature of a message, empty when there is none that can be decoded."""
    try:
        return base64.b64decode(dict(headers).get(HEADER_SIGNATURE, b""), validate=True)
    except binascii.Error:
        return b""
