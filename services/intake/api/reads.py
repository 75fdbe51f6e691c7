"""What is read of intake: the public status, and reports, reporters and incidents by staff."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Request

from services.intake import domain, queries
from services.intake.bodies import (
    IncidentView,
    PublicStatus,
    ReporterView,
    ReportFilter,
    ReportView,
)
from shared.contract.authority import who_may
from shared.runtime.web.auth import READERS
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import (
    Cursor,
    Desk,
    Limit,
    Order,
    Page,
    allow,
    desk,
    found,
    public,
)
from shared.runtime.web.edge.traces import leaves_trace

NEWEST: Final = 20
"""Most reports that an incident's view shows."""

router = APIRouter()

log = structlog.get_logger(__name__)

IntakeDesk = Annotated[Desk[domain.Command, domain.State], Depends(desk)]

REPORTS: Final[Order[ReportView]] = Order(
    lambda last: (last.said_at, last.report_id), (datetime, UUID)
)


@router.get(
    "/reports/{report_id}/status",
    tags=["reports"],
    dependencies=[public(), leaves_trace()],
    summary="How far the incident of a report has come.",
    description="For anybody who holds the receipt: no token, and no details.",
)
async def report_status(report_id: Id, request: Request) -> PublicStatus:
    async with request.app.state.running.read() as connection:
        status = await queries.public_status(connection, report_id)
    return found(status, f"report {report_id}")


@router.get(
    "/reports",
    tags=["reports"],
    dependencies=[allow(*READERS)],
    summary="Reports, the newest first.",
    description="Those that fit all filters. Send a page's `next` as `cursor`, with the same "
    "filters, for the page after it.",
)
async def list_reports(
    desk: IntakeDesk,
    wanted: Annotated[ReportFilter, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReportView]:
    return await desk.page(queries.reports, wanted, REPORTS, limit, cursor)


@router.get(
    "/reports/{report_id}",
    tags=["reports"],
    dependencies=[allow(*READERS)],
    summary="One report.",
    description="As it was said, with its place on the chain. Who told us is behind the reference "
    "`data.reporter`.",
)
async def read_report(report_id: Id, desk: IntakeDesk) -> ReportView:
    async with desk.read() as connection:
        report = found(await queries.report(connection, report_id), f"report {report_id}")
    return await desk.with_people(report)


@router.get(
    "/reporters/{reference}",
    tags=["reports"],
    dependencies=[allow(*who_may("read_reporter"))],
    summary="Who told us.",
    description="For legal only: the one place where a reporter has a name. Every look is logged, "
    "with who looked.",
)
async def read_reporter(reference: Id, desk: IntakeDesk) -> ReporterView:
    async with desk.read() as connection:
        reporter = found(await queries.reporter(connection, reference), f"reporter {reference}")
    log.info("a reporter's identity was read", reference=str(reference), by=desk.actor.subject)
    return reporter


@router.get(
    "/incidents/{incident_id}",
    tags=["incidents"],
    dependencies=[allow(*READERS)],
    summary="An incident as intake knows it.",
    description="Its newest reports, how far it has come, and what the caller may do next. The "
    "ETag is its version.",
)
async def read_incident(incident_id: Id, desk: IntakeDesk) -> IncidentView:
    loaded = await desk.load(incident_id)
    async with desk.read() as connection:
        incident = found(await queries.incident(connection, incident_id), f"incident {incident_id}")
        newest = await queries.reports(connection, ReportFilter(incident_id), NEWEST)
    view = IncidentView(
        incident_id=incident_id,
        version=loaded.version,
        exercise=incident.exercise,
        stage=incident.stage,
        opened_at=incident.opened_at,
        report_count=incident.reports,
        reports=newest,
        gates=[gate.as_json() for gate in domain.gates(loaded.state)],
        next_commands=list(domain.next_commands(loaded.state, desk.actor)),
    )
    return await desk.with_people(view)
