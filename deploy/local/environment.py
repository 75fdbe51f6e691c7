"""The environments of the stack's processes. Each is built from a list of names that pass; nothing
else of the shell reaches a process."""

import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from deploy.local.broker import Broker
from deploy.local.keys import JWT_AUDIENCE, JWT_ISSUER, LOG_ORIGIN, Keys
from deploy.local.ports import HOST
from shared.contract.topics import TOPIC
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.surroundings import CERTIFICATES, FOREIGN, PROXIES

BASE: Final = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
TELEMETRY: Final = (
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_EXPORTER_OTLP_*",
    "OTEL_BSP_*",
    "OTEL_METRIC_EXPORT_*",
)
"""Where somebody wants traces and metrics to go; the services document these."""
DOWNLOADS: Final = ("M2_REPO", "JGO_*", *FOREIGN[PROXIES], *FOREIGN[CERTIFICATES])
"""For the supervisor alone, which downloads Kafka's jars on the first run."""
FIXED: Final = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def settings_of(
    service: ServiceName,
    keys: Keys,
    database_dsn: str,
    broker: Broker,
    port: int,
    topic: str = TOPIC,
    health_port: int | None = None,
) -> dict[str, str]:
    """One service's settings, as the process environment holds them."""
    settings = {
        "LEDGER_DATABASE_DSN": database_dsn,
        **broker.settings(),
        "LEDGER_TOPIC": topic,
        "LEDGER_SIGNING_KEY_FILE": str(keys.signing_key(service)),
        "LEDGER_TRUST_FILE": str(keys.trust_file),
        "LEDGER_PSEUDONYM_KEY_FILE": str(keys.pseudonym_key),
        "LEDGER_JWKS": str(keys.jwks),
        "LEDGER_JWT_ISSUER": JWT_ISSUER,
        "LEDGER_JWT_AUDIENCE": JWT_AUDIENCE,
        "LEDGER_HTTP_HOST": HOST,
        "LEDGER_HTTP_PORT": str(port),
        "LEDGER_LOG_FORMAT": "json",
        # Modules are not imported from the folder that a service runs in.
        "PYTHONSAFEPATH": "1",
        # Each of the threads that check signatures would keep its peak of memory.
        "MALLOC_ARENA_MAX": "1",
        **_own_settings(service, keys),
    }
    if health_port is not None:
        settings["LEDGER_HEALTH_PORT"] = str(health_port)
    return settings


def _own_settings(service: ServiceName, keys: Keys) -> dict[str, str]:
    """The settings that one service alone has."""
    if service is ServiceName.REVIEW:
        return {
            "LEDGER_LOG_STORE": str(keys.log_store),
            "LEDGER_LOG_KEY_FILE": str(keys.log_key),
            "LEDGER_LOG_ORIGIN": LOG_ORIGIN,
            "LEDGER_LOG_POLICY_FILE": str(keys.log_policy),
            "LEDGER_LOG_OPEN": "false",
        }
    if service is ServiceName.INTAKE:
        return {"LEDGER_ANONYMITY_KEY_FILE": str(keys.anonymity_key)}
    if service is ServiceName.NOTIFY:
        return {"LEDGER_CHANNELS_FILE": str(keys.channels)}
    return {}


def of_service(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service with these settings."""
    return {**_passing((*BASE, *TELEMETRY)), **FIXED, **settings}


def of_supervisor() -> dict[str, str]:
    """The environment of a supervisor that runs on after `ledger up --detach`."""
    return {**_passing((*BASE, *TELEMETRY, *DOWNLOADS)), **FIXED}


def of_server() -> dict[str, str]:
    """The environment of Postgres and of Kafka. Java opens folders by this locale's encoding."""
    return {"PATH": os.environ.get("PATH", os.defpath), **FIXED}


def _passing(names: Iterable[str]) -> dict[str, str]:
    patterns = tuple(names)
    return {
        name: value
        for name, value in os.environ.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
        or (name.upper() in patterns and name.upper() in FOREIGN[PROXIES])
    }
