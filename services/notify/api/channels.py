"""The channels that messages can go out by, as they are set up."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.notify.bodies import ChannelView
from services.notify.settings import channels_of
from shared.runtime.web.auth import READERS
from shared.runtime.web.desk import Desk, Page, allow, desk
from shared.runtime.web.reading import StrictRoute

router = APIRouter(route_class=StrictRoute)


@router.get(
    "/channels",
    tags=["communications"],
    dependencies=[allow(*READERS)],
    summary="The channels that messages can go out by.",
    description="Their names; where they lead is the service's own secret. All on one page.",
)
async def list_channels(desk: Annotated[Desk[Any, Any], Depends(desk)]) -> Page[ChannelView]:
    return Page(items=[ChannelView(name=name) for name in sorted(channels_of(desk.running).names)])
