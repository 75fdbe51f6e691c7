"""One entry of the channels file, as somebody wrote it."""

import ssl
from functools import cache
from pathlib import Path
from typing import Annotated, Final

import certifi
from pydantic import BaseModel, ConfigDict, Field

LONGEST: Final = 25.0
"""Most seconds that a channel may wait for one answer: a mail waits twice, and the sender for no
channel longer than a minute."""


class Entry(BaseModel):
    """A URL alone is the same as an object with nothing but the URL."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    url: str = Field(repr=False, min_length=1, max_length=2000)
    secret: str | None = Field(default=None, repr=False)
    """Signs a webhook: `whsec_` and base64 of 24 to 64 bytes."""
    allow_private: bool = False
    """Whether the host of the URL may have an address inside a network."""
    proxy: str | None = Field(default=None, repr=False)
    ca_file: str | None = None
    """PEM: the authorities that the server's certificate must lead to, instead of the public
    ones."""
    timeout: Annotated[float, Field(gt=0, le=LONGEST, strict=False)] | None = None
    """Seconds to wait for an answer."""

    def trusted(self) -> ssl.SSLContext:
        return trusted(self.ca_file)

    def forbid(self, *keys: str, kind: str) -> None:
        """Raises ValueError when a key is set that this kind of channel cannot heed."""
        if wrong := [key for key in keys if getattr(self, key) not in (None, False)]:
            raise ValueError(f"{kind} takes no {wrong[0]!r}; take it out")


@cache
def trusted(ca_file: str | None) -> ssl.SSLContext:
    """Trust for TLS connections. `ssl.create_default_context` would read SSL_CERT_FILE,
    SSL_CERT_DIR and SSLKEYLOGFILE from the environment; this reads nothing. Raises ValueError when
    the file cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=ca_file or certifi.where())
    except (OSError, ssl.SSLError):
        raise ValueError(f"its ca_file {Path(ca_file or '')} is not a readable PEM file") from None
    return context
