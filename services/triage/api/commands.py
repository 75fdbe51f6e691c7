"""What people ask triage to do: each route turns a request into its command."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.triage.bodies import (
    ActionBody,
    AssessmentBody,
    BreakGlassBody,
    DismissalBody,
    FactBody,
    LegalViewBody,
    OutcomeBody,
    ReasonBody,
    SeatBody,
    WordBody,
)
from services.triage.domain import State
from services.triage.domain.commands import (
    Assess,
    AuthoriseAction,
    BreakGlass,
    CarryOut,
    Command,
    ConfirmBreakGlass,
    DecideInaction,
    Dismiss,
    FillSeat,
    GiveLegalView,
    ProposeAction,
    RecordFact,
)
from shared.contract.authority import who_may
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import Accepted, Desk, allow, desk
from shared.runtime.web.reading import StrictRoute

router = APIRouter(tags=["incidents"], route_class=StrictRoute)

TriageDesk = Annotated[Desk[Command, State], Depends(desk)]


@router.post(
    "/incidents/{incident_id}/facts",
    status_code=201,
    dependencies=[allow(*who_may(RecordFact))],
    summary="Record a fact, or correct one.",
    description="What is known, how surely, and from where. The value `unknown` is an answer too, "
    "and satisfies no gate. A correction "
    "names the fact that it corrects, which counts no more.",
)
async def record_fact(incident_id: Id, body: FactBody, desk: TriageDesk) -> Accepted:
    command = RecordFact(
        desk.new_id(),
        body.known_key,
        body.value,
        body.confidence,
        body.source,
        body.observed_at,
        body.corrects,
        label=body.label,
        known=body.known,
    )
    return await desk.carry_out(incident_id, command)


@router.post(
    "/incidents/{incident_id}/seats",
    status_code=201,
    dependencies=[allow(*who_may(FillSeat))],
    summary="Fill a seat, or take one of your own role.",
    description="Legal, communications and IT have to be filled before an incident can be assessed "
    "as confirmed.",
)
async def fill_seat(incident_id: Id, body: SeatBody, desk: TriageDesk) -> Accepted:
    return await desk.carry_out(incident_id, FillSeat(body.seat, body.holder))


@router.post(
    "/incidents/{incident_id}/assessments",
    status_code=201,
    dependencies=[allow(*who_may(Assess))],
    summary="Assess, or assess again.",
    description="Severity comes from a table over what leaked, who can see it and whether it is "
    "still live; its row is recorded.",
)
async def assess(incident_id: Id, body: AssessmentBody, desk: TriageDesk) -> Accepted:
    command = Assess(
        body.determination,
        body.information_types,
        body.exposure.stated(),
        body.severity_override,
        body.severity_override_reason,
    )
    return await desk.carry_out(incident_id, command)


@router.post(
    "/incidents/{incident_id}/actions",
    status_code=201,
    dependencies=[allow(*who_may(ProposeAction))],
    summary="Propose an action; its class follows from its kind.",
    description="A protective action can be carried out at once; a corrective one, or one against "
    "a person, waits for the gates that the "
    "incident shows.",
)
async def propose_action(incident_id: Id, body: ActionBody, desk: TriageDesk) -> Accepted:
    return await desk.carry_out(
        incident_id, ProposeAction(desk.new_id(), body.kind, body.target, body.reason)
    )


@router.post(
    "/incidents/{incident_id}/actions/{action_id}/legal-view",
    status_code=201,
    dependencies=[allow(*who_may(GiveLegalView))],
    summary="Give the legal view on an action; a later one replaces it.",
    description="Cleared, cleared with conditions, or refused, and on which ground. No break-glass "
    "passes a refusal.",
)
async def give_legal_view(
    incident_id: Id, action_id: Id, body: LegalViewBody, desk: TriageDesk
) -> Accepted:
    command = GiveLegalView(
        action_id, body.view, body.ground, body.conditions, body.protected_activity_considered
    )
    return await desk.carry_out(incident_id, command)


@router.post(
    "/incidents/{incident_id}/actions/{action_id}/authorisation",
    status_code=201,
    dependencies=[allow(*who_may(AuthoriseAction))],
    summary="Authorise an action; somebody else carries it out.",
    description="Asks for the required facts and the legal view on this very action; what is "
    "missing is named.",
)
async def authorise_action(incident_id: Id, action_id: Id, desk: TriageDesk) -> Accepted:
    return await desk.carry_out(incident_id, AuthoriseAction(action_id))


@router.post(
    "/incidents/{incident_id}/actions/{action_id}/outcome",
    status_code=201,
    dependencies=[allow(*who_may(CarryOut))],
    summary="State that you carried an action out, and what came of it.",
    description="Asks for every gate again, and names the authority. How an action ended that had "
    "begun is always recorded.",
)
async def carry_out(
    incident_id: Id, action_id: Id, body: OutcomeBody, desk: TriageDesk
) -> Accepted:
    return await desk.carry_out(
        incident_id, CarryOut(action_id, body.outcome, body.carried_out_at, body.note)
    )


@router.post(
    "/incidents/{incident_id}/break-glass",
    status_code=201,
    dependencies=[allow(*who_may(BreakGlass))],
    summary="Pass a gate with a reason; a second person's word is owed from then on.",
    description="For a corrective action that cannot wait. It is shown in every report, with what "
    "was missing.",
)
async def break_glass(incident_id: Id, body: BreakGlassBody, desk: TriageDesk) -> Accepted:
    return await desk.carry_out(
        incident_id, BreakGlass(desk.new_id(), body.gate, body.action_id, body.reason)
    )


@router.post(
    "/incidents/{incident_id}/break-glass/{break_glass_id}/confirmation",
    status_code=201,
    dependencies=[allow(*who_may(ConfirmBreakGlass))],
    summary="Give the second person's word on a use of break-glass.",
    description="By somebody who neither broke the glass nor carried the action out. If it is not "
    "upheld, the gate is closed again.",
)
async def confirm_break_glass(
    incident_id: Id, break_glass_id: Id, body: WordBody, desk: TriageDesk
) -> Accepted:
    return await desk.carry_out(
        incident_id, ConfirmBreakGlass(break_glass_id, body.upheld, body.note)
    )


@router.post(
    "/incidents/{incident_id}/inaction",
    status_code=201,
    dependencies=[allow(*who_may(DecideInaction))],
    summary="Decide not to act, with the reason.",
    description="On an assessment, and while no action is under way. The review of the incident "
    "can be closed on it.",
)
async def decide_inaction(incident_id: Id, body: ReasonBody, desk: TriageDesk) -> Accepted:
    return await desk.carry_out(incident_id, DecideInaction(body.reason))


@router.post(
    "/incidents/{incident_id}/dismissal",
    status_code=201,
    dependencies=[allow(*who_may(Dismiss))],
    summary="Let the incident go, with the reason.",
    description="It ends here; what is new about it is reported as a new incident. Which reasons "
    "fit which assessment, the refusal says.",
)
async def dismiss(incident_id: Id, body: DismissalBody, desk: TriageDesk) -> Accepted:
    return await desk.carry_out(incident_id, Dismiss(body.reason, body.note))
