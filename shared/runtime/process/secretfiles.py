"""Files that hold a random secret: who may open them, how long they are, and how they are read."""

import stat
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, FilePath

SHORTEST: Final = 32
"""Bytes of a secret: fewer could be tried one by one."""


def _kept_secret(file: FilePath) -> FilePath:
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError("others than its owner may open it; chmod 600")
    if len(secret_in(file)) < SHORTEST:
        raise ValueError(f"must hold at least {SHORTEST} random bytes: openssl rand -hex 32")
    return file


SecretFile = Annotated[FilePath, AfterValidator(_kept_secret)]


def secret_in(file: Path) -> bytes:
    """The secret, without the blanks and line ends around it. Raises OSError."""
    return file.read_bytes().strip()
