"""What ours is measured against: limits of the same parts, and what people would use instead."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from eventsourcing.application import Application, LocalNotificationLog
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from deploy.local import postgres
from deploy.local.environment import of_server
from shared.contract.topics import PARTITIONS
from shared.runtime.process import clock

ROW = "x" * 1000
"""About the size of an event."""

SCRIPT = (
    "INSERT INTO one_row (event_id, incident_id, envelope, signature) VALUES "
    "(gen_random_uuid(), gen_random_uuid(), '{}', '{}');"
)
TABLE = """CREATE TABLE one_row (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
           incident_id uuid NOT NULL, envelope bytea NOT NULL, signature bytea NOT NULL)"""


async def make_table(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLE)
    await connection.close()


async def pgbench(dsn: str, clients: int, seconds: float) -> float:
    """Transactions a second of PostgreSQL's own benchmark: one row a transaction, prepared."""
    about = conninfo_to_dict(dsn)
    with TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(SCRIPT.format(ROW, "s" * 64), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(
                str(postgres.binaries() / "pgbench"),
                "--no-vacuum",
                "--protocol=prepared",
                f"--file={script}",
            ),
            *(f"--client={clients}", "--jobs=2", f"--time={max(3, round(seconds))}"),
            *(
                "-h",
                str(about["host"]),
                "-p",
                str(about["port"]),
                "-U",
                str(about["user"]),
                str(about["dbname"]),
            ),
            env={**of_server(), "PGPASSWORD": str(about["password"])},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
    found = re.search(r"tps = ([\d.]+)", out.decode())
    assert found is not None, errors.decode()
    return float(found[1])


async def one_row_inserts(connection: Any, count: int) -> list[float]:
    """Seconds that each INSERT of one row took, from call to answer."""
    statement = await connection.prepare(
        "INSERT INTO one_row (event_id, incident_id, envelope, signature) VALUES ($1, $2, $3, $4)"
    )
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        await statement.fetch(clock.new_id(), clock.new_id(), ROW.encode(), b"s" * 64)
        seconds.append(time.perf_counter() - start)
    return seconds


class Report(Aggregate):
    """An incident of the library's, with the same words in it as one of ours."""

    @event("Reported")
    def __init__(self, description: str) -> None:
        self.description = description


@dataclass(slots=True)
class Library:
    """The eventsourcing library on the same Postgres."""

    app: Application[Any]
    log: LocalNotificationLog
    threads: ThreadPoolExecutor

    async def save_one_by_one(self, count: int) -> float:
        """Events a second: every thread saves aggregates of one event, as fast as it can."""
        workers = self.threads._max_workers

        def work() -> None:
            for _ in range(count // workers):
                self.app.save(Report(ROW))

        return await self._timed([work] * workers, count // workers * workers)

    async def save_together(self, count: int, at_once: int = 1000) -> float:
        def work() -> None:
            for start in range(0, count, at_once):
                self.app.save(*(Report(ROW) for _ in range(min(at_once, count - start))))

        return await self._timed([work], count)

    async def read_log(self, count: int) -> float:
        """Events a second: pages of the notification log, each event decoded."""
        read = 0

        def work() -> None:
            nonlocal read
            start: int | None = 1
            while start is not None:
                notifications = self.log.select(start, 1000)
                for notification in notifications:
                    self.app.mapper.to_domain_event(notification)
                read += len(notifications)
                start = notifications[-1].id + 1 if notifications else None

        rate = await self._timed([work], count)
        assert read >= count
        return rate

    async def _timed(self, works: Sequence[Any], count: int) -> float:
        loop = asyncio.get_running_loop()
        start = time.perf_counter()
        await asyncio.gather(*(loop.run_in_executor(self.threads, work) for work in works))
        return count / (time.perf_counter() - start)


@asynccontextmanager
async def library(dsn: str, threads: int = 8) -> AsyncIterator[Library]:
    about = conninfo_to_dict(dsn)
    app: Application[Any] = Application(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(about["dbname"]),
            "POSTGRES_HOST": str(about["host"]),
            "POSTGRES_PORT": str(about["port"]),
            "POSTGRES_USER": str(about["user"]),
            "POSTGRES_PASSWORD": str(about["password"]),
            "POSTGRES_POOL_SIZE": str(threads),
            "POSTGRES_MAX_OVERFLOW": str(threads),
        }
    )
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield Library(app, LocalNotificationLog(app.recorder, 1000), pool)
        finally:
            await asyncio.to_thread(app.close)


async def send_batches(
    kafka: dict[str, str], topic: str, values: Sequence[bytes], at_once: int
) -> float:
    """Messages a second of bare aiokafka: `send_batch` to every partition in turn, acknowledged,
    idempotent."""
    producer = AIOKafkaProducer(
        **kafka, acks="all", enable_idempotence=True, max_batch_size=900_000
    )
    await producer.start()
    shares = [values[number::PARTITIONS] for number in range(PARTITIONS)]
    headers = [("content-type", b"application/cloudevents+json"), ("signature", b"s" * 88)]
    try:
        start = time.perf_counter()
        for first in range(0, max(map(len, shares)), at_once):
            flying = []
            for partition, share in enumerate(shares):
                batch = producer.create_batch()
                for value in share[first : first + at_once]:
                    batch.append(key=value[:36], value=value, timestamp=None, headers=headers)
                batch.close()
                flying.append(await producer.send_batch(batch, topic, partition=partition))
            await asyncio.gather(*flying)
        return len(values) / (time.perf_counter() - start)
    finally:
        await producer.stop()
