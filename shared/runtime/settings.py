"""A service's settings: all from the environment, read once in `__main__`, no default where it is a secret."""

import ssl
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contract.topics import TOPIC

S = TypeVar("S", bound=BaseSettings)


class SecurityProtocol(StrEnum):
    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


class KafkaSettings(BaseSettings):
    """How to reach the broker."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", extra="ignore")

    kafka_bootstrap: str = Field(description="host:port of one or more brokers, separated by commas")
    kafka_security_protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    kafka_sasl_mechanism: SaslMechanism = SaslMechanism.SCRAM_SHA_512
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    kafka_cert_file: Path | None = None
    kafka_key_file: Path | None = None
    topic: str = TOPIC

    def kafka(self) -> dict[str, Any]:
        """What every aiokafka client takes to connect."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.kafka_bootstrap,
            "security_protocol": self.kafka_security_protocol.value,
        }
        if self.kafka_security_protocol in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}:
            context = ssl.create_default_context(cafile=self.kafka_ca_file)
            if self.kafka_cert_file is not None:
                context.load_cert_chain(self.kafka_cert_file, self.kafka_key_file)
            arguments["ssl_context"] = context
        if self.kafka_security_protocol in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL}:
            arguments |= {
                "sasl_mechanism": self.kafka_sasl_mechanism.value,
                "sasl_plain_username": self.kafka_sasl_username,
                "sasl_plain_password": self.kafka_sasl_password.get_secret_value()
                if self.kafka_sasl_password
                else None,
            }
        return arguments


class ServiceSettings(KafkaSettings):
    """What every service needs; a service with more of its own subclasses it."""

    database_dsn: SecretStr = Field(description="postgresql://<service>_service:…@host:port/incident_<service>")
    signing_key_file: Path = Field(description="the service's Ed25519 signing key, readable by it alone")
    trust_file: Path = Field(description="whose signatures count, and from which number on")
    jwks: str = Field(description="path or https URL of the JSON Web Key Set that tokens are signed with")
    jwt_issuer: str = Field(description="the `iss` that tokens must carry")
    jwt_audience: str = "incident-ledger"
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=0, le=65535)
    log_format: LogFormat = LogFormat.JSON


def load(settings: type[S]) -> S:
    """Reads the environment; ends the process with one line per variable that is missing or wrong."""
    try:
        return settings()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = str(problem["loc"][0])
            field = settings.model_fields.get(name)
            hint = f" ({field.description})" if field is not None and field.description else ""
            print(f"LEDGER_{name.upper()}: {problem['msg']}{hint}", file=sys.stderr)  # noqa: T201
        sys.exit("set these in the environment and start again; the README's settings table explains each")
