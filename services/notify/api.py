"""HTTP of notify: drafts, approvals, requests and outcomes in; who must be told, who was, and with
what out."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from services.notify import domain, queries
from services.notify.bodies import (
    ApprovalBody,
    ChannelView,
    CommunicationRow,
    CommunicationView,
    DraftBody,
    IncidentRow,
    IncidentView,
    OutcomeBody,
    RejectionBody,
    Status,
    WaiverBody,
)
from services.notify.domain import (
    Approve,
    Command,
    DecideOutcome,
    DraftCommunication,
    Reject,
    RequestSend,
    State,
    Waive,
)
from services.notify.settings import channels_of
from shared.contract.authority import who_may
from shared.contract.decision import Actor
from shared.contract.vocabulary import Audience, Determination, Severity
from shared.runtime.web.auth import READERS
from shared.runtime.web.bodies import Flag, Id, Name
from shared.runtime.web.desk import Accepted, Cursor, Desk, Limit, Order, Page, allow, desk, found
from shared.runtime.web.gates import GateView
from shared.runtime.web.moments import Moment
from shared.runtime.web.reading import StrictRoute

SHOWN: Final = 200
"""Most messages that an incident's view shows."""

UNNAMED: Final = ApprovalBody()
"""What a request without a body asks for."""

router = APIRouter(route_class=StrictRoute)

NEWEST_KNOWN_FIRST: Final[Order[IncidentRow]] = Order(
    lambda row: (row.known_since, row.incident_id), (datetime, UUID)
)
NEWEST_DRAFT_FIRST: Final[Order[CommunicationRow]] = Order(
    lambda row: (row.drafted_at, row.communication_id), (datetime, UUID)
)

NotifyDesk = Annotated[Desk[Command, State], Depends(desk)]


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
    exercise: Flag | None = None,
    determination: Determination | None = None,
    severity: Severity | None = None,
    owes_telling: Annotated[
        Flag | None, Query(description="Whether an audience must still be told.")
    ] = None,
    since: Annotated[Moment | None, Query(description="Known at or after.")] = None,
    until: Annotated[Moment | None, Query(description="Known before.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[IncidentRow]:
    wanted = queries.IncidentFilter(exercise, determination, severity, owes_telling, since, until)
    return await desk.page(queries.incidents, wanted, NEWEST_KNOWN_FIRST, limit, cursor)


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
            connection, queries.MessageFilter(incident_id=incident_id), SHOWN
        )
    return IncidentView(
        **row.model_dump(),
        version=loaded.version,
        duties=duties,
        # What was drafted since the state was loaded belongs to a later version.
        communications=[
            _view(item, state, desk.actor)
            for item in messages
            if item.communication_id in state.messages
        ],
        gates=[GateView.of(gate) for gate in domain.gates(state)],
        next_commands=list(domain.next_commands(state, desk.actor)),
    )


def _view(row: CommunicationRow, state: State, actor: Actor) -> CommunicationView:
    message = state.messages[row.communication_id]
    return CommunicationView(
        **row.model_dump(),
        gates=[GateView.of(gate) for gate in domain.message_gates(message, state)],
        next_commands=list(domain.next_for_message(message, state, actor)),
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
    incident_id: Id | None = None,
    status: Status | None = None,
    audience: Audience | None = None,
    channel: Name | None = None,
    drafted_by: Name | None = None,
    exercise: Flag | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CommunicationRow]:
    wanted = queries.MessageFilter(incident_id, status, audience, channel, drafted_by, exercise)
    return await desk.page(queries.communications, wanted, NEWEST_DRAFT_FIRST, limit, cursor)


@router.get(
    "/channels",
    tags=["communications"],
    dependencies=[allow(*READERS)],
    summary="The channels that messages can go out by.",
    description="Their names; where they lead is the service's own secret. All on one page.",
)
async def list_channels(desk: NotifyDesk) -> Page[ChannelView]:
    return Page(items=[ChannelView(name=name) for name in sorted(channels_of(desk.running).names)])


@router.post(
    "/incidents/{incident_id}/communications",
    status_code=201,
    tags=["communications"],
    dependencies=[allow(*who_may(DraftCommunication))],
    summary="Draft a message.",
    description="It cites the established facts that it rests on. Somebody else approves it; "
    "outside the company legal does, too.",
)
async def draft(incident_id: Id, body: DraftBody, desk: NotifyDesk) -> Accepted:
    channels = channels_of(desk.running).names
    command = DraftCommunication(
        desk.new_id(), body.audience, body.channel, body.title, body.text, body.facts, channels
    )
    return await desk.carry_out(incident_id, command)


@router.post(
    "/incidents/{incident_id}/communications/{communication_id}/approval",
    status_code=201,
    tags=["communications"],
    dependencies=[allow(*who_may(Approve))],
    summary="Approve a message that another person drafted.",
    description="One person gives one approval. Without a body it is the one that is lacking and "
    "yours to give.",
)
async def approve(
    incident_id: Id, communication_id: Id, desk: NotifyDesk, body: ApprovalBody = UNNAMED
) -> Accepted:
    return await desk.carry_out(incident_id, Approve(communication_id, body.approval))


@router.post(
    "/incidents/{incident_id}/communications/{communication_id}/rejection",
    status_code=201,
    tags=["communications"],
    dependencies=[allow(*who_may(Reject))],
    summary="Reject a message, with the reason.",
    description="Until its sending begins, also while a failed one waits to be tried again. A new "
    "draft may follow.",
)
async def reject(
    incident_id: Id, communication_id: Id, body: RejectionBody, desk: NotifyDesk
) -> Accepted:
    return await desk.carry_out(incident_id, Reject(communication_id, body.reason))


@router.post(
    "/incidents/{incident_id}/communications/{communication_id}/request",
    status_code=201,
    tags=["communications"],
    dependencies=[allow(*who_may(RequestSend))],
    summary="Ask for an approved message to be sent.",
    description="The answer comes before it is sent: `communicated`, `send_failed` or "
    "`send_outcome_unknown` follow on the timeline. "
    "What a channel refuses is tried again, later each time; after the last try a new request is "
    "needed.",
)
async def request_send(incident_id: Id, communication_id: Id, desk: NotifyDesk) -> Accepted:
    return await desk.carry_out(incident_id, RequestSend(communication_id))


@router.post(
    "/incidents/{incident_id}/communications/{communication_id}/outcome",
    status_code=201,
    tags=["communications"],
    dependencies=[allow(*who_may(DecideOutcome))],
    summary="State whether a message of unknown outcome went out.",
    description="A message whose sending broke off is never sent again by itself: somebody looks, "
    "and says what they found.",
)
async def decide_outcome(
    incident_id: Id, communication_id: Id, body: OutcomeBody, desk: NotifyDesk
) -> Accepted:
    return await desk.carry_out(
        incident_id, DecideOutcome(communication_id, body.delivered, body.reason)
    )


@router.post(
    "/incidents/{incident_id}/waivers",
    status_code=201,
    tags=["incidents"],
    dependencies=[allow(*who_may(Waive))],
    summary="Waive the duty to tell an audience, with the reason.",
    description="For an audience that an assessment has made it a duty to tell, and that was not "
    "told.",
)
async def waive(incident_id: Id, body: WaiverBody, desk: NotifyDesk) -> Accepted:
    return await desk.carry_out(incident_id, Waive(body.audience, body.reason))
