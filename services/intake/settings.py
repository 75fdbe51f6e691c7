"""Intake's own settings beside those of every service."""

import contextlib
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, FilePath

from shared.runtime.process.settings import ServiceSettings
from shared.runtime.running import Running

SHORTEST: Final = 32
"""Bytes of a secret: fewer could be tried one by one."""


def _kept_secret(file: FilePath) -> FilePath:
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError("others than its owner may open it; chmod 600")
    if len(file.read_bytes().strip()) < SHORTEST:
        raise ValueError(f"must hold at least {SHORTEST} random bytes: openssl rand -hex 32")
    return file


class IntakeSettings(ServiceSettings):
    anonymity_key_file: Annotated[FilePath, AfterValidator(_kept_secret)] = Field(
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
    yield Secrets(settings.anonymity_key_file.read_bytes().strip())


def secret_of(process: Running[Any, Any, Secrets]) -> bytes:
    """The secret that this process was started with."""
    return process.resources.anonymity_key
