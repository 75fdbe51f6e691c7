"""Who stands behind pseudonyms, as the topic of texts tells it."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import structlog
from aiokafka.structs import ConsumerRecord
from pydantic import BaseModel

from shared.contract.catalogue.base import Name
from shared.runtime.carry.people import KEY
from shared.runtime.hear.judge import Record
from shared.runtime.process import telemetry
from shared.runtime.process.database import Connection
from shared.runtime.say.people import People, Person, take_in

Message: TypeAlias = "ConsumerRecord[Any, Any] | Record"
"""Of the topic of texts, as the consumer reads it or as a rebuild keeps it."""

log = structlog.get_logger(__name__)


class _Told(BaseModel):
    subject: Name
    name: Name | None


def is_person(message: Message) -> bool:
    """Whether it tells of a person, and not of an event's texts."""
    return (message.key or b"").startswith(KEY)


def persons_of(messages: Sequence[Message], people: People) -> list[Person]:
    """The persons of whom these messages tell. One whose pseudonym is not the subject's is counted
    as no message."""
    persons = []
    for message in messages:
        key = message.key or b""
        if not message.value or not is_person(message):
            continue
        try:
            told = _Told.model_validate_json(message.value)
            person = Person(key.removeprefix(KEY).decode(), told.subject, told.name)
        except ValueError as error:
            count(message, type(error).__name__)
            continue
        if people.is_of(person):
            persons.append(person)
        else:
            count(message, "the pseudonym is not the subject's")
    return persons


async def take_in_persons(
    connection: Connection, messages: Sequence[Message], people: People
) -> None:
    """Keeps the persons of whom these messages tell."""
    await take_in(connection, persons_of(messages, people))


def count(message: Message, reason: str) -> None:
    """Counts and tells a message that is neither texts nor a person, never with what it holds."""
    telemetry.parked("malformed_text")
    log.warning(
        "a message of the topic of texts is none",
        partition=message.partition,
        offset=message.offset,
        reason=reason,
    )
