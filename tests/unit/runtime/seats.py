"""A small service for tests of the runtime: it fills the seats of an incident, under triage's
name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from shared.contract.authority import Role
from shared.contract.catalogue.triage import SeatFilled
from shared.contract.decision import Context, Rejected
from shared.contract.envelope import Event
from shared.contract.vocabulary import Seat, ServiceName
from shared.runtime.say.plan import Recorded, Write
from shared.runtime.say.rules import Rules
from shared.runtime.service import Service
from shared.runtime.web.bodies import Body, Subject, example
from shared.runtime.web.desk import Accepted, Desk, allow, allow_any, desk, public
from shared.runtime.web.reading import StrictRoute


@dataclass(frozen=True, slots=True)
class FillSeat:
    seat: Seat
    holder: str


State = Mapping[Seat, str]


def decide(command: FillSeat, state: State, _: Context) -> list[SeatFilled]:
    match state.get(command.seat):
        case None:
            return [SeatFilled(seat=command.seat, holder=command.holder)]
        case command.holder:
            return []
        case holder:
            raise Rejected(
                "seat_taken", f"{holder} has it", missing=("an empty seat",), who=(Role.LEAD,)
            )


def evolve(state: State, event: Event) -> State:
    return (
        {**state, event.data.seat: event.data.holder}
        if isinstance(event.data, SeatFilled)
        else state
    )


def project(_: Recorded) -> Iterator[Write]:
    yield from ()


class SeatBody(Body):
    model_config = example({"seat": "legal", "holder": "u-4711"})

    seat: Seat
    holder: Subject


class EchoBody(Body):
    model_config = example({"x": "Hello"})

    x: str


router = APIRouter(route_class=StrictRoute)
SeatDesk = Annotated[Desk[FillSeat, State], Depends(desk)]


@router.post("/incidents", status_code=201, dependencies=[allow(Role.LEAD)], summary="Open one.")
async def open_incident(body: SeatBody, desk: SeatDesk) -> Accepted:
    return await desk.carry_out(desk.new_id(), FillSeat(body.seat, body.holder), must_exist=False)


@router.post(
    "/incidents/{incident_id}/seats",
    status_code=201,
    dependencies=[allow(Role.LEAD)],
    summary="Fill a seat.",
)
async def fill_seat(incident_id: UUID, body: SeatBody, desk: SeatDesk) -> Accepted:
    return await desk.carry_out(incident_id, FillSeat(body.seat, body.holder))


@router.get("/incidents/{incident_id}/seats", dependencies=[allow_any()], summary="Who sits where.")
async def seats(incident_id: UUID, desk: SeatDesk) -> dict[str, str]:
    return {seat.value: holder for seat, holder in (await desk.load(incident_id)).state.items()}


@router.get("/me", dependencies=[allow_any()], summary="Who am I?")
async def me(desk: SeatDesk) -> dict[str, Any]:
    return {"subject": desk.actor.subject, "roles": sorted(desk.actor.roles)}


@router.post("/echo", dependencies=[public()], summary="The same again.")
async def echo(body: EchoBody) -> dict[str, Any]:
    return {"x": body.x}


@router.get("/page", dependencies=[public()], summary="A page.", response_class=HTMLResponse)
async def page() -> str:
    return "<p>a page</p>"


@router.get("/bug", dependencies=[public()], summary="A bug.")
async def bug() -> None:
    raise RuntimeError("dsn=postgresql://somebody:hunter2@db/incident")


RULES: Rules[FillSeat, State] = Rules(
    initial={},
    decide=decide,
    edition=lambda _command, _state: 1,
    evolve=evolve,
    project=project,
    view_tables=(),
)
SERVICE = Service(name=ServiceName.TRIAGE, title="Seats", rules=RULES, router=router)
