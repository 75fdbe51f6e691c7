"""One real Postgres and one real Kafka for a whole test session, shared by its workers.

`python -m tests.integration.servers PID FOLDER` runs both, writes their addresses to FOLDER, and
ends when the session's process PID ends, however it ends. They are the embedded ones, or with
LEDGER_TEST_CONTAINERS=1 containers of the official images."""

import asyncio
import contextlib
import fcntl
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from deploy.local import kafka, postgres
from deploy.local.broker import Broker
from deploy.local.child import Child
from deploy.local.environment import of_server
from deploy.local.ports import HOST, OFFSETS

ROOT = Path(__file__).parents[2]
READY_WITHIN = 120.0
SUPERUSER = "postgres"


@dataclass(frozen=True, slots=True)
class Servers:
    admin_dsn: str
    bootstrap: str


@contextlib.contextmanager
def shared() -> Iterator[Servers]:
    """The session's servers: started by the worker that comes first, ended with the session."""
    folder = session_folder()
    with alone(folder):
        if not (folder / "servers.json").exists():
            _start(folder)
    yield Servers(**json.loads((folder / "servers.json").read_text(encoding="utf-8")))
    if not _is_worker():
        _end(folder)


def session_folder() -> Path:
    """One folder for all workers of this session. Named by the process that ends last: under xdist
    the one that started us."""
    folder = (
        Path(tempfile.gettempdir())
        / f"incident-ledger-tests-{os.getppid() if _is_worker() else os.getpid()}"
    )
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return folder


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One worker at a time."""
    with (folder / "lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def free_base() -> int:
    """A port base of which every port is free, below the range from which the kernel gives ports to
    clients."""
    for base in random.sample(range(19000, 32000, 100), 100):
        if all(is_free(base + offset) for offset in OFFSETS.values()):
            return base
    raise AssertionError("no free ports")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def _start(folder: Path) -> None:
    session = os.getppid() if _is_worker() else os.getpid()
    with (folder / "log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", __name__, str(session), str(folder)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert keeper.stdout is not None
    with keeper.stdout as ready:
        ready.readline()
    if not (folder / "servers.json").exists():
        raise RuntimeError(
            f"the test servers did not start:\n{(folder / 'log').read_text(encoding='utf-8')}"
        )
    (folder / "keeper").write_text(str(keeper.pid), encoding="ascii")


def _end(folder: Path) -> None:
    keeper = psutil.Process(int((folder / "keeper").read_text(encoding="ascii")))
    keeper.terminate()
    keeper.wait(60)


async def _keep(session: psutil.Process, folder: Path) -> None:
    """Runs the servers until the session ends."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    provider = _containers if os.environ.get("LEDGER_TEST_CONTAINERS") == "1" else _embedded
    async with provider(folder) as servers:
        partial = folder / "servers.json.new"
        partial.write_text(json.dumps(asdict(servers)), encoding="utf-8")
        partial.replace(folder / "servers.json")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while (
            session.is_running() and session.status() != psutil.STATUS_ZOMBIE and not stop.is_set()
        ):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.2)


@contextlib.asynccontextmanager
async def _embedded(folder: Path) -> AsyncIterator[Servers]:
    password, address = secrets.token_urlsafe(12), Broker(f"{HOST}:{free_port()}")
    database, broker = await asyncio.gather(
        asyncio.to_thread(postgres.prepare, folder, free_port(), password, _say),
        asyncio.to_thread(kafka.prepare, folder, address, free_port(), _say),
    )
    servers = Servers(database.dsn(postgres.SUPERUSER, password, "postgres"), broker.bootstrap)
    children = (
        Child(
            *(
                "postgres",
                database.command(),
                of_server(),
                folder / "postgres.log",
                folder,
            ),
            stop_signal=signal.SIGINT,
            account=database.account.popen if database.account is not None else {},
        ),
        Child("kafka", broker.command(), of_server(), folder / "kafka.log", broker.folder),
    )
    keepers = [asyncio.create_task(child.keep(lambda: None)) for child in children]
    try:
        await _until(lambda: postgres.answers(servers.admin_dsn))
        await _until(lambda: kafka.answers(Broker(servers.bootstrap)))
        yield servers
    finally:
        await asyncio.gather(*(child.end() for child in children))
        await asyncio.gather(*keepers)
        postgres.remove(folder)


@contextlib.asynccontextmanager
async def _containers(folder: Path) -> AsyncIterator[Servers]:
    # The containers end with us; the reaper would be one more image to fetch. Their ports are
    # published on this host, which is also where Kafka is told to say that it is.
    for name, value in (
        ("RYUK_DISABLED", "true"),
        ("CONNECTION_MODE", "docker_host"),
        ("HOST_OVERRIDE", HOST),
    ):
        os.environ.setdefault(f"TESTCONTAINERS_{name}", value)
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy
    from testcontainers.postgres import PostgresContainer

    port = free_port()
    properties = {
        **kafka.PROPERTIES,
        **kafka.guarded(("CONTROLLER", "PLAINTEXT"), None),
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.quorum.voters": "1@localhost:9093",
    }
    broker: Any = DockerContainer("apache/kafka:4.3.1").with_bind_ports(9092, port)
    for name, value in properties.items():
        broker = broker.with_env(f"KAFKA_{name.upper().replace('.', '_')}", value)
    broker = broker.waiting_for(LogMessageWaitStrategy("Kafka Server started"))
    database: Any = PostgresContainer(
        "postgres:18", username=SUPERUSER, dbname="postgres", driver=None
    )
    database = database.with_command("postgres -c max_connections=200")
    with contextlib.ExitStack() as running:
        await asyncio.gather(
            asyncio.to_thread(running.enter_context, broker),
            asyncio.to_thread(running.enter_context, database),
        )
        servers = Servers(database.get_connection_url(driver=None), f"{HOST}:{port}")
        await _until(lambda: postgres.answers(servers.admin_dsn))
        await _until(lambda: kafka.answers(Broker(servers.bootstrap)))
        yield servers


async def _until(answers: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(READY_WITHIN):
        while not await answers():
            await asyncio.sleep(0.05)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    folder = Path(sys.argv[2])
    try:
        asyncio.run(_keep(psutil.Process(int(sys.argv[1])), folder))
    finally:
        (folder / "servers.json").unlink(missing_ok=True)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
