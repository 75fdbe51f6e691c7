"""The topic of a local stack, or of any Kafka by environment."""

import asyncio
import os
from pathlib import Path

from deploy.local import state
from deploy.local.errors import StackError
from shared.contract.topics import TOPIC
from shared.runtime.carry.topic import WrongTopic, ensure_topic
from shared.runtime.process.persistence import BROKER_AWAY
from shared.runtime.process.settings import KafkaSettings


def make_topic(data: Path | None) -> str:
    """Makes the topic where it is missing; a line that says so. Raises StackError."""
    if data is not None:
        stack = state.load(data)
        kafka, topic = stack.broker.client(), stack.topic
    elif "LEDGER_KAFKA_BOOTSTRAP" in os.environ:
        settings = KafkaSettings()
        kafka, topic = settings.kafka(), settings.topic
    else:
        return f"topic {TOPIC}: left alone, LEDGER_KAFKA_BOOTSTRAP is not set"
    try:
        made = asyncio.run(ensure_topic(kafka, topic))
    except WrongTopic as error:
        raise StackError(str(error)) from error
    except BROKER_AWAY as error:
        raise StackError(
            f"Kafka does not answer: {error}; the databases are migrated, run this again for the "
            "topic"
        ) from error
    return f"topic {topic}: {'made' if made else 'nothing to do'}"
