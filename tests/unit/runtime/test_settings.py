"""Settings: from the environment alone, and a line for each that is missing or wrong."""

import ssl
from pathlib import Path

import pytest
from pydantic import Field

from deploy.local.keys import write_secret
from shared.runtime.process.settings import KafkaSettings, LogFormat, ServiceSettings, load

PASSWORD = "correct horse battery staple"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """All that has no default, and nothing else."""
    for file in ("key", "trust"):
        (tmp_path / file).touch()
    write_secret(tmp_path / "pseudonym.key", "0123456789abcdef" * 4)
    for name, value in {
        "DATABASE_DSN": f"postgresql://triage_service:{PASSWORD}@localhost/incident_triage",
        "KAFKA_BOOTSTRAP": "localhost:9092",
        "SIGNING_KEY_FILE": str(tmp_path / "key"),
        "TRUST_FILE": str(tmp_path / "trust"),
        "PSEUDONYM_KEY_FILE": str(tmp_path / "pseudonym.key"),
        "JWKS": "/etc/ledger/jwks.json",
        "JWT_ISSUER": "https://issuer.test",
        "HTTP_PORT": "8080",
    }.items():
        monkeypatch.setenv(f"LEDGER_{name}", value)
    return monkeypatch


def refusal(settings: type[KafkaSettings], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as exit_:
        load(settings)
    assert exit_.value.code, "the exit code must not be 0"
    said = capsys.readouterr()
    assert said.out == ""
    assert PASSWORD not in said.err + str(exit_.value.code)
    return said.err


def test_what_the_environment_says(environment: pytest.MonkeyPatch) -> None:
    settings = load(ServiceSettings)
    assert settings.http_port == 8080
    assert settings.http_host == "127.0.0.1"
    assert settings.topic == "incident-ledger.events"
    assert settings.jwt_audience == "incident-ledger"
    assert settings.log_format is LogFormat.JSON
    assert PASSWORD in settings.database_dsn.get_secret_value()


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LEDGER_KAFKA_SASL_PASSWORD", PASSWORD)
    settings = load(ServiceSettings)
    assert PASSWORD not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_every_variable_that_is_missing_is_named_with_what_it_is(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("LEDGER_DATABASE_DSN")
    environment.delenv("LEDGER_JWT_ISSUER")
    assert refusal(ServiceSettings, capsys).splitlines() == [
        "LEDGER_DATABASE_DSN: is not set; it is "
        "postgresql://<service>_service:…@host:port/incident_<service>",
        "LEDGER_JWT_ISSUER: is not set; it is the `iss` that tokens must carry",
    ]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTP_PORT", "http"),
        ("HTTP_PORT", "70000"),
        ("HEALTH_PORT", "70000"),
        ("LOG_FORMAT", "xml"),
        ("DATABASE_DSN", f"mysql://root:{PASSWORD}@localhost"),
        ("SIGNING_KEY_FILE", "/no/such/file"),
        ("TRUST_FILE", "/"),
        ("JWKS", "http://issuer.test/jwks.json"),
        ("JWKS", ""),
        ("JWT_AUDIENCE", ""),
        ("KAFKA_BOOTSTRAP", ""),
        ("KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("KAFKA_CA_FILE", "/no/such/file"),
    ],
)
def test_a_variable_that_is_wrong_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    environment.setenv(f"LEDGER_{variable}", value)
    (line,) = refusal(ServiceSettings, capsys).splitlines()
    assert line.startswith(f"LEDGER_{variable}: ")


def test_sasl_needs_a_name_and_a_password(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("LEDGER_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    environment.setenv("LEDGER_KAFKA_SASL_PASSWORD", PASSWORD)
    (line,) = refusal(ServiceSettings, capsys).splitlines()
    assert line == "LEDGER_KAFKA_SASL_USERNAME and LEDGER_KAFKA_SASL_PASSWORD: SASL_SSL needs both"


def test_a_service_adds_its_own(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class NotifySettings(ServiceSettings):
        channels_file: Path = Field(description="the channels and their addresses")

    assert "LEDGER_CHANNELS_FILE: is not set" in refusal(NotifySettings, capsys)
    environment.setenv("LEDGER_CHANNELS_FILE", "/etc/channels.json")
    assert load(NotifySettings).channels_file == Path("/etc/channels.json")


def test_plaintext_says_nothing_of_secrets(environment: pytest.MonkeyPatch) -> None:
    assert load(KafkaSettings).kafka() == {
        "bootstrap_servers": "localhost:9092",
        "security_protocol": "PLAINTEXT",
    }


def test_a_broker_with_tls_and_sasl(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LEDGER_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    environment.setenv("LEDGER_KAFKA_SASL_MECHANISM", "SCRAM-SHA-256")
    environment.setenv("LEDGER_KAFKA_SASL_USERNAME", "triage")
    environment.setenv("LEDGER_KAFKA_SASL_PASSWORD", PASSWORD)
    arguments = load(KafkaSettings).kafka()
    context = arguments.pop("ssl_context")
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert arguments == {
        "bootstrap_servers": "localhost:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "triage",
        "sasl_plain_password": PASSWORD,
    }
