"""What people ask notify to do: each route turns a request into its command."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from services.notify.bodies import (
    ApprovalBody,
    DraftBody,
    OutcomeBody,
    RejectionBody,
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
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import Accepted, Desk, allow, desk
from shared.runtime.web.reading import StrictRoute

UNNAMED: Final = ApprovalBody()
"""What a request without a body asks for."""

router = APIRouter(route_class=StrictRoute)

NotifyDesk = Annotated[Desk[Command, State], Depends(desk)]


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
