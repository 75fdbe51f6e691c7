"""What /readyz shows: each thing that the process needs, and how far it is behind."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from shared.contract.vocabulary import ServiceName
from shared.runtime import readiness
from shared.runtime.process.lag import Lag
from shared.runtime.readiness import Readiness
from tests.unit.runtime.driver import Driver


@pytest.fixture
def nobody() -> Iterator[dict[str, str]]:
    """A broker's address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield {"bootstrap_servers": f"127.0.0.1:{taken.getsockname()[1]}"}


def of(driver: Driver, kafka: dict[str, str], show: Any = None) -> Readiness:
    return Readiness(
        ServiceName.TRIAGE,
        driver,
        kafka,
        "topic",
        Lag(),
        asyncio.Event(),
        show,
    )


async def with_broker(asked: Readiness, problem: str | None) -> dict[str, Any]:
    """As it answers when the broker last said so."""
    asked._broker._last = (asyncio.get_running_loop().time() + 60, problem)
    return await asked()


async def test_all_is_there(nobody: dict[str, str]) -> None:
    asked = of(Driver([5, 2]), nobody)
    asked.lag.measure({0: 3, 1: 4})
    asked.text_lag.measure({0: 6})
    assert await with_broker(asked, None) == {
        "service": "triage",
        "ready": True,
        "checks": {"database": "ok", "broker": "ok"},
        "lag": {"to_hear": 7, "to_relay": 5, "texts_to_hear": 6},
        "parked": 2,
    }


async def test_to_be_behind_is_to_be_ready(nobody: dict[str, str]) -> None:
    asked = of(Driver([10**6, 10**3]), nobody)
    asked.lag.measure({0: 10**9})
    assert (await with_broker(asked, None))["ready"] is True


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError("10.0.0.7"), "OSError"),
        (TimeoutError(), "TimeoutError"),
        (asyncpg.InterfaceError("pool is closing"), "InterfaceError"),
        (asyncpg.TooManyConnectionsError("x"), "TooManyConnectionsError"),
        (asyncpg.UndefinedTableError("chain"), "UndefinedTableError"),
        (asyncpg.InvalidPasswordError("triage"), "InvalidPasswordError"),
    ],
)
@pytest.mark.parametrize("at", [0, 1])
async def test_a_database_that_fails_is_named_by_the_kind_of_failure_alone(
    nobody: dict[str, str], error: Exception, named: str, at: int
) -> None:
    told = await with_broker(of(Driver([0] * at + [error]), nobody), None)
    assert told["ready"] is False
    assert told["checks"] == {"database": named, "broker": "ok"}
    assert told["lag"] == dict.fromkeys(("to_hear", "to_relay", "texts_to_hear"))
    assert told["parked"] is None


async def test_a_bug_is_no_state_of_the_database(nobody: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        await with_broker(of(Driver([KeyError("bug")]), nobody), None)


async def test_a_database_that_hangs_is_not_waited_for(
    nobody: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_ever(_: Any) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(readiness, "DATABASE_WITHIN", 0.05)
    told = await with_broker(of(Driver([0, 0]), nobody, for_ever), None)
    assert told["checks"]["database"] == "TimeoutError"


async def test_a_broker_that_is_away_is_said(nobody: dict[str, str]) -> None:
    told = await of(Driver([0, 0]), nobody)()
    assert told["ready"] is False
    assert told["checks"]["database"] == "ok"
    assert told["checks"]["broker"] not in ("ok", "", None)
    assert (told["lag"]["to_relay"], told["parked"]) == (0, 0)


async def test_a_process_that_drains_takes_no_more_requests(nobody: dict[str, str]) -> None:
    asked = of(Driver([0, 0]), nobody)
    asked.stopping.set()
    told = await with_broker(asked, None)
    assert told["ready"] is False
    assert told["checks"] == {"database": "ok", "broker": "ok", "process": "draining"}


async def test_a_service_shows_what_it_likes_besides(nobody: dict[str, str]) -> None:
    async def show(connection: Any) -> dict[str, Any]:
        return {"log": {"size": await connection.fetchval("SELECT size")}}

    told = await with_broker(of(Driver([0, 0, 42]), nobody, show), None)
    assert told["log"] == {"size": 42}
    assert told["ready"] is True


async def test_a_service_without_its_database_shows_nothing_besides(
    nobody: dict[str, str],
) -> None:
    async def show(_: Any) -> dict[str, Any]:
        raise OSError("away")

    told = await with_broker(of(Driver([0, 0]), nobody, show), None)
    assert set(told) == {"service", "ready", "checks", "lag", "parked"}
    assert told["parked"] is None
