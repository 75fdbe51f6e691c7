"""The environment that a service of the local stack is started with: every LEDGER_* setting,
nothing by default."""

import os

from deploy.local.keys import JWT_AUDIENCE, JWT_ISSUER, LOG_ORIGIN, Keys
from deploy.local.ports import HOST
from shared.contract.topics import TOPIC
from shared.contract.vocabulary import ServiceName


def settings_of(
    service: ServiceName,
    keys: Keys,
    database_dsn: str,
    bootstrap: str,
    port: int,
    topic: str = TOPIC,
    health_port: int | None = None,
) -> dict[str, str]:
    """One service's settings, as the process environment holds them."""
    settings = {
        "LEDGER_DATABASE_DSN": database_dsn,
        "LEDGER_KAFKA_BOOTSTRAP": bootstrap,
        "LEDGER_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
        "LEDGER_TOPIC": topic,
        "LEDGER_SIGNING_KEY_FILE": str(keys.signing_key(service)),
        "LEDGER_TRUST_FILE": str(keys.trust_file),
        "LEDGER_JWKS": str(keys.jwks),
        "LEDGER_JWT_ISSUER": JWT_ISSUER,
        "LEDGER_JWT_AUDIENCE": JWT_AUDIENCE,
        "LEDGER_HTTP_HOST": HOST,
        "LEDGER_HTTP_PORT": str(port),
        "LEDGER_LOG_FORMAT": "json",
        # The folder that a service runs in is no place to import from.
        "PYTHONSAFEPATH": "1",
        # The threads that check signatures would each keep some of the memory that they once
        # needed.
        "MALLOC_ARENA_MAX": "1",
    }
    if health_port is not None:
        settings["LEDGER_HEALTH_PORT"] = str(health_port)
    if service is ServiceName.REVIEW:
        settings |= {
            "LEDGER_LOG_STORE": str(keys.log_store),
            "LEDGER_LOG_KEY_FILE": str(keys.log_key),
            "LEDGER_LOG_ORIGIN": LOG_ORIGIN,
            "LEDGER_LOG_POLICY_FILE": str(keys.log_policy),
            # On the loopback interface only, where public tools read it as it is.
            "LEDGER_LOG_OPEN": "true",
        }
    if service is ServiceName.NOTIFY:
        settings["LEDGER_CHANNELS_FILE"] = str(keys.channels)
    return settings


def inherited() -> dict[str, str]:
    """Our own environment without settings that are meant for another ledger; OTEL_* pass."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
