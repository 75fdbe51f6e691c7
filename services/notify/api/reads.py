"""What readers ask of notify: who must be told, messages with what they wait for, channels."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from services.notify import domain, queries
from services.notify.bodies import (
    CommunicationRow,
    CommunicationView,
    IncidentFilter,
    IncidentRow,
    IncidentView,
    MessageFilter,
)
from shared.runtime.web.auth import READERS
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import Cursor, Desk, Limit, Order, Page, allow, desk, found
from shared.runtime.web.gates import GateView
from shared.runtime.web.reading import StrictRoute

SHOWN: Final = 200
"""Most messages that an incident's view shows."""

router = APIRouter(route_class=StrictRoute)

NotifyDesk = Annotated[Desk[domain.Command, domain.State], Depends(desk)]

INCIDENTS: Final[Order[IncidentRow]] = Order(
    lambda last: (last.known_since, last.incident_id), (datetime, UUID)
)
MESSAGES: Final[Order[CommunicationRow]] = Order(
    lambda last: (last.drafted_at, last.communication_id), (datetime, UUID)
)


@router.get(
    "/incidents",
    tags=["incidents"],
    dependencies=[allow(*READERS)],
    summary="Incidents, the newest first.",
    description="Those that fit all filters. Send a page's `next` as `cursor`, with the same "
    "filters, for the page after it.",
)
async def list_incidents(
    desk: NotifyDesk,
    wanted: Annotated[IncidentFilter, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[IncidentRow]:
    return await desk.page(queries.incidents, wanted, INCIDENTS, limit, cursor)


@router.get(
    "/incidents/{incident_id}",
    tags=["incidents"],
    dependencies=[allow(*READERS)],
    summary="One incident: who must be told, its messages with what they wait for, and what you "
    "may do next.",
    description="The ETag is the incident's version; send it as If-Match with a command that must "
    "not be decided on anything newer.",
)
async def read_incident(incident_id: Id, desk: NotifyDesk) -> IncidentView:
    loaded = await desk.load(incident_id)
    state = loaded.state
    async with desk.read() as connection:
        row = found(await queries.incident(connection, incident_id), f"incident {incident_id}")
        duties = await queries.duties(connection, incident_id)
        messages = await queries.communications(
            connection, MessageFilter(incident_id=incident_id), SHOWN
        )
    view = IncidentView(
        **row.model_dump(),
        version=loaded.version,
        duties=duties,
        # What was drafted since the state was loaded belongs to a later version.
        communications=[
            _view(item, state, desk) for item in messages if item.communication_id in state.messages
        ],
        gates=[GateView.of(gate) for gate in domain.gates(state)],
        next_commands=list(domain.next_commands(state, desk.actor)),
    )
    return await desk.with_people(view)


def _view(row: CommunicationRow, state: domain.State, desk: NotifyDesk) -> CommunicationView:
    message = state.messages[row.communication_id]
    return CommunicationView(
        **row.model_dump(),
        gates=[GateView.of(gate) for gate in domain.message_gates(message, state)],
        next_commands=list(domain.next_for_message(message, state, desk.actor)),
    )


@router.get(
    "/communications",
    tags=["communications"],
    dependencies=[allow(*READERS)],
    summary="Messages of all incidents, the newest first.",
    description="Those that fit all filters: for example what a person must decide, "
    "`status=outcome_unknown`.",
)
async def list_communications(
    desk: NotifyDesk,
    wanted: Annotated[MessageFilter, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CommunicationRow]:
    return await desk.page(queries.communications, wanted, MESSAGES, limit, cursor)
