"""Where commands find databases, topic and witnesses' logs: by environment, or a clear refusal."""

from pathlib import Path

import jwt
import pytest

from deploy.ledger.mend.databases import databases_of
from deploy.ledger.mend.topic import make_topic
from deploy.ledger.sources import open_as_services, open_sources
from deploy.ledger.witness.logs import logs_of
from deploy.local.errors import StackError
from deploy.local.keys import JWT_AUDIENCE, Keys
from deploy.local.state import NoStack
from deploy.local.tokens import for_auditing
from shared.contract.vocabulary import ServiceName
from shared.tlog.note import generate_key

SETTINGS = {
    "LEDGER_ADMIN_DSN": "postgresql://admin@db/postgres",
    "LEDGER_AUDITOR_PASSWORD": "of the auditor",
    **{f"LEDGER_{one.upper()}_OWNER_PASSWORD": f"of {one}'s owner" for one in ServiceName},
    **{f"LEDGER_{one.upper()}_PASSWORD": f"of {one}" for one in ServiceName},
}


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    made = Keys.of(tmp_path)
    made.make()
    return made


@pytest.fixture
def environment(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("LEDGER_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("LEDGER_KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    monkeypatch.setenv("LEDGER_TRUST_FILE", str(keys.trust_file))
    return monkeypatch


def test_an_auditors_dsn_names_each_service(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LEDGER_AUDITOR_DSN", "postgresql://auditor@db/incident_{service}")
    sources = open_sources(None)
    assert sources.databases == {
        service: f"postgresql://auditor@db/incident_{service}" for service in ServiceName
    }
    assert sources.kafka["bootstrap_servers"] == "kafka:9092"
    assert {key.service for key in sources.trust.keys} == set(ServiceName)


def test_the_services_own_places_are_named_one_by_one(environment: pytest.MonkeyPatch) -> None:
    for service in ServiceName:
        environment.setenv(f"LEDGER_{service.upper()}_DSN", f"postgresql://{service}@db/x")
    assert open_as_services(None).databases == {
        service: f"postgresql://{service}@db/x" for service in ServiceName
    }


@pytest.mark.parametrize("missing", [one for one in ServiceName if one != "intake"])
def test_a_place_that_is_not_named_is_an_error_with_its_name(
    missing: ServiceName, environment: pytest.MonkeyPatch
) -> None:
    for service in set(ServiceName) - {missing}:
        environment.setenv(f"LEDGER_{service.upper()}_DSN", "postgresql://db/x")
    with pytest.raises(KeyError, match=f"LEDGER_{missing.upper()}_DSN"):
        open_as_services(None)


@pytest.mark.parametrize("place", [open_sources, open_as_services])
def test_a_folder_goes_before_the_environment(
    place: object, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("LEDGER_AUDITOR_DSN", "postgresql://db/{service}")
    environment.setenv("LEDGER_INTAKE_DSN", "postgresql://db/x")
    assert callable(place)
    with pytest.raises(NoStack):
        place(tmp_path)


@pytest.mark.parametrize("missing", sorted(SETTINGS))
def test_every_password_of_a_migration_is_asked_for_by_name(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SETTINGS.keys() - {missing}:
        monkeypatch.setenv(name, SETTINGS[name])
    monkeypatch.delenv(missing, raising=False)
    with pytest.raises(StackError, match=f"{missing} is not set") as refused:
        databases_of(list(ServiceName), None)
    assert not any(secret in str(refused.value) for secret in SETTINGS.values())


def test_databases_come_in_the_order_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    wanted = [ServiceName.REVIEW, ServiceName.INTAKE]
    assert [one.service for one in databases_of(wanted, None)] == wanted


def test_a_topic_without_a_broker_is_left_alone_and_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LEDGER_KAFKA_BOOTSTRAP", raising=False)
    assert "left alone, LEDGER_KAFKA_BOOTSTRAP is not set" in make_topic(None)


def test_a_commands_own_token_is_an_auditors_and_no_more(keys: Keys, tmp_path: Path) -> None:
    key = jwt.PyJWKSet.from_json(keys.jwks.read_text(encoding="utf-8")).keys[0]
    token = for_auditing(tmp_path, "ledger-test")
    claims = jwt.decode(token, key.key, algorithms=["EdDSA"], audience=JWT_AUDIENCE)
    assert (claims["sub"], claims["roles"]) == ("ledger-test", ["auditor"])


def test_without_keys_there_is_no_token_but_a_way_on(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="ledger up --detach --data"):
        for_auditing(tmp_path / "nothing", "ledger-test")


def test_a_witness_knows_the_logs_of_keys_and_of_a_policy(tmp_path: Path) -> None:
    (_, one), (_, two) = generate_key("example.org/one"), generate_key("example.org/two")
    policy = tmp_path / "policy"
    policy.write_text(f"log {two}\nquorum none\n", encoding="ascii")
    assert [log.name for log in logs_of([one], policy)] == ["example.org/one", "example.org/two"]
    assert logs_of([], None) == []


@pytest.mark.parametrize("text", ["", "no key", "\udcff", "example.org/one+0000+AAAA"])
def test_what_is_no_key_of_a_log_is_refused(text: str) -> None:
    with pytest.raises(StackError):
        logs_of([text], None)


@pytest.mark.parametrize("place", ["nothing", ".", "empty"])
def test_a_policy_that_cannot_be_read_is_refused_in_one_line(place: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"log \xff\n")
    with pytest.raises(StackError) as refused:
        logs_of([], tmp_path / place)
    assert len(str(refused.value).splitlines()) == 1
