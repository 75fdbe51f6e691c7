"""Reads the files that name whom a process believes and what it signs with."""

from pathlib import Path

from shared.chain import keyfiles
from shared.chain.keyfiles import BadKeyFile
from shared.chain.trust import Trust
from shared.tlog.keys import Signer


def load_trust(file: Path) -> Trust:
    """Raises BadTrustFile or BadKeyFile, or OSError when the file cannot be read."""
    return keyfiles.services_keys(file.read_bytes())


def load_keys(file: Path) -> list[Signer]:
    """The signing keys of a service, oldest first. Raises BadKeyFile, or OSError when the file
    cannot be read."""
    try:
        return keyfiles.signing_keys(file.read_bytes())
    except BadKeyFile as error:
        raise BadKeyFile(f"{file}: {error}") from None
