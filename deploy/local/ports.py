"""Which port each process of a stack listens on; all on 127.0.0.1."""

import errno
import socket
from dataclasses import dataclass
from typing import Final

import psutil

from deploy.local.errors import StackError

HOST: Final = "127.0.0.1"
DEFAULT_BASE: Final = 18000
LOWEST: Final = 1024
OFFSETS: Final = {
    "postgres": 0,
    "kafka": 1,
    "kafka-controller": 2,
    "inbox": 3,
    "intake": 10,
    "intake-health": 19,
    "triage": 20,
    "triage-health": 29,
    "notify": 30,
    "notify-health": 39,
    "review": 40,
    "review-health": 49,
}
"""The hole after each service leaves room for a replica started by hand."""
HIGHEST: Final = 65535 - max(OFFSETS.values())
"""The highest base with which every port is one."""


@dataclass(frozen=True, slots=True)
class Ports:
    base: int

    def __getitem__(self, name: str) -> int:
        return self.base + OFFSETS[name]

    def require_free(self) -> None:
        """Raises StackError that names the first busy port, who has it, and the way out."""
        if not LOWEST <= self.base <= HIGHEST:
            raise StackError(f"--port-base {self.base}: choose a number from {LOWEST} to {HIGHEST}")
        for name in OFFSETS:
            if _busy(self[name]):
                raise StackError(
                    f"port {self[name]} ({name}) is in use{_by_whom(self[name])}; "
                    f"end that, or choose other ports with --port-base"
                )


def _busy(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return True
            raise
    return False


def _by_whom(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.pid
                and connection.laddr[1:] == (port,)
            ):
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass  # other people's processes are not ours to see; the port's number must do
    return ""
