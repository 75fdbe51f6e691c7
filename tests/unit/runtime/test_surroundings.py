"""Variables that libraries obey by themselves are forgotten; ours stay."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.broker import Broker
from deploy.local.environment import settings_of
from deploy.local.keys import Keys
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.surroundings import (
    CERTIFICATES,
    FOREIGN,
    PROXIES,
    forget_foreign,
    is_foreign,
)


@pytest.mark.parametrize(
    "name", [pattern.replace("*", "X") for patterns in FOREIGN.values() for pattern in patterns]
)
def test_a_foreign_variable_is_forgotten_in_any_case(name: str) -> None:
    environ = {name: "hostile", name.lower(): "hostile", "LEDGER_HTTP_PORT": "1"}
    assert forget_foreign(environ) == sorted([name, name.lower()])
    assert environ == {"LEDGER_HTTP_PORT": "1"}


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "LEDGER_DATABASE_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT", "AWS_REGION", "TERM"],
)
def test_what_somebody_meant_for_us_stays(name: str) -> None:
    assert not is_foreign(name)
    assert forget_foreign({name: "given"}) == []


def test_what_a_download_obeys_can_be_spared() -> None:
    environ = {"https_proxy": "x", "SSL_CERT_FILE": "x", "PGHOST": "x", "SSLKEYLOGFILE": "x"}
    assert forget_foreign(environ, sparing=(PROXIES, CERTIFICATES)) == ["PGHOST", "SSLKEYLOGFILE"]
    assert environ.keys() == {"https_proxy", "SSL_CERT_FILE"}


@pytest.mark.slow
def test_a_telemetry_setting_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    keys = Keys.of(tmp_path)
    keys.make()
    settings = settings_of(ServiceName.TRIAGE, keys, "postgresql://a@b/c", Broker("x:1"), 0)
    otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_MAX_QUEUE_SIZE": "-1"}
    done = subprocess.run(
        [sys.executable, "-m", "services.triage"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **settings, **otel},
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("an OTEL_* variable cannot be used: ")
