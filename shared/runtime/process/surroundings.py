"""Environment variables that libraries obey without being asked: proxies, certificate stores,
database defaults.

A process of ours takes settings from LEDGER_*, OTEL_* and a store's AWS_* alone. Everything below
is removed before the first client is made: a shell prepared for something else cannot send a token
through its proxy, nor lead to another database. `early` does it for the services, and the `ledger`
command for itself.
"""

import os
from collections.abc import Iterable, Mapping, MutableMapping
from fnmatch import fnmatchcase
from typing import Final

PROXIES: Final = "proxies (httpx, requests, obstore)"
CERTIFICATES: Final = "certificate stores (OpenSSL, requests, httpx)"
FOREIGN: Final[Mapping[str, tuple[str, ...]]] = {
    PROXIES: (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "FTP_PROXY",
        "WS_PROXY",
        "WSS_PROXY",
        "NO_PROXY",
    ),
    CERTIFICATES: (
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ),
    "OpenSSL's own": ("OPENSSL_*", "SSLKEYLOGFILE"),
    "passwords that requests and httpx take from a file": ("NETRC",),
    "PostgreSQL's clients (libpq, asyncpg)": ("PG*",),
    "Kafka and Java": (
        "KAFKA_*",
        "JAVA_*",
        "JDK_*",
        "_JAVA_OPTIONS",
        "CLASSPATH",
        "LOG_DIR",
    ),
    "apprise": ("APPRISE_*",),
    "OpenTelemetry's own plugins": ("OTEL_PYTHON_*", "OTEL_PROPAGATORS", "OTEL_CONFIG_FILE"),
    "uvicorn and asyncio": ("WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "UVICORN_*"),
}
"""Shell patterns by the library that reads them, in capitals; a proxy counts in any case."""


def is_foreign(name: str, families: Iterable[str] = FOREIGN) -> bool:
    """Whether a library of one of these families would obey this variable by itself."""
    return any(
        fnmatchcase(name.upper(), pattern) for family in families for pattern in FOREIGN[family]
    )


def forget_foreign(
    environ: MutableMapping[str, str] = os.environ, *, sparing: Iterable[str] = ()
) -> list[str]:
    """Removes them from this process's environment; the names that were set, sorted.

    `sparing`: families that stay. The `ledger` command spares proxies and certificates: the
    download of Kafka's jars is the one request that obeys them."""
    families = [family for family in FOREIGN if family not in set(sparing)]
    found = sorted(name for name in environ if is_foreign(name, families))
    for name in found:
        del environ[name]
    return found
