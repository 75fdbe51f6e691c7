"""A listener that nobody should ever reach, and a shell whose every variable leads there or breaks
the program that obeys it."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.ports import HOST


@dataclass(slots=True)
class Trap:
    """Records the first bytes of whatever connects."""

    port: int
    caught: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def trap() -> Iterator[Trap]:
    """Listens for as long as the body runs."""
    with socket.create_server((HOST, 0)) as server:
        set_up = Trap(server.getsockname()[1])

        def listen() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    caller.settimeout(2)
                    with contextlib.suppress(OSError):
                        set_up.caught.append(caller.recv(400))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield set_up
        server.shutdown(socket.SHUT_RDWR)
        listener.join(5)


def hostile(trapped: Trap, folder: Path) -> dict[str, str]:
    """A shell's environment: ours, and on top every variable that a library of ours reads by
    itself."""
    address, nowhere = f"http://{HOST}:{trapped.port}", str(folder / "nowhere")
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "WS_PROXY", "WSS_PROXY")
    return {
        **os.environ,
        **dict.fromkeys(proxies, address),
        **{name.lower(): address for name in proxies},
        "NO_PROXY": "",
        "no_proxy": "",
        **dict.fromkeys(("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"), nowhere),
        **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"), nowhere),
        **dict.fromkeys(("PGHOST", "PGHOSTADDR"), HOST),
        "PGPORT": str(trapped.port),
        "PGUSER": "nobody",
        "PGPASSWORD": "wrong",
        "PGDATABASE": "nowhere",
        "PGSERVICE": "nowhere",
        "PGSERVICEFILE": nowhere,
        "PGPASSFILE": nowhere,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": nowhere,
        "PGTARGETSESSIONATTRS": "standby",
        "PGOPTIONS": "-c default_transaction_read_only=on",
        "PGCONNECT_TIMEOUT": "soon",
        "PGCLIENTENCODING": "LATIN1",
        "PGDATA": nowhere,
        "JAVA_TOOL_OPTIONS": "-Xmx1m",
        "_JAVA_OPTIONS": "-Xmx1m",
        "JDK_JAVA_OPTIONS": "-version",
        "CLASSPATH": nowhere,
        "KAFKA_OPTS": "-version",
        "KAFKA_HEAP_OPTS": "-Xmx1m",
        "LOG_DIR": nowhere,
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
        "OTEL_PYTHON_CONTEXT": "nowhere",
        "OTEL_PYTHON_ID_GENERATOR": "nowhere",
        "OTEL_PROPAGATORS": "nowhere",
        "APPRISE_CONFIG_PATH": nowhere,
        "APPRISE_PLUGIN_PATH": nowhere,
        "WEB_CONCURRENCY": "many",
        "FORWARDED_ALLOW_IPS": "*",
        "UVICORN_PORT": str(trapped.port),
        "PYTHONPATH": nowhere,
        "PYTHONASYNCIODEBUG": "1",
        "PYTHONIOENCODING": "latin-1",
        "LEDGER_DATABASE_DSN": f"postgresql://x@{HOST}:{trapped.port}/x",
        "LEDGER_KAFKA_BOOTSTRAP": f"{HOST}:{trapped.port}",
        "LEDGER_HTTP_PORT": str(trapped.port),
    }
