"""Having something forgotten, and having it kept: requests, the other side's word, holds; and what
was asked for and decided."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from services.review.domain import State
from services.review.domain.commands import (
    Command,
    ConfirmErasure,
    PlaceHold,
    RefuseErasure,
    ReleaseHold,
    RequestErasure,
)
from services.review.erasures import queries
from services.review.erasures.bodies import (
    ErasureBody,
    ErasureFilter,
    ErasureRefusalBody,
    ErasureView,
    HoldBody,
    HoldView,
    ReleaseBody,
)
from services.review.erasures.scope import request_of
from shared.contract.authority import who_may
from shared.runtime.say.texts import told_of
from shared.runtime.web.auth import READERS
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import Accepted, Cursor, Desk, Limit, Order, Page, allow, desk
from shared.runtime.web.reading import StrictRoute

router = APIRouter(tags=["erasures"], route_class=StrictRoute)

ReviewDesk = Annotated[Desk[Command, State], Depends(desk)]

ERASURES: Final[Order[ErasureView]] = Order(
    lambda last: (last.requested_at, last.erasure_id), (datetime, UUID)
)
HOLDS: Final[Order[HoldView]] = Order(lambda last: (last.placed_at, last.hold_id), (datetime, UUID))


@router.post(
    "/incidents/{incident_id}/erasures",
    status_code=201,
    dependencies=[allow(*who_may(RequestErasure))],
    summary="Ask for texts to be erased.",
    description="Fields of one event, all texts of one event, or all that a person said, is named "
    "in, or that mentions given words. Nothing is erased before another person, for the other side "
    "(privacy or legal), confirms it. Very many texts become several requests, each with an id of "
    "its own among the events of the answer.",
)
async def request_erasure(incident_id: Id, body: ErasureBody, desk: ReviewDesk) -> Accepted:
    events = await desk.history(incident_id)
    async with desk.read() as connection:
        found = await told_of(connection, [event.id for event in events])
    command = request_of(body, desk.new_id(), events, found)
    return await desk.carry_out(incident_id, command)


@router.post(
    "/incidents/{incident_id}/erasures/{erasure_id}/confirmation",
    status_code=201,
    dependencies=[allow(*who_may(ConfirmErasure))],
    summary="Confirm an erasure: the texts are gone for good.",
    description="By another person than asked, for the other side. Every service drops the texts "
    "and takes them in no more; the events that held them stay, and so do their proofs. Refused "
    "by the rule `legal_hold` while a hold stands.",
)
async def confirm_erasure(incident_id: Id, erasure_id: Id, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, ConfirmErasure(erasure_id))


@router.post(
    "/incidents/{incident_id}/erasures/{erasure_id}/refusal",
    status_code=201,
    dependencies=[allow(*who_may(RefuseErasure))],
    summary="Refuse an erasure, or take one's own request back.",
    description="The texts stay; whoever asks again opens another request.",
)
async def refuse_erasure(
    incident_id: Id, erasure_id: Id, body: ErasureRefusalBody, desk: ReviewDesk
) -> Accepted:
    return await desk.carry_out(incident_id, RefuseErasure(erasure_id, body.reason))


@router.post(
    "/incidents/{incident_id}/holds",
    status_code=201,
    dependencies=[allow(*who_may(PlaceHold))],
    summary="Place a hold: nothing of this incident is erased while it stands.",
    description="Waits for nobody, and beats confirmed requests and retention alike.",
)
async def place_hold(incident_id: Id, body: HoldBody, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, PlaceHold(desk.new_id(), body.reason, body.side))


@router.post(
    "/incidents/{incident_id}/holds/{hold_id}/release",
    status_code=201,
    dependencies=[allow(*who_may(ReleaseHold))],
    summary="Release a hold.",
    description="By another person than placed it, for the other side.",
)
async def release_hold(
    incident_id: Id, hold_id: Id, body: ReleaseBody, desk: ReviewDesk
) -> Accepted:
    return await desk.carry_out(incident_id, ReleaseHold(hold_id, body.reason))


@router.get(
    "/incidents/{incident_id}/erasures",
    dependencies=[allow(*READERS)],
    summary="What was erased of an incident, when, on which ground and by whom; and what waits.",
    description="The newest first. Never what the texts said.",
)
async def list_erasures_of_an_incident(
    incident_id: Id, desk: ReviewDesk, limit: Limit = 50, cursor: Cursor = None
) -> Page[ErasureView]:
    await desk.load(incident_id)
    wanted = ErasureFilter(incident_id=incident_id)
    return await desk.page(queries.erasures, wanted, ERASURES, limit, cursor)


@router.get(
    "/incidents/{incident_id}/holds",
    dependencies=[allow(*READERS)],
    summary="The holds on an incident, the newest first.",
    description="Released ones too.",
)
async def list_holds(
    incident_id: Id, desk: ReviewDesk, limit: Limit = 50, cursor: Cursor = None
) -> Page[HoldView]:
    await desk.load(incident_id)
    return await desk.page(queries.holds, incident_id, HOLDS, limit, cursor)


@router.get(
    "/erasures",
    dependencies=[allow(*READERS)],
    summary="Erasures of all incidents, the newest first.",
    description="Asked for, decided, or come by themselves when retention ended. Filters are "
    "joined by and.",
)
async def list_erasures(
    desk: ReviewDesk,
    wanted: Annotated[ErasureFilter, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ErasureView]:
    return await desk.page(queries.erasures, wanted, ERASURES, limit, cursor)
