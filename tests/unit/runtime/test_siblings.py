"""Which parts run side by side for which roles, and how a process drains."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.runtime import siblings
from shared.runtime.running import ROLES, Running
from shared.runtime.siblings import _drain, _siblings, consumer_of, receiver_of, relay_of
from tests.unit.runtime import seats
from tests.unit.runtime.callers import Issuer
from tests.unit.runtime.nowhere import running_nowhere


async def count(_: Any) -> None:
    """A worker."""


async def remind(_: Any) -> None:
    """Another."""


SERVICE = dataclasses.replace(seats.SERVICE, workers=(count, remind))


@pytest_asyncio.fixture
async def process(tmp_path: Path) -> AsyncIterator[Running[Any, Any, Any]]:
    async with running_nowhere(Issuer(tmp_path / "jwks.json"), SERVICE) as running:
        yield running


def names(process: Running[Any, Any, Any], *roles: str, health: int | None = None) -> list[str]:
    process.roles = frozenset(roles)
    process.settings = process.settings.model_copy(update={"health_port": health})
    told = []
    for name, task in _siblings(process):
        told.append(name)
        task.close()  # it has not begun
    return told


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ((), ["writer"]),
        (("http",), ["writer", "overload"]),
        (("relay",), ["writer", "relay"]),
        (("consumer",), ["writer", "consumer", "texts"]),
        (("workers",), ["writer", "count", "remind"]),
        (("count",), ["writer", "count"]),
        (("remind",), ["writer", "remind"]),
        (("workers", "count"), ["writer", "count", "remind"]),
        (("relay", "remind"), ["writer", "relay", "remind"]),
        (ROLES, ["writer", "overload", "relay", "consumer", "texts", "count", "remind"]),
    ],
)
async def test_a_role_runs_its_parts_and_no_other(
    process: Running[Any, Any, Any], roles: tuple[str, ...], expected: list[str]
) -> None:
    assert names(process, *roles) == expected


@pytest.mark.parametrize("role", [None, *ROLES])
async def test_health_is_told_where_it_has_a_port_whatever_the_role(
    process: Running[Any, Any, Any], role: str | None
) -> None:
    roles = () if role is None else (role,)
    assert "health" not in names(process, *roles)
    assert "health" in names(process, *roles, health=0)


def test_workers_are_roles_of_their_own() -> None:
    assert SERVICE.roles == ("http", "relay", "consumer", "workers", "count", "remind")
    assert seats.SERVICE.roles[: len(ROLES)] == ROLES


async def test_parts_share_what_the_process_has(process: Running[Any, Any, Any]) -> None:
    assert receiver_of(process) is not receiver_of(process)
    assert type(relay_of(process)).__name__ == "Relay"
    assert type(consumer_of(process)).__name__ == "Consumer"
    assert process.readiness.lag is process.lag
    assert process.readiness.stopping is process.stopping


async def test_a_drain_waits_for_what_workers_have_begun(process: Running[Any, Any, Any]) -> None:
    process.roles, process.under_way = frozenset({"workers"}), 2
    draining = asyncio.create_task(_drain(process))
    done, _ = await asyncio.wait([draining], timeout=0.2)
    assert not done
    process.under_way = 0
    await asyncio.wait_for(draining, 5)


@pytest.mark.parametrize(
    ("roles", "left", "asked"),
    [
        (frozenset({"relay"}), [3, 1, 0], 3),
        (frozenset({"relay"}), [0], 1),
        (frozenset({"relay"}), [None], 1),
        (frozenset({"http", "consumer", "workers"}), [3], 0),
    ],
)
async def test_a_drain_waits_for_the_relay_where_there_is_one(
    process: Running[Any, Any, Any], roles: frozenset[str], left: list[int | None], asked: int
) -> None:
    told: list[int | None] = []

    async def ready() -> dict[str, Any]:
        told.append(left[len(told)])
        return {"lag": {"to_relay": told[-1]}}

    process.roles, process.readiness = roles, ready
    await asyncio.wait_for(_drain(process), 5)
    assert len(told) == asked


async def test_a_drain_that_comes_to_no_end_is_left_to_the_next_start(
    process: Running[Any, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siblings, "DRAIN_WITHIN", 0.1)
    process.under_way = 1
    await asyncio.wait_for(_drain(process), 5)
    assert process.under_way == 1
