"""What is refused before a route, as an operator sees it: every reason is counted, and the log has
a line a second at most."""

import asyncio
import json
from typing import Any

import pytest
import structlog.testing

from shared.runtime.web import overload
from shared.runtime.web.edge import connections
from shared.runtime.web.overload import Reason, refused
from tests.unit.runtime.collector import collecting
from tests.unit.runtime.test_connections import GET, POST, world
from tests.unit.runtime.test_telemetry import logged, process


async def told(count: int) -> list[Any]:
    """What is logged until so many refusals are told of."""
    with structlog.testing.capture_logs() as lines:
        telling = asyncio.create_task(overload.tell())
        async with asyncio.timeout(20):
            while sum(line["count"] for line in lines) < count:
                await asyncio.sleep(0.01)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    return lines


@pytest.fixture(autouse=True)
def _nothing_told_before() -> None:
    overload._log()


async def test_a_thousand_refusals_are_one_line() -> None:
    for _ in range(1000):
        refused(Reason.WRITES)
    refused(Reason.READS)
    (line,) = await told(1001)
    assert line == {
        "event": "refused",
        "log_level": "warning",
        "count": 1001,
        "reasons": {"no_place_for_read": 1, "no_place_for_write": 1000},
    }


async def test_what_was_away_is_told_once_a_line() -> None:
    for number in range(100):
        refused(Reason.AWAY, TimeoutError(number))
    refused(Reason.READS)
    (line,) = await told(101)
    assert line["last_error"] == "TimeoutError(99)"
    assert line["reasons"] == {"no_place_for_read": 1, "something_away": 100}
    refused(Reason.READS)
    assert "last_error" not in (await told(1))[0]


async def test_nothing_refused_is_no_line_and_what_is_left_at_the_end_is_told() -> None:
    with structlog.testing.capture_logs() as lines:
        telling = asyncio.create_task(overload.tell())
        await asyncio.sleep(0)
        refused(Reason.BODIES)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    assert [line["reasons"] for line in lines] == [{"no_room_for_body": 1}]


async def test_every_refusal_of_a_real_server_is_counted_by_its_reason() -> None:
    small = connections.protocol(most=5, head_within=0.2)
    async with world(small, writes=1, reads=1, within=0.2, held=150, body=100) as here:
        waits = [
            await here.caller(GET % b"waits"),
            await here.caller(POST % (b"waits", 60, b"x" * 60)),
        ]
        await here.until(lambda: here.desk.begun == 2, "both are at work")
        assert await here.status(GET % b"") == 503
        assert await here.status(POST % (b"", 1, b"x")) == 503
        assert await here.status(POST % (b"", 101, b"x" * 101)) == 413
        assert await here.status(POST % (b"", 100, b"x" * 95)) == 503
        assert await here.status(POST % (b"", 10, b"x")) == 408
        assert await here.status(b"GET / HTTP/1.1\r\nX:") == 408
        assert await here.status(b"HELLO\r\n\r\n") == 400
        assert await here.status(b"GET / HTTP/1.1\r\nX: " + b"x" * (connections.HEAD + 1)) == 431
        here.desk.go_on.set()
        for caller in waits:
            await caller.answer()
        (line,) = await told(8)
    assert line["reasons"] == {
        "no_place_for_read": 1,
        "no_place_for_write": 1,
        "no_room_for_body": 1,
        "head_too_large": 1,
        "head_too_slow": 1,
        "head_malformed": 1,
        "body_too_large": 1,
        "body_too_slow": 1,
    }


async def test_so_is_who_gives_way_and_who_finds_no_place() -> None:
    async with world(connections.protocol(most=3)) as here:
        first = await here.caller()
        await here.until(lambda: len(here.server.server_state.connections) == 1, "it has come")
        others = [await here.caller(), await here.caller(), await here.caller()]
        assert (await first.answer()).status == 503
        for caller in others:
            caller.send(GET % b"")
            assert (await caller.answer()).status == 200
        at_work = [await here.caller(GET % b"waits") for _ in range(2)]
        await here.until(lambda: here.desk.begun == 5, "they are at work")
        assert await here.status(GET % b"") == 503
        here.desk.go_on.set()
        assert [(await caller.answer()).status for caller in at_work] == [200, 200]
        (line,) = await told(5)
    assert line["reasons"] == {
        "newcomer_gave_way": 1,
        "connection_gave_way": 3,
        "no_place_for_connection": 1,
    }


@pytest.mark.slow
def test_refusals_are_measured_by_reason_and_what_callers_sent_is_nowhere() -> None:
    with collecting() as receiver:
        done = process(
            """
from shared.runtime.web import overload
from tests.unit.runtime.test_connections import world
async def story():
    telling = asyncio.create_task(overload.tell())
    async with world() as here:
        for _ in range(3):
            assert await here.status(b"HELLO hunter2\\r\\n\\r\\n") == 400
    telling.cancel()
asyncio.run(story())
""",
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
        )
    (point,) = receiver.metrics["ledger.refused"]
    assert point.as_int == 3
    assert {item.key: item.value.string_value for item in point.attributes} == {
        "reason": "head_malformed"
    }
    assert "hunter2" not in done.stderr
    (line,) = [line for line in logged(done) if line["level"] == "warning"]
    assert line["reasons"] == {"head_malformed": 3}
    assert not receiver.spans, "a flood of refusals is no flood of spans"
    assert len(json.dumps(line)) < 300
