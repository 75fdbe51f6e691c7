"""Intake's own settings beside those of every service."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from shared.runtime.process.secretfiles import SecretFile, secret_in
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.running import Running


class IntakeSettings(ServiceSettings):
    anonymity_key_file: SecretFile = Field(
        description="a random secret, readable by intake alone (mode 0600), without which the "
        "database does not tell who sent an anonymous report: openssl rand -hex 32"
    )


@dataclass(frozen=True, slots=True)
class Secrets:
    """What intake alone knows."""

    anonymity_key: bytes = field(repr=False)


@contextlib.asynccontextmanager
async def open_secrets(settings: IntakeSettings) -> AsyncIterator[Secrets]:
    """The secrets, for as long as the service runs."""
    yield Secrets(secret_in(settings.anonymity_key_file))


def secret_of(process: Running[Any, Any, Secrets]) -> bytes:
    """The secret that this process was started with."""
    return process.resources.anonymity_key
