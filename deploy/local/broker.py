"""How a client reaches the stack's Kafka: its address, and the credentials without which it is
refused."""

import logging
from dataclasses import dataclass, field
from typing import Final

USER: Final = "ledger"


@dataclass(frozen=True, slots=True)
class Broker:
    """`password` None: a broker that takes anybody, as a stack of an earlier version ran, and the
    tests' own."""

    bootstrap: str
    password: str | None = field(default=None, repr=False)

    def client(self) -> dict[str, str]:
        """What every aiokafka client takes to connect."""
        if self.password is None:
            return {"bootstrap_servers": self.bootstrap}
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": USER,
            "sasl_plain_password": self.password,
        }

    def settings(self) -> dict[str, str]:
        """The same as a service's environment."""
        if self.password is None:
            return {
                "LEDGER_KAFKA_BOOTSTRAP": self.bootstrap,
                "LEDGER_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
            }
        return {
            "LEDGER_KAFKA_BOOTSTRAP": self.bootstrap,
            "LEDGER_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "LEDGER_KAFKA_SASL_MECHANISM": "PLAIN",
            "LEDGER_KAFKA_SASL_USERNAME": USER,
            "LEDGER_KAFKA_SASL_PASSWORD": self.password,
        }


def _is_not_about_loopback(record: logging.LogRecord) -> bool:
    """aiokafka warns at each connection that a password goes out in the clear; these do not leave
    the machine."""
    return "in the clear" not in record.getMessage()


logging.getLogger("aiokafka.conn").addFilter(_is_not_about_loopback)
