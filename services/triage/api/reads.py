"""What readers ask of triage: incidents, and what each waits for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from services.triage import domain, queries
from services.triage.bodies import ActionView, IncidentFilter, IncidentRow, IncidentView
from shared.runtime.web.auth import READERS
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import Cursor, Desk, Limit, Order, Page, allow, desk, found
from shared.runtime.web.gates import GateView
from shared.runtime.web.reading import StrictRoute

router = APIRouter(tags=["incidents"], route_class=StrictRoute)

TriageDesk = Annotated[Desk[domain.Command, domain.State], Depends(desk)]

NEWEST_FIRST: Final[Order[IncidentRow]] = Order(
    lambda last: (last.opened_at, last.incident_id), (datetime, UUID)
)


@router.get(
    "/incidents",
    dependencies=[allow(*READERS)],
    summary="Incidents, the newest first.",
    description="Those that fit all filters. Send a page's `next` as `cursor`, with the same "
    "filters, for the page after it.",
)
async def list_incidents(
    desk: TriageDesk,
    wanted: Annotated[IncidentFilter, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[IncidentRow]:
    return await desk.page(queries.incidents, wanted, NEWEST_FIRST, limit, cursor)


@router.get(
    "/incidents/{incident_id}",
    dependencies=[allow(*READERS)],
    summary="One incident: facts, seats, assessment, actions with their gates, and what you may do "
    "next.",
    description="The ETag is the incident's version; send it as If-Match with a command that must "
    "not be decided on anything newer.",
)
async def read_incident(incident_id: Id, desk: TriageDesk) -> IncidentView:
    loaded = await desk.load(incident_id)
    state = loaded.state
    async with desk.read() as connection:
        row = found(await queries.incident(connection, incident_id), f"incident {incident_id}")
        # What was said since the state was loaded belongs to a later version.
        facts = await queries.facts(connection, incident_id, loaded.version)
        seats = await queries.seats(connection, incident_id)
        actions = await queries.actions(connection, incident_id, loaded.version)
        broken = await queries.broken_glass(connection, incident_id, loaded.version)
    gates = [GateView.of(gate) for gate in domain.gates(state)]
    view = IncidentView(
        **dict(row),
        version=loaded.version,
        facts=facts,
        seats=seats,
        actions=[
            _with_gates(action, gates, domain.next_on_action(action.action_id, state, desk.actor))
            for action in actions
        ],
        break_glass=broken,
        gates=gates,
        missing=list(
            dict.fromkeys(name for gate in gates if not gate.open for name in gate.missing)
        ),
        next_commands=list(domain.next_commands(state, desk.actor)),
    )
    return await desk.with_people(view)


def _with_gates(
    action: ActionView, gates: Sequence[GateView], offered: Sequence[str]
) -> ActionView:
    own = [gate for gate in gates if gate.subject == str(action.action_id)]
    return action.model_copy(update={"gates": own, "next_commands": list(offered)})
