"""What callers may cost who are slow, endless, silent or many: a real server on a real port, with
small bounds."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from shared.runtime.web.edge import connections
from shared.runtime.web.edge.limits import Limits
from shared.runtime.web.edge.server import listeners

WITHIN = 20.0
GET = b"GET /%s HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n%b"
LONG = 8 * 1024 * 1024


@dataclass(slots=True)
class Desk:
    """An application that answers at once, or when it is told to."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        body = (await receive())["body"] if scope["method"] == "POST" else b""
        if scope["path"] == "/waits":
            await self.go_on.wait()
        answer = b"x" * LONG if scope["path"] == "/long" else b"%d" % len(body)
        headers = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        return str(json.loads(self.body)["type"]).rpartition("/")[2]


@dataclass(slots=True)
class Caller:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Answer:
        async with asyncio.timeout(WITHIN):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *lines = head.strip().split("\r\n")
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
            }
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(int(status.split(" ")[1]), headers, body)

    async def ended(self) -> bytes:
        """What still came, once the server has closed."""
        try:
            async with asyncio.timeout(WITHIN):
                return await self.reader.read()
        except ConnectionResetError:
            return b""


@dataclass(slots=True)
class World:
    desk: Desk
    limits: Limits
    port: int
    server: uvicorn.Server

    async def caller(self, sends: bytes = b"") -> Caller:
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port))
        caller.send(sends)
        return caller

    async def status(self, request: bytes) -> int:
        caller = await self.caller(request)
        answer = await caller.answer()
        caller.writer.close()
        return answer.status

    async def until(self, true: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                while not true():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {WITHIN:g} s: {what}") from None


@asynccontextmanager
async def world(protocol: Any = None, **limits: Any) -> AsyncIterator[World]:
    desk = Desk()
    app = Limits(desk, **limits)
    config = uvicorn.Config(
        app, port=0, lifespan="off", log_config=None, http=protocol or connections.protocol()
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())  # `serve` would take over the session's signals
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield World(desk, app, server.servers[0].sockets[0].getsockname()[1], server)
    finally:
        desk.go_on.set()
        server.force_exit = server.should_exit = True
        await serving


# Connections


async def test_who_says_nothing_is_let_go() -> None:
    async with world(connections.protocol(head_within=0.1)) as here:
        assert await (await here.caller()).ended() == b""


@pytest.mark.parametrize("before", [b"", GET % b""])
async def test_half_a_head_is_answered_and_closed(before: bytes) -> None:
    async with world(connections.protocol(head_within=0.1)) as here:
        caller = await here.caller(before)
        if before:
            await caller.answer()
        caller.send(b"GET / HTTP/1.1\r\nHo")
        answer = await caller.answer()
        assert (answer.status, answer.kind, answer.headers["connection"]) == (
            408,
            "too-slow",
            "close",
        )
        assert len(answer.headers["x-request-id"]) == 32
        assert await caller.ended() == b""


async def test_an_endless_head_is_cut_off() -> None:
    async with world() as here:
        caller = await here.caller(b"GET / HTTP/1.1\r\nX: ")
        caller.send(b"x" * (connections.HEAD + 1))
        answer = await caller.answer()
        assert (answer.status, answer.kind, answer.headers["connection"]) == (
            431,
            "too-large",
            "close",
        )
        assert len(answer.headers["x-request-id"]) == 32
        await caller.ended()
        assert here.desk.begun == 0


async def test_an_endless_trailer_is_cut_off() -> None:
    async with world() as here:
        caller = await here.caller(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: "
        )
        await here.until(lambda: len(here.server.server_state.tasks) == 1, "its body arrives")
        caller.send(b"x" * (connections.HEAD + 1))
        await caller.ended()
        assert here.desk.begun == 0


async def test_of_those_who_never_asked_the_first_gives_way_to_a_newcomer() -> None:
    async with world(connections.protocol(most=3)) as here:
        first, second, third = [await here.caller() for _ in range(3)]
        await here.until(
            lambda: len(here.server.server_state.connections) == 3, "all are connected"
        )
        second.send(b"GET / HTT")  # makes it no younger
        first.send(
            GET % b""
        )  # has asked: of the two that never did, the second has been silent longest
        assert (await first.answer()).status == 200
        assert await here.status(GET % b"") == 200
        answer = await second.answer()
        assert (answer.status, answer.kind, answer.headers["connection"]) == (
            503,
            "overloaded",
            "close",
        )
        assert len(answer.headers["x-request-id"]) == 32
        assert await second.ended() == b""
        for caller in (first, third):
            caller.send(GET % b"")
            assert (await caller.answer()).status == 200


async def test_who_only_comes_pushes_out_nobody_who_asked() -> None:
    async with world(connections.protocol(most=3)) as here:
        known = [await here.caller(GET % b"") for _ in range(2)]
        for caller in known:
            await caller.answer()
        strangers = [await here.caller() for _ in range(5)]
        for stranger in strangers[:-1]:
            assert (await stranger.answer()).status == 503
        for caller in (*known, strangers[-1]):
            caller.send(GET % b"")
            assert (await caller.answer()).status == 200


async def test_who_asks_takes_the_place_of_the_longest_silent_of_those_who_asked() -> None:
    async with world(connections.protocol(most=3)) as here:
        known = [await here.caller(GET % b"") for _ in range(2)]
        for caller in known:
            await caller.answer()
        assert await here.status(GET % b"") == 200
        answer = await known[0].answer()
        assert (answer.status, answer.kind, answer.headers["connection"]) == (
            503,
            "overloaded",
            "close",
        )
        known[1].send(GET % b"")
        assert (await known[1].answer()).status == 200


async def test_a_body_never_answered_before_gives_way_before_who_was_and_is_told() -> None:
    async with world(connections.protocol(most=3)) as here:
        known = await here.caller(GET % b"")
        await known.answer()
        slow = await here.caller(POST % (b"", 10, b"x"))
        await here.until(lambda: len(here.server.server_state.tasks) == 1, "its body arrives")
        assert await here.status(GET % b"") == 200
        answer = await slow.answer()
        assert (answer.status, answer.kind, answer.headers["connection"]) == (
            503,
            "overloaded",
            "close",
        )
        known.send(GET % b"")
        assert (await known.answer()).status == 200


@pytest.mark.parametrize("path", [b"healthz", b"readyz"])
async def test_health_is_answered_while_every_place_is_taken_and_a_crowd_comes(path: bytes) -> None:
    async with world(connections.protocol(most=7)) as here:
        at_work = [await here.caller(GET % b"waits") for _ in range(6)]
        await here.until(lambda: here.desk.begun == 6, "all are at work")
        for _ in range(20):
            crowd = [await here.caller(GET % b"") for _ in range(20)]
            assert await here.status(GET % path) == 200
            assert {(await caller.answer()).status for caller in crowd} == {503}
        here.desk.go_on.set()
        assert [(await caller.answer()).status for caller in at_work] == [200] * 6


async def test_a_newcomer_may_think_while_others_are_served() -> None:
    async with world(connections.protocol(most=8)) as here:
        newcomer = await here.caller()
        for _ in range(50):
            assert await here.status(GET % b"") == 200
        newcomer.send(GET % b"healthz")
        assert (await newcomer.answer()).status == 200


async def test_a_request_that_crosses_the_refusal_does_not_undo_it() -> None:
    async with world(connections.protocol(most=3)) as here:
        known = [await here.caller(GET % b"") for _ in range(2)]
        for caller in known:
            await caller.answer()
        assert await here.status(GET % b"") == 200
        known[0].send(POST % (b"", 100_000, b"x" * 100_000))
        assert (await known[0].answer()).status == 503
        assert await known[0].ended() == b""
        assert here.desk.begun == 3


async def test_who_stays_after_a_refusal_is_let_go() -> None:
    async with world(connections.protocol(most=3, head_within=0.1)) as here:
        caller = await here.caller(b"GET / HTTP/1.1\r\nHo")
        assert (await caller.answer()).status == 408
        await here.until(lambda: not here.server.server_state.connections, "it is let go")


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"HELLO\r\n\r\n"],
)
async def test_what_is_no_http_is_a_problem_like_any_other(sent: bytes) -> None:
    async with world() as here:
        caller = await here.caller(sent)
        answer = await caller.answer()
        assert (answer.status, answer.kind, answer.headers["connection"]) == (
            400,
            "malformed",
            "close",
        )
        assert len(answer.headers["x-request-id"]) == 32
        assert await caller.ended() == b""


async def test_what_is_no_http_behind_a_request_is_no_answer_to_it() -> None:
    async with world() as here:
        caller = await here.caller(GET % b"waits")
        await here.until(lambda: here.desk.begun == 1, "it is at work")
        caller.send(b"HELLO\r\n\r\n")
        assert await caller.ended() == b"", (
            "cut off: nobody can tell it what becomes of its first request"
        )


async def test_nobody_gives_way_whose_request_is_under_way() -> None:
    async with world(connections.protocol(most=3)) as here:
        callers = [await here.caller(GET % b"waits") for _ in range(2)]
        await here.until(lambda: here.desk.begun == 2, "both have begun")
        refused = await here.caller(GET % b"")
        answer = await refused.answer()
        assert (answer.status, answer.kind, answer.headers["retry-after"]) == (
            503,
            "overloaded",
            "1",
        )
        await refused.ended()
        here.desk.go_on.set()
        assert [(await caller.answer()).status for caller in callers] == [200, 200]
        assert await here.status(GET % b"") == 200


async def test_many_silent_connections_keep_nobody_out() -> None:
    async with world(connections.protocol(most=20)) as here:
        silent = [await here.caller() for _ in range(200)]
        assert [await here.status(GET % b"") for _ in range(20)] == [200] * 20
        assert len(here.server.server_state.connections) <= 20 + 5, (
            "those who have a place, and those who linger"
        )
        for caller in silent:
            caller.writer.close()


async def test_who_does_not_read_the_answer_is_let_go() -> None:
    async with world(connections.protocol(read_within=0.1)) as here:
        caller = await here.caller(GET % b"long")
        await here.until(lambda: here.desk.begun == 1, "it has begun")
        await here.until(lambda: not here.server.server_state.connections, "it is let go")
        assert len(await caller.ended()) < LONG


async def test_a_long_answer_that_is_read_comes_whole() -> None:
    async with world(connections.protocol(read_within=5)) as here:
        caller = await here.caller(GET % b"long")
        assert len((await caller.answer()).body) == LONG


async def test_requests_in_one_go_are_answered_in_order() -> None:
    async with world(connections.protocol(head_within=0.1)) as here:
        caller = await here.caller(POST % (b"", 1, b"x") + GET % b"waits" + POST % (b"", 3, b"xxx"))
        assert (await caller.answer()).body == b"1"
        await asyncio.sleep(0.3)  # longer than a head may take: what waits for us is not late
        here.desk.go_on.set()
        assert [(await caller.answer()).body for _ in range(2)] == [b"0", b"3"]


def test_newcomers_are_let_in_many_a_turn() -> None:
    """On the loop that services run on, and by its turns: how long they take is the machine's."""
    callers, turns = 200, 0

    async def crowd() -> None:
        nonlocal turns
        desk = Desk()
        config = uvicorn.Config(
            desk, port=0, lifespan="off", log_config=None, http=connections.protocol()
        )
        server = uvicorn.Server(config)
        sockets = listeners(config)
        serving = asyncio.create_task(server._serve(sockets))
        while not server.started:
            await asyncio.sleep(0.01)
        crowd = [socket.create_connection(sockets[0].getsockname()) for _ in range(callers)]
        for caller in crowd:
            caller.send(GET % b"")
        while desk.begun < callers:
            turns += 1
            await asyncio.sleep(0)
        for caller in crowd:
            assert caller.recv(100).startswith(b"HTTP/1.1 200")
            caller.close()
        server.force_exit = server.should_exit = True
        await serving

    uvloop.run(crowd())
    assert turns < callers


def test_no_more_than_the_files_that_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, bound in (
        (256, 128),
        (1 << 20, connections.MOST),
        (connections.resource.RLIM_INFINITY, connections.MOST),
    ):
        monkeypatch.setattr(connections.resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert connections.affordable() == bound


# Bodies


async def test_a_slow_body_is_refused_and_holds_up_nobody() -> None:
    async with world(within=0.2, writes=1) as here:
        slow = [await here.caller(POST % (b"", 10, b"x")) for _ in range(5)]
        assert [await here.status(POST % (b"", 1, b"x")) for _ in range(5)] == [200] * 5
        answers = [await caller.answer() for caller in slow]
        assert {(answer.status, answer.kind) for answer in answers} == {(408, "too-slow")}
        assert here.desk.begun == 5


async def test_an_endless_body_is_refused_at_its_limit() -> None:
    async with world(body=1000) as here:
        caller = await here.caller(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        caller.send(b"1f4\r\n" + b"x" * 500 + b"\r\n")
        caller.send(b"1f5\r\n" + b"x" * 501 + b"\r\n")
        answer = await caller.answer()
        assert (answer.status, answer.kind) == (413, "too-large")
        await caller.ended()
        assert here.desk.begun == 0


async def test_a_refusal_reaches_a_caller_who_is_still_sending() -> None:
    """Without waiting for it, as most clients send; then the connection is closed all the same."""
    async with world(body=1000) as here:
        for _ in range(5):
            caller = await here.caller(POST % (b"", LONG, b"x" * LONG))
            async with asyncio.timeout(WITHIN):
                await caller.writer.drain()
            answer = await caller.answer()
            assert (answer.status, answer.kind) == (413, "too-large")
            assert answer.headers["connection"] == "close"
            assert await caller.ended() == b""
        assert await here.status(GET % b"") == 200


async def test_the_body_that_has_been_arriving_longest_gives_way() -> None:
    async with world(held=1000) as here:
        oldest = await here.caller(POST % (b"", 900, b"x" * 600))
        await here.until(lambda: len(here.server.server_state.tasks) == 1, "it has begun")
        await asyncio.sleep(0.05)
        newer = await here.caller(POST % (b"", 900, b"x" * 500))
        answer = await oldest.answer()
        assert (answer.status, answer.kind, answer.headers["retry-after"]) == (
            503,
            "overloaded",
            "1",
        )
        newer.send(b"x" * 400)
        assert (await newer.answer()).body == b"900"


async def test_bodies_that_arrive_at_a_time_are_all_counted_and_all_given_back() -> None:
    async with world(held=1000) as here:
        for _ in range(3):
            callers = [await here.caller(POST % (b"", 400, b"x" * 100)) for _ in range(4)]
            await here.until(lambda: len(here.server.server_state.tasks) == 4, "all have begun")
            for caller in callers[1:]:
                caller.send(b"x" * 200)
            await here.until(lambda: here.limits._may_be_held == 0, "all of it has arrived")
            callers[1].send(b"x" * 100)
            answer = await callers[0].answer()
            assert (answer.status, answer.kind) == (503, "overloaded")
            for caller in callers[2:]:
                caller.send(b"x" * 100)
            assert [(await caller.answer()).body for caller in callers[1:]] == [b"400"] * 3
            assert await here.status(POST % (b"", 1000, b"x" * 1000)) == 200


async def test_a_body_for_which_nobody_can_give_way_is_refused_and_the_room_is_given_back() -> None:
    async with world(held=1000) as here:
        at_work = await here.caller(POST % (b"waits", 800, b"x" * 800))
        await here.until(lambda: here.desk.begun == 1, "it is at work")
        answer = await (await here.caller(POST % (b"", 300, b"x" * 300))).answer()
        assert (answer.status, answer.kind) == (503, "overloaded")
        here.desk.go_on.set()
        assert (await at_work.answer()).status == 200
        for _ in range(3):
            assert await here.status(POST % (b"", 1000, b"x" * 1000)) == 200


# Places


async def test_more_than_there_are_places_for_is_refused_and_accepted_again_later() -> None:
    async with world(writes=2) as here:
        accepted = [await here.caller(POST % (b"waits", 1, b"x")) for _ in range(2)]
        await here.until(lambda: here.desk.begun == 2, "both have begun")
        refused = await here.caller(POST % (b"waits", 1, b"x"))
        answer = await refused.answer()
        assert (answer.status, answer.kind, answer.headers["retry-after"]) == (
            503,
            "overloaded",
            "1",
        )
        assert await here.status(GET % b"") == 200, "readers have places of their own"
        here.desk.go_on.set()
        assert [(await caller.answer()).status for caller in accepted] == [200, 200]
        refused.send(POST % (b"", 1, b"x"))
        assert (await refused.answer()).status == 200, "on the same connection"


@pytest.mark.parametrize("path", [b"healthz", b"readyz"])
async def test_health_is_answered_when_there_is_no_place(path: bytes) -> None:
    async with world(reads=0, writes=0) as here:
        assert await here.status(GET % b"") == 503
        assert await here.status(GET % path) == 200


async def test_who_goes_away_gives_the_place_back() -> None:
    async with world(writes=1, held=100) as here:
        for _ in range(3):
            caller = await here.caller(POST % (b"", 100, b"x" * 90))
            await here.until(lambda: len(here.server.server_state.tasks) == 1, "it arrives")
            caller.writer.close()
            await here.until(lambda: not here.server.server_state.tasks, "it is gone")
        assert here.desk.begun == 0
        assert await here.status(POST % (b"", 100, b"x" * 100)) == 200
