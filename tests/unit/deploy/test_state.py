"""What a stack says of itself, also one that an earlier version started."""

from pathlib import Path

import pytest

from deploy.local.state import LocalService


@pytest.mark.parametrize(
    ("env", "health"),
    [({"LEDGER_HEALTH_PORT": "18019"}, "http://127.0.0.1:18019"), ({}, "http://127.0.0.1:18010")],
    ids=["a port of its own", "started before there was one"],
)
def test_where_a_service_tells_its_health(env: dict[str, str], health: str) -> None:
    service = LocalService(
        url="http://127.0.0.1:18010", env=env, auditor_dsn="", owner_dsn="", log=Path("log")
    )
    assert service.health_url == health
