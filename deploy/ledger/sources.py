"""Where commands find databases and topic: in the local stack of a data folder, or on any Kafka and
Postgres by environment."""

import os
from pathlib import Path

from deploy.local import state
from shared.contract.topics import TOPIC
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.keyfiles import load_trust
from shared.runtime.process.settings import KafkaSettings
from shared.runtime.repair.auditing import Sources


def open_sources(data: Path | None) -> Sources:
    """Raises ValueError or OSError with what to do next."""
    template = os.environ.get("LEDGER_AUDITOR_DSN")
    if data is None and template is not None:
        kafka = KafkaSettings()
        return Sources(
            {service: template.replace("{service}", service.value) for service in ServiceName},
            kafka.kafka(),
            os.environ.get("LEDGER_TOPIC", TOPIC),
            load_trust(Path(os.environ["LEDGER_TRUST_FILE"])),
        )
    stack = state.load(data or state.DEFAULT_DATA)
    return Sources(
        {service: stack.services[service.value].auditor_dsn for service in ServiceName},
        stack.broker.client(),
        stack.topic,
        load_trust(stack.trust_file),
    )


def open_as_services(data: Path | None) -> Sources:
    """The same places as the services themselves reach them, who may write there. Raises
    StackError, or KeyError naming the variable that is not set."""
    if data is None and "LEDGER_INTAKE_DSN" in os.environ:
        kafka = KafkaSettings()
        return Sources(
            {service: os.environ[f"LEDGER_{service.upper()}_DSN"] for service in ServiceName},
            kafka.kafka(),
            kafka.topic,
            load_trust(Path(os.environ["LEDGER_TRUST_FILE"])),
        )
    stack = state.load(data or state.DEFAULT_DATA)
    return Sources(
        {
            service: stack.services[service.value].env["LEDGER_DATABASE_DSN"]
            for service in ServiceName
        },
        stack.broker.client(),
        stack.topic,
        load_trust(stack.trust_file),
    )
