"""A service's settings: all from the environment, read once in `__main__`, no default where it is a
secret."""

import ssl
import sys
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, Field, FilePath, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contract.topics import TOPIC
from shared.runtime.process.secretfiles import SecretFile

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

    kafka_bootstrap: str = Field(
        min_length=1, description="host:port of one or more brokers, separated by commas"
    )
    kafka_security_protocol: SecurityProtocol = Field(
        SecurityProtocol.PLAINTEXT, description="how the broker is spoken to"
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        SaslMechanism.SCRAM_SHA_512, description="with SASL: how the service proves who it is"
    )
    kafka_sasl_username: str | None = Field(None, description="with SASL: the user")
    kafka_sasl_password: SecretStr | None = Field(None, description="with SASL: the password")
    kafka_ca_file: FilePath | None = Field(
        None, description="with SSL: the certificates that are believed, PEM; default: the system's"
    )
    kafka_cert_file: FilePath | None = Field(
        None, description="with SSL: the client's own certificate, PEM"
    )
    kafka_key_file: FilePath | None = Field(
        None, description="with SSL: the key of the client's own certificate, PEM"
    )
    topic: str = Field(TOPIC, description="the topic of all events")

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> Self:
        named = self.kafka_sasl_username and self.kafka_sasl_password
        if self.kafka_security_protocol.startswith("SASL") and not named:
            raise ValueError(
                f"LEDGER_KAFKA_SASL_USERNAME and LEDGER_KAFKA_SASL_PASSWORD: "
                f"{self.kafka_security_protocol} needs both"
            )
        return self

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
        if self.kafka_security_protocol in {
            SecurityProtocol.SASL_PLAINTEXT,
            SecurityProtocol.SASL_SSL,
        }:
            arguments |= {
                "sasl_mechanism": self.kafka_sasl_mechanism.value,
                "sasl_plain_username": self.kafka_sasl_username,
                "sasl_plain_password": self.kafka_sasl_password.get_secret_value()
                if self.kafka_sasl_password
                else None,
            }
        return arguments


def _postgres(dsn: SecretStr) -> SecretStr:
    if not dsn.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must begin with postgresql://")
    return dsn


def _not_in_the_clear(jwks: str) -> str:
    if "://" in jwks and not jwks.startswith("https://"):
        raise ValueError(
            "must be a path or an https URL: whoever can change it on its way can be anybody"
        )
    return jwks


class ServiceSettings(KafkaSettings):
    """What every service needs; a service with more of its own subclasses it."""

    database_dsn: Annotated[SecretStr, AfterValidator(_postgres)] = Field(
        description="postgresql://<service>_service:…@host:port/incident_<service>"
    )
    signing_key_file: FilePath = Field(
        description="the service's Ed25519 signing key, readable by it alone"
    )
    trust_file: FilePath = Field(description="whose signatures count, and from which number on")
    pseudonym_key_file: SecretFile = Field(
        description="a random secret, the same for all services and kept by them alone (mode "
        "0600), under which persons have their pseudonyms: openssl rand -hex 32. Never change it: "
        "everybody would be somebody else"
    )
    jwks: Annotated[str, AfterValidator(_not_in_the_clear)] = Field(
        min_length=1,
        description="path or https URL of the JSON Web Key Set that tokens are signed with",
    )
    jwks_ca_file: FilePath | None = Field(
        None, description="the authority that certifies the key set's server, if it is your own"
    )
    jwt_issuer: str = Field(min_length=1, description="the `iss` that tokens must carry")
    jwt_audience: str = Field(
        "incident-ledger", min_length=1, description="the `aud` that tokens must carry"
    )
    jwt_lifetime: int = Field(
        24 * 3600, ge=60, le=366 * 24 * 3600, description="seconds that a token may hold at most"
    )
    http_host: str = Field("127.0.0.1", description="the address to listen on")
    http_port: int = Field(ge=0, le=65535, description="the port to listen on")
    health_port: int | None = Field(
        None, ge=0, le=65535, description="a port on which health alone is answered"
    )
    log_format: LogFormat = Field(LogFormat.JSON, description="of the process's own log")


def load(settings: type[S]) -> S:
    """Reads the environment; ends the process with one line per variable that is missing or
    wrong."""
    try:
        return settings()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            print(_line(settings, problem), file=sys.stderr)  # noqa: T201
        sys.exit(
            "Put this right in the environment and start again; deploy/SETTINGS.md explains each."
        )


def _line(settings: type[BaseSettings], problem: ErrorDetails) -> str:
    said = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return said
    name = str(problem["loc"][0])
    what = "is not set" if problem["type"] == "missing" else said
    field = settings.model_fields.get(name)
    hint = f"; it is {field.description}" if field is not None and field.description else ""
    return f"LEDGER_{name.upper()}: {what}{hint}"
