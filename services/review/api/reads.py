"""What readers ask of review: reviews, what is owed and by whom, lessons."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from services.review import domain, queries
from services.review.bodies import (
    ActionItemFilter,
    ActionItemView,
    IncidentView,
    LessonView,
    ReviewFilter,
    ReviewView,
)
from shared.runtime.web.auth import READERS
from shared.runtime.web.bodies import Flag, Id
from shared.runtime.web.desk import (
    Cursor,
    Desk,
    Limit,
    Order,
    Page,
    allow,
    allow_any,
    desk,
    found,
)
from shared.runtime.web.gates import GateView
from shared.runtime.web.reading import StrictRoute

router = APIRouter(route_class=StrictRoute)

ReviewDesk = Annotated[Desk[domain.Command, domain.State], Depends(desk)]

REVIEWS: Final[Order[ReviewView]] = Order(
    lambda last: (last.known_since, last.incident_id), (datetime, UUID)
)
ACTION_ITEMS: Final[Order[ActionItemView]] = Order(
    lambda last: (last.due, last.finding_id, last.number),
    (date, UUID, int),
)
LESSONS: Final[Order[LessonView]] = Order(
    lambda last: (last.published_at, last.lesson_id), (datetime, UUID)
)


@router.get(
    "/incidents",
    tags=["reviews"],
    dependencies=[allow(*READERS)],
    summary="Reviews, those of the newest incidents first.",
    description="Every incident that review knows of, also those that nobody reviews "
    "(`not_opened`). Filters are joined by and.",
)
async def list_reviews(
    desk: ReviewDesk,
    wanted: Annotated[ReviewFilter, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReviewView]:
    return await desk.page(queries.reviews, wanted, REVIEWS, limit, cursor)


@router.get(
    "/incidents/{incident_id}",
    tags=["reviews"],
    dependencies=[allow(*READERS)],
    summary="A review: how far it is, what publishing waits for, and what the caller may do next.",
    description="The ETag is the incident's version; send it as `If-Match` with a command that "
    "rests on what was read.",
)
async def read_review(incident_id: Id, desk: ReviewDesk) -> IncidentView:
    loaded = await desk.load(incident_id)
    async with desk.read() as connection:
        view = found(await queries.review(connection, incident_id), f"incident {incident_id}")
    gates = domain.gates(loaded.state, desk.actor)
    return IncidentView(
        **view.model_dump(),
        version=loaded.version,
        gates=[GateView.of(gate) for gate in gates],
        missing=[name for gate in gates for name in gate.missing],
        next_commands=list(domain.next_commands(loaded.state, desk.actor)),
        report=f"/incidents/{incident_id}/report",
    )


@router.get(
    "/action-items",
    tags=["reviews"],
    dependencies=[allow(*READERS)],
    summary="What is owed, and by whom; what is due first comes first.",
    description="The action items of all findings. Filters are joined by and.",
)
async def list_action_items(
    desk: ReviewDesk,
    wanted: Annotated[ActionItemFilter, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ActionItemView]:
    return await desk.page(queries.action_items, wanted, ACTION_ITEMS, limit, cursor)


@router.get(
    "/lessons",
    tags=["reviews"],
    dependencies=[allow_any()],
    summary="The lessons of all published reports, the newest first.",
    description="For everybody who works here. Those of exercises are marked as such.",
)
async def list_lessons(
    desk: ReviewDesk, exercise: Flag | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[LessonView]:
    return await desk.page(queries.lessons, exercise, LESSONS, limit, cursor)
