"""Each setting that is wrong is one line: the variable, what it must be, what it is for."""

from pathlib import Path

import pytest

from deploy.local.keys import write_secret
from shared.runtime.process.settings import (
    LogFormat,
    SaslMechanism,
    SecurityProtocol,
    ServiceSettings,
    load,
)

SECRET = "correct horse battery staple"
FILE_IS = {
    "SIGNING_KEY_FILE": "the service's Ed25519 signing key, readable by it alone",
    "TRUST_FILE": "whose signatures count, and from which number on",
    "PSEUDONYM_KEY_FILE": "a random secret, the same for all services and kept by them alone (mode "
    "0600), under which persons have their pseudonyms: openssl rand -hex 32. Never change it: "
    "everybody would be somebody else",
    "JWKS_CA_FILE": "the authority that certifies the key set's server, if it is your own",
    "KAFKA_CA_FILE": "with SSL: the certificates that are believed, PEM; default: the system's",
    "KAFKA_CERT_FILE": "with SSL: the client's own certificate, PEM",
    "KAFKA_KEY_FILE": "with SSL: the key of the client's own certificate, PEM",
}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for file in ("key", "trust"):
        (tmp_path / file).touch()
    write_secret(tmp_path / "pseudonym.key", "0123456789abcdef" * 4)
    for name, value in {
        "DATABASE_DSN": f"postgresql://triage:{SECRET}@localhost/incident_triage",
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


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        load(ServiceSettings)
    assert ended.value.code == (
        "Put this right in the environment and start again; deploy/SETTINGS.md explains each."
    )
    told = capsys.readouterr()
    assert told.out == ""
    assert SECRET not in told.err
    return told.err.splitlines()


PORT = "Input should be less than or equal to 65535; it is "
LISTEN = "the port to listen on"


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        (
            "HTTP_PORT",
            "http",
            "Input should be a valid integer, unable to parse string as an integer; "
            f"it is {LISTEN}",
        ),
        ("HTTP_PORT", "65536", PORT + LISTEN),
        ("HTTP_PORT", "-1", f"Input should be greater than or equal to 0; it is {LISTEN}"),
        ("HEALTH_PORT", "65536", PORT + "a port on which health alone is answered"),
        (
            "LOG_FORMAT",
            "xml",
            "Input should be 'json' or 'console'; it is of the process's own log",
        ),
        (
            "DATABASE_DSN",
            f"mysql://root:{SECRET}@localhost",
            "must begin with postgresql://; it is "
            "postgresql://<service>_service:…@host:port/incident_<service>",
        ),
        (
            "JWT_ISSUER",
            "",
            "String should have at least 1 character; it is the `iss` that tokens must carry",
        ),
        (
            "JWT_AUDIENCE",
            "",
            "String should have at least 1 character; it is the `aud` that tokens must carry",
        ),
        (
            "JWT_LIFETIME",
            "59",
            "Input should be greater than or equal to 60; it is seconds that a token may hold at "
            "most",
        ),
        (
            "JWT_LIFETIME",
            "31622401",
            "Input should be less than or equal to 31622400; it is seconds that a token may hold "
            "at most",
        ),
        (
            "KAFKA_BOOTSTRAP",
            "",
            "String should have at least 1 character; it is host:port of one or more brokers, "
            "separated by commas",
        ),
        (
            "KAFKA_SECURITY_PROTOCOL",
            "ssl",
            "Input should be 'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL'; it is how the "
            "broker is spoken to",
        ),
        (
            "KAFKA_SASL_MECHANISM",
            "GSSAPI",
            "Input should be 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'; it is with SASL: how "
            "the service proves who it is",
        ),
    ],
)
def test_the_line_says_what_it_must_be(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    line: str,
) -> None:
    environment.setenv(f"LEDGER_{variable}", value)
    assert lines(capsys) == [f"LEDGER_{variable}: {line}"]


@pytest.mark.parametrize("variable", FILE_IS)
@pytest.mark.parametrize("value", ["/no/such/file", "/", ""])
def test_a_file_must_be_there_and_be_a_file(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    environment.setenv(f"LEDGER_{variable}", value)
    assert lines(capsys) == [
        f"LEDGER_{variable}: Path does not point to a file; it is {FILE_IS[variable]}"
    ]


@pytest.mark.parametrize("jwks", ["http://issuer.test/jwks", "ftp://x/y", "file:///etc/jwks"])
def test_a_key_set_in_the_clear_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], jwks: str
) -> None:
    environment.setenv("LEDGER_JWKS", jwks)
    (line,) = lines(capsys)
    assert line.startswith("LEDGER_JWKS: must be a path or an https URL: ")


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize("given", [(), ("USERNAME",), ("PASSWORD",)])
def test_half_of_sasl_is_refused(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    protocol: str,
    given: tuple[str, ...],
) -> None:
    environment.setenv("LEDGER_KAFKA_SECURITY_PROTOCOL", protocol)
    for name in given:
        environment.setenv(f"LEDGER_KAFKA_SASL_{name}", SECRET)
    assert lines(capsys) == [
        f"LEDGER_KAFKA_SASL_USERNAME and LEDGER_KAFKA_SASL_PASSWORD: {protocol} needs both"
    ]


def test_each_of_many_has_a_line_in_their_order(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("LEDGER_TRUST_FILE")
    environment.setenv("LEDGER_HTTP_PORT", "99999")
    environment.setenv("LEDGER_KAFKA_BOOTSTRAP", "")
    assert [line.partition(":")[0] for line in lines(capsys)] == [
        "LEDGER_KAFKA_BOOTSTRAP",
        "LEDGER_TRUST_FILE",
        "LEDGER_HTTP_PORT",
    ]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTP_PORT", "0"),
        ("HTTP_PORT", "65535"),
        ("HEALTH_PORT", "0"),
        ("JWT_LIFETIME", "60"),
        ("JWT_LIFETIME", "31622400"),
        ("DATABASE_DSN", "postgres://a@b/c"),
        ("JWKS", "https://issuer.test/jwks"),
        ("KAFKA_BOOTSTRAP", "a:9092,b:9092"),
        *(("KAFKA_SASL_MECHANISM", one.value) for one in SaslMechanism),
        *(("LOG_FORMAT", one.value) for one in LogFormat),
    ],
)
def test_the_last_value_that_fits_is_taken(
    environment: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    environment.setenv(f"LEDGER_{variable}", value)
    taken = getattr(load(ServiceSettings), variable.lower())
    plain = taken.get_secret_value() if variable == "DATABASE_DSN" else taken
    assert str(plain) == value


@pytest.mark.parametrize("protocol", SecurityProtocol)
def test_a_client_of_the_broker_is_told_what_its_protocol_needs_and_no_more(
    environment: pytest.MonkeyPatch, protocol: SecurityProtocol
) -> None:
    environment.setenv("LEDGER_KAFKA_SECURITY_PROTOCOL", protocol.value)
    environment.setenv("LEDGER_KAFKA_SASL_USERNAME", "triage")
    environment.setenv("LEDGER_KAFKA_SASL_PASSWORD", SECRET)
    told = load(ServiceSettings).kafka()
    assert ("ssl_context" in told) is protocol.endswith("SSL")
    assert ("sasl_plain_password" in told) is protocol.startswith("SASL")
    assert (SECRET in repr(told)) is protocol.startswith("SASL")
