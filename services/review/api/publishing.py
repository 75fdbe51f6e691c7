"""Publishing the report of an incident."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from services.review.domain import State
from services.review.domain.commands import Command, Publish
from services.review.editions import left_something_out, publication
from shared.contract.authority import who_may
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import Accepted, Desk, allow, desk
from shared.runtime.web.reading import StrictRoute

PUBLISH_ATTEMPTS: Final = 10
"""How often a report is made anew because something was said or heard while it was made."""

router = APIRouter(route_class=StrictRoute)

ReviewDesk = Annotated[Desk[Command, State], Depends(desk)]


@router.post(
    "/incidents/{incident_id}/publication",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(Publish))],
    summary="Publish the report.",
    description="Says `reviewed`, with the digests of the report and the last events that it rests "
    "on. Refused by the rule `closure` while something is missing: what, and who can supply it.",
)
async def publish(incident_id: Id, desk: ReviewDesk) -> Accepted:
    tries = AsyncRetrying(
        retry=retry_if_exception(left_something_out),
        stop=stop_after_attempt(PUBLISH_ATTEMPTS),
        reraise=True,
    )
    async for attempt in tries:
        with attempt:
            command = await asyncio.to_thread(publication, await desk.history(incident_id))
            return await desk.carry_out(incident_id, command)
    raise AssertionError("unreachable: tenacity re-raises")
