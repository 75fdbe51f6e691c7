"""The command lines and configurations of Postgres and Kafka."""

from pathlib import Path

import pytest

from deploy.local import kafka, postgres
from deploy.local.broker import Broker
from deploy.local.errors import StackError
from deploy.local.kafka import Kafka, guarded
from deploy.local.postgres import Postgres
from tests.unit.deploy.test_properties import loaded

ODD = ["two words", "é", "a,b", "a\\b", "a:b=c", "50%", "😀", "#x", "x" * 200]


@pytest.mark.parametrize("name", ODD)
def test_no_folders_name_stands_in_kafkas_configuration(name: str) -> None:
    """It splits folders at commas, and reads backslashes as its own."""
    server = Kafka(Path("/data") / name, "jars", Broker("127.0.0.1:1", "secret"), 2)
    assert server.properties()["log.dirs"] == "log"
    assert all(name not in value for value in server.properties().values())
    assert server.command()[-2:] == ["kafka.Kafka", "server.properties"]


@pytest.mark.parametrize("name", ODD)
def test_postgres_gets_its_folder_as_one_argument(name: str) -> None:
    command = Postgres(Path("/data") / name, Path("/bin"), None, 5432).command()
    assert command[command.index("-D") + 1] == f"/data/{name}"


def test_every_listener_of_a_guarded_broker_asks_for_the_password() -> None:
    told = Kafka(Path("/data"), "", Broker("127.0.0.1:1", "secret"), 2).properties()
    listeners = {part.partition(":")[0] for part in told["listeners"].split(",")}
    protocols = dict(part.split(":") for part in told["listener.security.protocol.map"].split(","))
    assert protocols == dict.fromkeys(listeners, "SASL_PLAINTEXT")
    for listener in listeners:
        login = told[f"listener.name.{listener.lower()}.plain.sasl.jaas.config"]
        assert 'user_ledger="secret"' in login


def test_a_broker_without_a_password_takes_anybody_and_says_nothing_of_logins() -> None:
    assert guarded(("A", "B"), None) == {
        "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT"
    }


def test_kafkas_file_holds_what_was_meant_and_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka.jars, "class_path", lambda _: [Path("/m2/kafka.jar")])
    (tmp_path / "kafka" / "log").mkdir(parents=True)
    (tmp_path / "kafka" / "log" / "meta.properties").touch()
    server = kafka.prepare(tmp_path, Broker("127.0.0.1:1", "secret"), 2, lambda _: None)
    assert loaded(server.properties_file.read_text(encoding="ascii")) == server.properties()
    assert server.properties_file.stat().st_mode & 0o077 == 0


def test_a_folder_of_jars_that_java_cannot_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka.jars, "class_path", lambda _: [Path("/m:2/kafka.jar")])
    with pytest.raises(StackError, match="set M2_REPO to a folder without"):
        kafka.prepare(tmp_path, Broker("127.0.0.1:1"), 2, lambda _: None)


def test_postgres_logs_no_values() -> None:
    assert (
        postgres.OPTIONS.items()
        >= {
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
            "log_statement": "none",
        }.items()
    )


def test_the_brokers_password_is_in_no_repr() -> None:
    assert "secret" not in repr(Broker("127.0.0.1:1", "secret"))
