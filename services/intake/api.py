"""HTTP of intake: reports in, receipts out; the public status; what staff read."""

import contextlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from services.intake import cloudevents, domain, views
from services.intake.bodies import (
    IDEMPOTENCY_KEY,
    RECEIPT_EXAMPLE,
    REPORT_EXAMPLE,
    IncidentView,
    PublicStatus,
    ReportBody,
    ReporterView,
    ReportReceipt,
    ReportView,
)
from services.intake.cloudevents import CloudEvent, Mode, NotACloudEvent, UnknownFormat
from services.intake.domain import Command, State
from services.intake.reception import Reception, numbered, reception
from shared.contract.authority import who_may
from shared.contract.catalogue.intake import ReportChannel
from shared.contract.decision import Missing
from shared.runtime.say.conflicts import Malformed
from shared.runtime.web import problems
from shared.runtime.web.auth import READERS, Allow
from shared.runtime.web.desk import Cursor, Desk, Limit, Page, allow, desk, public
from shared.runtime.web.direct import DirectRoute
from shared.runtime.web.limits import takes
from shared.runtime.web.moments import Moment
from shared.runtime.web.paging import decode_cursor

MOST: Final = 10_000
"""Reports that one request may carry."""
NEWEST: Final = 20
NDJSON: Final = "application/x-ndjson"
SAME_AS_NDJSON: Final = frozenset({NDJSON, "application/ndjson", "application/jsonl"})

T = TypeVar("T")


class ReportRoute(DirectRoute):
    """Takes a report that is plainly one; any other goes the declared way, to its refusal."""

    async def direct(self, request: Request, guard: Allow) -> Response | None:
        body = _plainly_a_report(request, await request.body())
        if body is None:
            return None
        await guard.check(request)
        receiving = await reception(request)
        receipt = await receiving.take(
            body, ReportChannel.API, key=receiving.own_key(request.headers.get("Idempotency-Key"))
        )
        return _created(
            receipt, Response(receipt.model_dump_json(), 201, media_type="application/json")
        )


router = APIRouter()
log = structlog.get_logger(__name__)

IntakeDesk = Annotated[Desk[Command, State], Depends(desk)]
Receiving = Annotated[Reception, Depends(reception)]

_OTHER_MEDIA: Final[dict[int | str, dict[str, Any]]] = {
    415: {
        "description": "Another content type is expected: which",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}

_PROBLEM_EXAMPLE: Final = {
    "type": "https://incident-ledger.example/problems/invalid",
    "title": "A field is wrong",
    "status": 422,
    "detail": "See errors: each names a field and what it must be.",
    "errors": [{"pointer": "#/platfrom", "detail": "is no field of this request; leave it out"}],
}


def _answers(place: str, first: int) -> list[dict[str, Any]]:
    return [
        {place: first, "status": 201, "receipt": RECEIPT_EXAMPLE},
        {place: first + 1, "status": 422, "problem": _PROBLEM_EXAMPLE},
    ]


_LINES_EXAMPLE: Final = "".join(f"{json.dumps(answer)}\n" for answer in _answers("line", 1))

_EVENT_EXAMPLE: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "finding-4711",
    "source": "//dlp.example/scanner",
    "type": "com.example.dlp.finding",
    "datacontenttype": "application/json",
    "data": REPORT_EXAMPLE,
}


async def report(
    body: ReportBody,
    receiving: Receiving,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern=IDEMPOTENCY_KEY,
            description="1 to 255 visible ASCII characters, unique to the report: a retry with it gets the same receipt.",
            examples=["2f1c9d5e-report-17"],
        ),
    ] = None,
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            pattern=r'^(\*|"\d{1,18}")$',
            description="For a report that adds to an incident, and only at this version of it. Best left out.",
            examples=['"7"'],
        ),
    ] = None,
) -> ReportReceipt:
    receipt = await receiving.take(
        body,
        ReportChannel.API,
        key=receiving.own_key(idempotency_key),
        expected_version=None if if_match in {None, "*"} else int(if_match.strip('"')),
    )
    _created(receipt, response)
    return receipt


router.add_api_route(
    "/reports",
    report,
    methods=["POST"],
    route_class_override=ReportRoute,
    status_code=201,
    tags=["reports"],
    dependencies=[allow(*who_may("report"))],
    summary="Report something: opens an incident, or adds to the one it names.",
    description="Everything may be left out or be unknown. The receipt comes after commit.",
)


@router.post(
    "/reports/batch",
    tags=["reports"],
    dependencies=[allow(*who_may("report")), takes(16 * 1024 * 1024)],
    summary=f"Up to {MOST} reports, one JSON object a line; each line has its own answer, in order.",
    description="A line is a report, and may carry an `idempotency_key`. A bad line does not spoil the others; empty lines are passed "
    "over. The answers come while later lines are still being written.",
    response_class=StreamingResponse,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                NDJSON: {
                    "schema": {"type": "string"},
                    "example": '{"exposure":{"platform":"mastodon"}}\n{"exercise":true}\n',
                }
            },
        }
    },
    responses={
        200: {"description": "One answer a line", "content": {NDJSON: {"example": _LINES_EXAMPLE}}},
        **_OTHER_MEDIA,
    },
)
async def report_batch(request: Request, receiving: Receiving) -> StreamingResponse:
    if (
        request.headers.get("content-type", "").partition(";")[0].strip().lower()
        not in SAME_AS_NDJSON
    ):
        raise HTTPException(415, f"send the reports as {NDJSON}: one JSON object a line")
    body = await request.body()
    _check_count(sum(1 for _ in numbered(body)))
    return StreamingResponse(_lines(receiving.take_lines(numbered(body))), media_type=NDJSON)


@router.post(
    "/events",
    status_code=201,
    tags=["reports"],
    dependencies=[allow(*who_may("report")), takes(4 * 1024 * 1024)],
    summary="Report by CloudEvents 1.0 over HTTP: binary, structured or batched.",
    description="The event's data is a report, as for POST /reports; its type may be any. The same source and id again get the same "
    "receipt. A batch is answered with 200 and an array: each event's own answer, in order.",
    response_model=ReportReceipt,
    openapi_extra={
        "parameters": [
            {
                "name": f"ce-{name}",
                "in": "header",
                "required": False,
                "description": f"The attribute `{name}` of an event in binary mode.",
                "schema": {"type": "string"},
                "example": _EVENT_EXAMPLE[name],
            }
            for name in ("specversion", "id", "source", "type")
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/cloudevents+json": {
                    "schema": {"type": "object"},
                    "example": _EVENT_EXAMPLE,
                },
                "application/cloudevents-batch+json": {
                    "schema": {"type": "array", "items": {"type": "object"}},
                    "example": [_EVENT_EXAMPLE],
                },
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/ReportBody"},
                    "example": REPORT_EXAMPLE,
                },
            },
        },
    },
    responses={
        200: {
            "description": "A batch: one answer an event",
            "content": {"application/json": {"example": _answers("index", 0)}},
        },
        **_OTHER_MEDIA,
    },
)
async def report_event(request: Request, receiving: Receiving, response: Response) -> Any:
    body = await request.body()
    event = _cloud_event(request, body)
    if isinstance(event, CloudEvent):
        receipt = await receiving.take_event(event)
        _created(receipt, response)
        return receipt
    _check_count(len(event))
    answers = [answer async for ready in receiving.take_events(event) for answer in ready]
    return Response(b"[" + b",".join(answers) + b"]", media_type="application/json")


@router.get(
    "/reports/{report_id}/status",
    tags=["reports"],
    dependencies=[public()],
    summary="How far the incident of a report has come.",
    description="For whoever holds the receipt: no token, and no details.",
)
async def report_status(report_id: UUID, request: Request) -> PublicStatus:
    async with request.app.state.running.read() as connection:
        status = await views.public_status(connection, report_id)
    return _found(status, f"report {report_id}")


@router.get(
    "/reports",
    tags=["reports"],
    dependencies=[allow(*READERS)],
    summary="Reports, the newest first.",
    description="Those that fit all filters. Send a page's `next` as `cursor`, with the same filters, for the page after it.",
)
async def list_reports(
    desk: IntakeDesk,
    incident_id: UUID | None = None,
    exercise: bool | None = None,
    anonymous: bool | None = None,
    channel: ReportChannel | None = None,
    platform: Annotated[
        str | None, Query(max_length=200, description="In upper or lower case.")
    ] = None,
    since: Annotated[Moment | None, Query(description="Said at or after.")] = None,
    until: Annotated[Moment | None, Query(description="Said before.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReportView]:
    wanted = views.Filter(incident_id, exercise, anonymous, channel, platform, since, until)
    before = decode_cursor(cursor, datetime, UUID) if cursor else None
    async with desk.read() as connection:
        found = await views.reports(connection, wanted, limit + 1, before)
    return Page.of(found, limit, lambda last: (last.said_at, last.report_id))


@router.get(
    "/reports/{report_id}",
    tags=["reports"],
    dependencies=[allow(*READERS)],
    summary="One report.",
    description="As it was said, with its place on the chain. Who told us is behind the reference `data.reporter`.",
)
async def read_report(report_id: UUID, desk: IntakeDesk) -> ReportView:
    async with desk.read() as connection:
        return _found(await views.report(connection, report_id), f"report {report_id}")


@router.get(
    "/reporters/{reference}",
    tags=["reports"],
    dependencies=[allow(*who_may("read_reporter"))],
    summary="Who told us.",
    description="For legal only: the one place where a reporter has a name. Every look is logged, with who looked.",
)
async def read_reporter(reference: UUID, desk: IntakeDesk) -> ReporterView:
    async with desk.read() as connection:
        reporter = _found(await views.reporter(connection, reference), f"reporter {reference}")
    log.info("a reporter's identity was read", reference=str(reference), by=desk.actor.subject)
    return reporter


@router.get(
    "/incidents/{incident_id}",
    tags=["incidents"],
    dependencies=[allow(*READERS)],
    summary="An incident as intake knows it.",
    description="Its newest reports, how far it has come, and what the caller may do next. The ETag is its version.",
)
async def read_incident(incident_id: UUID, desk: IntakeDesk) -> IncidentView:
    loaded = await desk.load(incident_id)
    async with desk.read() as connection:
        incident = _found(await views.incident(connection, incident_id), f"incident {incident_id}")
        newest = await views.reports(connection, views.Filter(incident_id), NEWEST)
    return IncidentView(
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


async def _lines(answers: AsyncGenerator[list[bytes], None]) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(answers):
        async for ready in answers:
            yield b"\n".join(ready) + b"\n"


def _cloud_event(request: Request, body: bytes) -> CloudEvent | list[CloudEvent | NotACloudEvent]:
    try:
        match cloudevents.mode_of(request.headers):
            case Mode.BINARY:
                return cloudevents.read_binary(request.headers, body)
            case Mode.STRUCTURED:
                return cloudevents.read_structured(body)
            case Mode.BATCHED:
                return cloudevents.read_batched(body)
    except UnknownFormat as error:
        raise HTTPException(415, str(error)) from error
    except NotACloudEvent as error:
        raise Malformed(str(error)) from error


def _check_count(reports: int) -> None:
    if reports > MOST:
        raise HTTPException(
            413,
            f"these are {reports} reports; send at most {MOST} in one request. None was recorded.",
        )


def _plainly_a_report(request: Request, body: bytes) -> ReportBody | None:
    headers = request.headers
    key = headers.get("Idempotency-Key")
    if headers.get("Content-Type") != "application/json" or "If-Match" in headers:
        return None
    if key is not None and not re.fullmatch(IDEMPOTENCY_KEY, key):
        return None
    try:
        return ReportBody.model_validate_json(body)
    except ValidationError:
        return None


def _created(receipt: ReportReceipt, response: Response) -> Response:
    response.headers["Location"] = receipt.links.report
    response.headers["ETag"] = f'"{receipt.version}"'
    return response


def _found(view: T | None, what: str) -> T:
    if view is None:
        raise Missing(what)
    return view
