"""Health on a port of its own: a real server in a real thread, asked while its service's loop does
nothing for anybody."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.runtime.web.edge import health
from shared.runtime.web.edge.health import HOLDS_FOR, Health, answering

HOST = "127.0.0.1"
READY = {"service": "triage", "ready": True, "checks": {"database": "ok", "broker": "ok"}}


async def readiness() -> dict[str, Any]:
    return READY


def said(readiness_: dict[str, Any], ago: float = 0.0, turned: float = 0.0) -> Health:
    """By the loop that the tests hold up while they ask: so long ago, and it turned so long ago."""
    now = time.monotonic()
    return Health(
        "triage", readiness, asyncio.get_running_loop(), now - turned, now - ago, readiness_
    )


@contextlib.contextmanager
def asked(told: Health) -> Iterator[httpx.Client]:
    with (
        answering(told, HOST, 0) as port,
        httpx.Client(base_url=f"http://{HOST}:{port}", timeout=20) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("told", "alive", "ready"),
    [
        (lambda: said({}), 200, 503),
        (lambda: said(READY), 200, 200),
        (lambda: said(READY, HOLDS_FOR - 10, HOLDS_FOR - 10), 200, 200),
        (lambda: said(READY, HOLDS_FOR + 1), 200, 503),
        (lambda: said(READY | {"ready": False}), 200, 503),
        (lambda: said(READY, HOLDS_FOR + 1, HOLDS_FOR + 1), 503, 503),
    ],
    ids=["nothing said yet", "ready", "late", "too late to be ready", "not ready", "stuck"],
)
async def test_it_answers_for_a_loop_that_does_not_what_that_said_last(
    told: Any, alive: int, ready: int
) -> None:
    with asked(told()) as client:
        assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (
            alive,
            ready,
        )


async def test_nothing_else_is_served_and_every_answer_has_a_name() -> None:
    with asked(said(READY)) as client:
        answers = [client.get(path) for path in ("/healthz", "/readyz", "/incidents")]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert [answer.json() for answer in answers[:2]] == [{"status": "alive"}, READY]
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)


async def test_a_crowd_that_says_nothing_keeps_nobody_out() -> None:
    with asked(said(READY)) as client:
        address = (client.base_url.host, client.base_url.port)
        crowd = [socket.create_connection(address) for _ in range(4 * health.CONNECTIONS)]
        for _ in range(20):
            with socket.create_connection(address, timeout=20) as newcomer:
                newcomer.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
                assert newcomer.recv(100).startswith(b"HTTP/1.1 200")
        for caller in crowd:
            caller.close()


async def test_word_is_fresh_while_the_loop_turns_and_the_loop_is_asked_once_for_all() -> None:
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    times, go_on = 0, asyncio.Event()

    async def counted() -> dict[str, Any]:
        nonlocal times
        times += 1
        await go_on.wait()
        return READY | {"parked": times}

    telling = asyncio.create_task(health.tell("triage", counted, HOST, port))
    await asyncio.sleep(0)  # it listens
    async with (
        httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=20) as client,
        asyncio.timeout(20),
    ):
        assert (await client.get("/healthz")).status_code == 200
        many = await asyncio.gather(*(client.get("/readyz") for _ in range(10)))
        assert {(answer.status_code, times) for answer in many} == {(503, 1)}, (
            "it has not said anything yet"
        )
        go_on.set()
        while (answer := await client.get("/readyz")).status_code != 200:
            pass
        assert (
            (await client.get("/readyz")).json()["parked"] == answer.json()["parked"] + 1 == times
        )
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port))


async def test_a_port_that_is_taken_ends_the_process() -> None:
    with socket.create_server((HOST, 0)) as taken, pytest.raises(SystemExit):
        await health.tell("triage", readiness, HOST, taken.getsockname()[1])
