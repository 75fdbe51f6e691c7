"""The routes that every service has: health, the timeline of an incident, and the service's signed
word on its chains."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from shared.runtime.process import clock
from shared.runtime.say import words
from shared.runtime.web import problems
from shared.runtime.web.auth import READERS, allow, public
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import Desk, desk
from shared.runtime.web.paging import Cursor, Limit, Order, Page
from shared.runtime.web.receipts import EventTexts, TimelineItem

router = APIRouter()

IN_TURN: Final[Order[TimelineItem]] = Order(lambda item: (item.version,), (int,))

TOLD_IN_TURN: Final[Order[EventTexts]] = Order(lambda item: (item.version,), (int,))

READY: Final = {
    "service": "triage",
    "ready": True,
    "checks": {"database": "ok", "broker": "ok"},
    "lag": {"to_hear": 0, "to_relay": 0, "texts_to_hear": 0},
    "parked": 0,
}
NOT_READY: Final = READY | {
    "ready": False,
    "checks": {"database": "ok", "broker": "KafkaConnectionError"},
}

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

— incident-ledger/triage \
NvJFIVJezNEIQD/+MRhwBXynIv067RA2FFhVhHq29VAZDBIz+xFnBwkuhv8f1Rq4HH4XjzaMvNSCDFkDWPI5i+3wzQs=
"""
SUBJECT_HEAD: Final = """\
incident-ledger/incidents/triage
01960000-0000-7000-8000-000000000001
2026-03-02T09:14:03Z
5 S/USLzRFVMU73i67jNK349FgCtYxw4Wl18ziPHeFRZo=
5 42 S/USLzRFVMU73i67jNK349FgCtYxw4Wl18ziPHeFRZo=

— incident-ledger/triage \
NvJFIQllm27WmarVYoOiPvNaCDDRfLR0kJxSaNoURWj69NyzighRc/LpQQD0IrxigmBkkxPLmwjIjcLgASsKDc0RZAU=
"""
"""Signed by a key that was made for these examples alone."""


def _note(note: bytes) -> Response:
    return Response(
        note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


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
    description="200 when it can, 503 when not, or when it is about to end; either way it says "
    "what it sees. "
    "For readiness probes. `to_hear` and `texts_to_hear` are "
    "null while this process hears nothing, because it is joining, or the broker is away, or "
    "others hear for it.",
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
    description="What it said and what it heard, in the order in which it came to know it, each "
    "with its proof.",
    responses=problems.RESPONSES,
)
async def incident_events(
    incident_id: Id,
    desk: Annotated[Desk[Any, Any], Depends(desk)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TimelineItem]:
    await desk.load(incident_id)
    (after,) = IN_TURN.after(cursor) or (0,)
    signed = await desk.running.ledger.timeline(incident_id, after, limit + 1)
    page = IN_TURN.page([TimelineItem.of(one) for one in signed], limit)
    return await desk.with_people(page)


@router.get(
    "/incidents/{incident_id}/disclosures",
    dependencies=[allow(*READERS)],
    tags=["proofs"],
    summary="What people wrote in the events of an incident, with what proves it.",
    description="For each event that this service knows, the texts that are at hand, as RFC 9901 "
    "disclosures: the digest of each stands in its event. What was erased is not there.",
    responses=problems.RESPONSES,
)
async def incident_disclosures(
    incident_id: Id,
    desk: Annotated[Desk[Any, Any], Depends(desk)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[EventTexts]:
    await desk.load(incident_id)
    (after,) = TOLD_IN_TURN.after(cursor) or (0,)
    found = await desk.running.ledger.texts(incident_id, after, limit + 1)
    return TOLD_IN_TURN.page([EventTexts.of(one) for one in found], limit)


@router.get(
    "/chains",
    dependencies=[public()],
    tags=["proofs"],
    summary="The service's signed word on where its chains stand.",
    description="A C2SP signed note by the key that signs the service's events: one line a "
    "partition with the number and hash of "
    "the last event. Held against the sealed log it shows what is missing there. At most a second "
    "old.",
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
    description="A C2SP signed note: the count and last hash of the service's events of the "
    "incident, and the head of its chain at "
    "that moment. Also for an incident of which it has said nothing.",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": SUBJECT_HEAD}}}, **problems.RESPONSES},
)
async def incident_head(incident_id: Id, request: Request) -> Response:
    running = request.app.state.running
    async with running.read() as connection:
        return _note(
            await words.subject_head(connection, running.ledger.keyring, incident_id, clock.now())
        )
