"""Each process of the stack gets what is listed, and nothing else of the shell."""

from pathlib import Path

import pytest

from deploy.local.broker import Broker
from deploy.local.environment import (
    BASE,
    FIXED,
    TELEMETRY,
    of_server,
    of_service,
    of_supervisor,
    settings_of,
)
from deploy.local.keys import Keys
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.surroundings import CERTIFICATES, FOREIGN, PROXIES
from tests.services import service_named

NAMES = [
    name
    for patterns in FOREIGN.values()
    for pattern in patterns
    for name in (pattern.replace("*", "X"), pattern.replace("*", "X").lower())
] + [
    *("LEDGER_DATABASE_DSN", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONWARNINGS"),
    *("LC_CTYPE", "LANG", "LD_PRELOAD", "AWS_SECRET_ACCESS_KEY", "MALLOC_CHECK_", "VIRTUAL_ENV"),
]
DOWNLOADS = {*FOREIGN[PROXIES], *FOREIGN[CERTIFICATES]}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_library_would_obey_reaches_no_server_and_no_service(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "hostile")
    assert name not in of_service({})
    assert name not in of_server()


@pytest.mark.parametrize("name", NAMES)
def test_the_supervisor_gets_of_it_what_a_download_needs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "http://proxy.test")
    wanted = name in DOWNLOADS or (name.islower() and name.upper() in FOREIGN[PROXIES])
    assert (name in of_supervisor()) is wanted


@pytest.mark.parametrize("pattern", [*BASE, *TELEMETRY])
def test_what_is_listed_passes_to_a_service(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = pattern.replace("*", "ENDPOINT")
    monkeypatch.setenv(name, "given")
    assert of_service({})[name] == "given"


def test_the_zone_and_the_locale_are_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("LC_ALL", "C")
    for environment in (of_service({}), of_server(), of_supervisor()):
        assert FIXED.items() <= environment.items()


def test_a_services_own_settings_count_last() -> None:
    assert of_service({"TZ": "Etc/UTC"})["TZ"] == "Etc/UTC"


@pytest.mark.parametrize("service", ServiceName)
@pytest.mark.parametrize("password", [None, "secret"])
def test_the_settings_are_all_that_a_service_needs(
    service: ServiceName, password: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys.of(tmp_path)
    keys.make()
    broker = Broker("127.0.0.1:9092", password)
    told = settings_of(service, keys, "postgresql://a@b/c", broker, 8080, health_port=8081)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    loaded = service_named(service).settings()
    assert (loaded.http_port, loaded.health_port) == (8080, 8081)
    assert loaded.kafka() == {"security_protocol": "PLAINTEXT"} | broker.client()


def test_the_log_of_a_local_stack_is_for_auditors(tmp_path: Path) -> None:
    told = settings_of(ServiceName.REVIEW, Keys.of(tmp_path), "", Broker(""), 1)
    assert told["LEDGER_LOG_OPEN"] == "false"
