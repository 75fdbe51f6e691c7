"""How reports come in: one or many at a time, against receipts."""

import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError, WithJsonSchema
from starlette.exceptions import HTTPException

from services.intake import batches, bounds, cloudevents, documents
from services.intake.bodies import IDEMPOTENCY_KEY, ReportBody, ReportReceipt
from services.intake.cloudevents import CloudEvent, Mode, NotACloudEvent, UnknownFormat
from services.intake.reception import Reception, reception
from shared.contract.authority import who_may
from shared.contract.catalogue.intake import ReportChannel
from shared.runtime.say.conflicts import Malformed
from shared.runtime.web.auth import Allow, allow
from shared.runtime.web.direct import DirectRoute
from shared.runtime.web.edge.limits import takes
from shared.runtime.web.edge.traces import leaves_trace
from shared.runtime.web.reading import StrictRoute
from shared.runtime.web.strict import Unreadable

SAME_AS_NDJSON: Final = frozenset({documents.NDJSON, "application/ndjson", "application/jsonl"})
IF_MATCH: Final = r'^(\*|"[0-9]{1,18}")$'


class ReportRoute(DirectRoute, StrictRoute):
    """Takes a report that is plainly one; any other goes the declared way, to its refusal."""

    async def direct(self, request: Request, guard: Allow) -> Response | None:
        await guard.check(request)
        body = _plainly_a_report(request, await request.body())
        if body is None:
            return None
        receiving = await reception(request)
        receipt = await receiving.take(
            body, ReportChannel.API, key=receiving.own_key(request.headers.get("Idempotency-Key"))
        )
        return _created(
            receipt, Response(receipt.model_dump_json(), 201, media_type="application/json")
        )


router = APIRouter()

Receiving = Annotated[Reception, Depends(reception)]


async def report(
    body: ReportBody,
    receiving: Receiving,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "pattern": IDEMPOTENCY_KEY}),
        Header(
            alias="Idempotency-Key",
            pattern=IDEMPOTENCY_KEY,
            description="1 to 255 visible ASCII characters, unique to the report: a retry with it "
            "gets the same receipt. For an anonymous report, random ones, and within a day: "
            "nothing is kept by which its caller could be told.",
            examples=["2f1c9d5e-report-17"],
        ),
    ] = None,
    if_match: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "pattern": IF_MATCH}),
        Header(
            alias="If-Match",
            pattern=IF_MATCH,
            description="For a report that adds to an incident, and only at this version of it. "
            "Best left out.",
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
    dependencies=[allow(*who_may("report")), leaves_trace()],
    summary="Report something: opens an incident, or adds to the one it names.",
    description="Everything may be left out or be unknown. The receipt comes after commit. An "
    "incident to which the caller may not add is answered as one that is not known.",
)


@router.post(
    "/reports/batch",
    tags=["reports"],
    dependencies=[allow(*who_may("report")), takes(16 * 1024 * 1024), leaves_trace()],
    summary=f"Up to {batches.MOST} reports, one JSON object a line; each line has its own answer, "
    "in order.",
    description="A line is a report, and may carry an `idempotency_key`. A bad line does not spoil "
    "the others; empty lines are passed over. The answers come while later lines are still being "
    "written.",
    response_class=StreamingResponse,
    openapi_extra=documents.BATCH,
    responses=documents.BATCH_ANSWERS,
)
async def report_batch(request: Request, receiving: Receiving) -> StreamingResponse:
    if (
        request.headers.get("content-type", "").partition(";")[0].strip().lower()
        not in SAME_AS_NDJSON
    ):
        raise HTTPException(415, f"send the reports as {documents.NDJSON}: one JSON object a line")
    body = await request.body()
    lines = await batches.counted(bounds.lines, body)
    return StreamingResponse(
        _lines(batches.take_lines(receiving, body, lines)), media_type=documents.NDJSON
    )


@router.post(
    "/events",
    status_code=201,
    tags=["reports"],
    dependencies=[allow(*who_may("report")), takes(4 * 1024 * 1024), leaves_trace()],
    summary="Report by CloudEvents 1.0 over HTTP: binary, structured or batched.",
    description="The event's data is a report, as for POST /reports; its type may be any. The "
    "caller is registered for the event's source (`ledger source add`), else the answer is 403. "
    "The same source and id again get the same receipt. A batch is answered with 200 and an array: "
    "each event's own answer, in order.",
    response_model=ReportReceipt,
    openapi_extra=documents.EVENTS,
    responses=documents.EVENT_ANSWERS,
)
async def report_event(request: Request, receiving: Receiving, response: Response) -> Any:
    body = await request.body()
    event = await _cloud_event(request, body)
    if isinstance(event, CloudEvent):
        receipt = await receiving.take_event(event)
        _created(receipt, response)
        return receipt
    taking = batches.take_events(receiving, body, event)
    answers = [answer async for ready in taking for answer in ready]
    return Response(b"[" + b",".join(answers) + b"]", media_type="application/json")


async def _cloud_event(request: Request, body: bytes) -> CloudEvent | list[slice]:
    """The event; of a batch, where each stands in the body."""
    try:
        match cloudevents.mode_of(request.headers):
            case Mode.BINARY:
                return cloudevents.read_binary(request.headers, body)
            case Mode.STRUCTURED:
                return cloudevents.read_structured(body)
            case Mode.BATCHED:
                return await batches.counted(bounds.elements, body)
    except UnknownFormat as error:
        raise HTTPException(415, str(error)) from error
    except bounds.NotAnArray as error:
        raise Malformed(f"a batch is a JSON array of events: {error}") from error
    except NotACloudEvent as error:
        raise Malformed(str(error)) from error


async def _lines(answers: AsyncGenerator[list[bytes], None]) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(answers):
        async for ready in answers:
            yield b"\n".join(ready) + b"\n"


def _plainly_a_report(request: Request, body: bytes) -> ReportBody | None:
    headers = request.headers
    key = headers.get("Idempotency-Key")
    if headers.get("Content-Type") != "application/json" or "If-Match" in headers:
        return None
    if key is not None and not re.fullmatch(IDEMPOTENCY_KEY, key):
        return None
    try:
        return ReportBody.read(body)
    except (Unreadable, ValidationError):
        return None


def _created(receipt: ReportReceipt, response: Response) -> Response:
    response.headers["Location"] = receipt.links.report
    response.headers["ETag"] = f'"{receipt.version}"'
    return response
