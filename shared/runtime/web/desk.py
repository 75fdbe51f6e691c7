"""HTTP of every service: what a route is handed, the answers to commands, limits, health and the timeline.

A route turns a request into a command and hands it to its `Desk`; no rule and no SQL here or there.
"""

import contextlib
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from shared.contract.decision import Actor, Context, Missing
from shared.runtime.process import clock, telemetry
from shared.runtime.process.database import Connection
from shared.runtime.say import words
from shared.runtime.say.conflicts import Malformed, Stale
from shared.runtime.say.memory import Loaded
from shared.runtime.say.plan import Idempotency, Write
from shared.runtime.web import direct, problems
from shared.runtime.web.auth import READERS, Authenticator, allow, allow_any, permissions, public
from shared.runtime.web.limits import Limits
from shared.runtime.web.openapi import documented
from shared.runtime.web.paging import Cursor, Limit, Page, decode_cursor
from shared.runtime.web.receipts import Answer, Receipt, TimelineItem

if TYPE_CHECKING:
    from shared.runtime.service import Running

__all__ = ["Answer", "Cursor", "Desk", "Limit", "Page", "Receipt", "allow", "allow_any", "create_app", "desk", "public"]

C = TypeVar("C")
S = TypeVar("S")

_ETAG: Final = re.compile(r'(W/)?"(\d{1,18})"')
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


READY: Final = {
    "service": "triage",
    "ready": True,
    "checks": {"database": "ok", "broker": "ok"},
    "lag": {"to_hear": 0, "to_relay": 0},
    "parked": 0,
}
NOT_READY: Final = READY | {"ready": False, "checks": {"database": "ok", "broker": "KafkaConnectionError"}}

CHAINS: Final = """\
incident-ledger/chains/triage
2026-03-02T09:14:03Z
0 0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
1 0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
2 0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
3 0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
4 0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
5 42 S/USLzRFVMU73i67jNK349FgCtYxw4Wl18ziPHeFRZo=
6 0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
7 7 28G0yQD/5I1XW12lxjgEASX2XbD+PiRJS3bqmGRX2YY=

— incident-ledger/triage NvJFIVJezNEIQD/+MRhwBXynIv067RA2FFhVhHq29VAZDBIz+xFnBwkuhv8f1Rq4HH4XjzaMvNSCDFkDWPI5i+3wzQs=
"""
INCIDENT_HEAD: Final = """\
incident-ledger/incidents/triage
01960000-0000-7000-8000-000000000001
2026-03-02T09:14:03Z
5 S/USLzRFVMU73i67jNK349FgCtYxw4Wl18ziPHeFRZo=
5 42 S/USLzRFVMU73i67jNK349FgCtYxw4Wl18ziPHeFRZo=

— incident-ledger/triage NvJFIQllm27WmarVYoOiPvNaCDDRfLR0kJxSaNoURWj69NyzighRc/LpQQD0IrxigmBkkxPLmwjIjcLgASsKDc0RZAU=
"""
"""Signed by a key that was made for these examples alone."""


class WeakETag(Stale):
    """RFC 9110 §13.1.1: `If-Match` compares strongly, so that a weak ETag (some proxies make ours weak) matches nothing."""

    def __init__(self, version: int) -> None:
        Exception.__init__(self, f'a weak ETag guards no change: send If-Match: "{version}", without W/')


class Desk(Generic[C, S]):
    """What a route is handed: the caller, the clock, the ledger and the views, with the request's preconditions applied."""

    def __init__(self, request: Request, response: Response, expected_version: int | None, key: str | None) -> None:
        self._request = request
        self._response = response
        self._expected_version = expected_version
        self._key = key
        self.running: Running[C, S] = request.app.state.running

    @property
    def actor(self) -> Actor:
        actor: Actor = self._request.state.actor
        return actor

    def now(self) -> datetime:
        return clock.now()

    def new_id(self) -> UUID:
        return clock.new_id()

    def context(self) -> Context:
        return Context(clock.now(), self.actor)

    def read(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        """A connection for the queries of views."""
        return self.running.read()

    async def load(self, incident_id: UUID) -> Loaded[S]:
        """What the service knows of the incident. Raises Missing when that is nothing. Sets the ETag."""
        loaded = await self.running.ledger.load(incident_id)
        if loaded.version == 0:
            raise Missing(f"incident {incident_id}")
        self.set_version(loaded.version)
        return loaded

    async def carry_out(
        self, incident_id: UUID, command: C, *, must_exist: bool = True, extra: Sequence[Write] = ()
    ) -> Answer:
        """Decides, appends and answers after commit, under the request's `If-Match` and `Idempotency-Key`."""
        carried = await self.running.ledger.carry_out(
            incident_id,
            command,
            self.context(),
            expected_version=self._expected_version,
            idempotency=await self.idempotency(),
            must_exist=must_exist,
            extra=extra,
        )
        self.set_version(carried.version)
        return Answer.of(carried)

    def set_version(self, version: int) -> None:
        self._response.headers["ETag"] = f'"{version}"'

    async def idempotency(self) -> Idempotency | None:
        """The request's key, which is the caller's own, and the digest of what is asked for under it."""
        if self._key is None:
            return None
        url = self._request.url
        request = f"{self._request.method} {url.path}?{url.query}\n".encode() + await self._request.body()
        return Idempotency(f"{self.actor.subject} {self._key}", hashlib.sha256(request).digest())


async def desk(
    request: Request,
    response: Response,
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description='The version that the command was decided on, as the ETag gave it: `"7"`.',
            examples=['"7"'],
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="1 to 255 visible ASCII characters, unique to the request: a retry with it does nothing twice.",
            examples=["2f1c9d5e-report-17"],
        ),
    ] = None,
) -> Desk[Any, Any]:
    return Desk(request, response, _version(if_match), _idempotency_key(idempotency_key))


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    found = _ETAG.fullmatch(if_match)
    if found is None:
        raise Malformed('If-Match: send one ETag as it was given, for example "7", or *')
    if found[1]:
        raise WeakETag(int(found[2]))
    return int(found[2])


def _idempotency_key(key: str | None) -> str | None:
    if key is not None and not _KEY.fullmatch(key):
        raise Malformed("Idempotency-Key: 1 to 255 visible ASCII characters")
    return key


def create_app(running: "Running[Any, Any]", router: APIRouter, title: str) -> FastAPI:
    """The service's application. Raises ValueError when a route does not say who may call it."""
    app = FastAPI(
        title=title,
        version=version("incident-ledger"),
        description="A service of the incident ledger. Refusals are problem details (RFC 9457): they say what to do next.",
        servers=[{"url": "/", "description": "This service"}],
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        # `telemetry.instrument` gives each request its span.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.running = running
    app.state.authenticator = Authenticator(
        running.settings.jwks, running.settings.jwt_issuer, running.settings.jwt_audience
    )
    problems.install(app)
    app.include_router(router, responses=problems.RESPONSES)
    direct.install(app, router)
    app.include_router(_common())
    tuple(permissions(app))  # raises now, not when somebody finds the open door
    telemetry.instrument(app)
    app.add_middleware(Limits)  # around all else: to refuse what is too much must cost little
    app.openapi = lambda: documented(FastAPI.openapi(app))  # type: ignore[method-assign]
    return app


def _note(note: bytes) -> Response:
    return Response(note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _common() -> APIRouter:
    router = APIRouter()

    @router.get(
        "/healthz",
        dependencies=[public()],
        tags=["health"],
        summary="Is the process alive?",
        description="Answers as long as the process does, whatever else is away. For liveness probes.",
        responses={200: {"content": {"application/json": {"example": {"status": "alive"}}}}},
    )
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get(
        "/readyz",
        dependencies=[public()],
        tags=["health"],
        summary="Can it do its work? Database, broker, lag.",
        description="200 when it can, 503 when not, or when it is about to end; either way it says what it sees. "
        "For readiness probes. `to_hear` is "
        "null while this process hears nothing, because it is joining, or the broker is away, or others hear for it.",
        responses={
            200: {"content": {"application/json": {"example": READY}}},
            503: {
                "description": "Something it needs is away",
                "content": {"application/json": {"example": NOT_READY}},
            },
        },
    )
    async def readyz(request: Request) -> JSONResponse:
        answer = await request.app.state.running.readiness()
        return JSONResponse(answer, 200 if answer["ready"] else 503)

    @router.get(
        "/incidents/{incident_id}/events",
        dependencies=[allow(*READERS)],
        tags=["incidents"],
        summary="The timeline of an incident: all that this service knows of it.",
        description="What it said and what it heard, in the order in which it came to know it, each with its proof.",
        responses=problems.RESPONSES,
    )
    async def incident_events(
        incident_id: UUID,
        desk: Annotated[Desk[Any, Any], Depends(desk)],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[TimelineItem]:
        await desk.load(incident_id)
        (after,) = decode_cursor(cursor, int) if cursor else (0,)
        signed = await desk.running.ledger.timeline(incident_id, after, limit + 1)
        return Page.of([TimelineItem.of(one) for one in signed], limit, lambda last: (last.version,))

    @router.get(
        "/chains",
        dependencies=[public()],
        tags=["proofs"],
        summary="The service's signed word on where its chains stand.",
        description="A C2SP signed note by the key that signs the service's events: one line a partition with the number and hash of "
        "the last event. Held against the sealed log it shows what is missing there. At most a second old.",
        response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {"example": CHAINS}}}, **problems.RESPONSES},
    )
    async def chains(request: Request) -> Response:
        return _note(await request.app.state.running.chain_checkpoint())

    @router.get(
        "/incidents/{incident_id}/head",
        dependencies=[allow(*READERS)],
        tags=["proofs"],
        summary="The service's signed word on how much it has said of an incident.",
        description="A C2SP signed note: the count and last hash of the service's events of the incident, and the head of its chain at "
        "that moment. Also for an incident of which it has said nothing.",
        response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {"example": INCIDENT_HEAD}}}, **problems.RESPONSES},
    )
    async def incident_head(incident_id: UUID, request: Request) -> Response:
        running = request.app.state.running
        async with running.read() as connection:
            return _note(await words.incident_head(connection, running.ledger.keyring, incident_id, clock.now()))

    return router
