"""What a stack is while it runs: addresses, settings and processes, kept in `stack.json` of its
data folder (mode 0600).

`ledger up` writes it; every other command reads it with `load`.
"""

import time
from pathlib import Path
from typing import Final

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.local.broker import Broker
from deploy.local.errors import StackError
from deploy.local.folder import hint
from deploy.local.keys import Keys, write_secret

DEFAULT_DATA: Final = Path(".ledger")
FILE: Final = "stack.json"
LOOK_EVERY: Final = 0.02
SAME_START: Final = 2.0
"""Seconds by which a process's start may seem to move when the clock is set."""


class NoStack(StackError):
    """No stack runs on that data folder."""


class Process(BaseModel):
    """A process, told by its start from another that was given the same number later."""

    model_config = ConfigDict(frozen=True)

    pid: int
    created: float
    restarts: int = 0

    @classmethod
    def of(cls, pid: int, restarts: int = 0) -> "Process":
        return cls(pid=pid, created=psutil.Process(pid).create_time(), restarts=restarts)

    def running(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            if (
                abs(process.create_time() - self.created) > SAME_START
                or process.status() == psutil.STATUS_ZOMBIE
            ):
                return None
        except psutil.NoSuchProcess:
            return None
        return process

    def gone(self, within: float) -> bool:
        """Waits for its end. A process that ended and whose parent has not yet heard of it is gone,
        unlike for `psutil`'s own wait."""
        end = time.monotonic() + within
        while self.running() is not None:
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_EVERY)
        return True


class LocalService(BaseModel):
    """One service: where it answers, the environment it was started with, and how an auditor reads
    its database."""

    model_config = ConfigDict(frozen=True)

    url: str
    env: dict[str, str] = Field(repr=False)
    auditor_dsn: str = Field(repr=False)
    owner_dsn: str = Field(repr=False)
    log: Path

    @property
    def health_url(self) -> str:
        """Where it tells its health: on a port of its own, unless an earlier version started it,
        which had none."""
        host, _, port = self.url.rpartition(":")
        return f"{host}:{self.env.get('LEDGER_HEALTH_PORT', port)}"


class Stack(BaseModel):
    """A local stack. What is secret is left out where it is printed, not where it is saved."""

    model_config = ConfigDict(frozen=True)

    data: Path
    port_base: int
    supervisor: Process
    processes: dict[str, Process] = {}
    services: dict[str, LocalService]
    admin_dsn: str = Field(repr=False)
    kafka_bootstrap: str
    kafka_password: str | None = Field(None, repr=False)
    topic: str
    trust_file: Path
    log_vkey: Path
    jwks_file: Path
    token_key_file: Path

    @property
    def keys(self) -> Keys:
        """Where its secrets lie."""
        return Keys.of(self.data)

    @property
    def inbox(self) -> Path:
        """Where the messages arrive that notify sends by the channel a stack begins with."""
        return self.data / "inbox"

    @property
    def postgres(self) -> str:
        """host:port, without what lets one in."""
        return self.admin_dsn.partition("@")[2].partition("/")[0]

    @property
    def broker(self) -> Broker:
        """How a client reaches its Kafka."""
        return Broker(self.kafka_bootstrap, self.kafka_password)

    def save(self) -> None:
        write_secret(self.data / FILE, self.model_dump_json(indent=2))

    def forget(self) -> None:
        (self.data / FILE).unlink(missing_ok=True)


def load(data: Path = DEFAULT_DATA) -> Stack:
    """The running stack of a data folder. Raises NoStack when none runs there."""
    stack = recorded(data)
    if stack is None:
        raise NoStack(
            f"no stack runs on {data}; start one with: {hint('ledger up --detach', data)}"
        )
    if stack.supervisor.running() is None:
        raise NoStack(
            f"the stack on {data} was cut off; "
            f"start it again with: {hint('ledger up --detach', data)}"
        )
    return stack


def recorded(data: Path) -> Stack | None:
    """What the last `ledger up` wrote, whether it still runs or not. A clean end leaves nothing."""
    try:
        text = (data.absolute() / FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise StackError(
            f"{data / FILE} cannot be read; use the account that ran ledger up"
        ) from error
    try:
        return Stack.model_validate_json(text)
    except ValidationError as error:
        raise StackError(
            f"{data / FILE} is damaged; end its processes, remove it and run ledger up again"
        ) from error
