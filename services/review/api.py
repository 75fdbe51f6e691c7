"""HTTP of review: what was found and learned, the report, who owes what."""

import asyncio
import base64
import hashlib
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from starlette.exceptions import HTTPException
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from services.review import domain, log, queries
from services.review.bodies import (
    ActionItemView,
    FindingBody,
    IncidentView,
    LessonBody,
    LessonView,
    NextReviewBody,
    ObservationBody,
    PolicyClauseBody,
    ReviewView,
    Status,
)
from services.review.domain.commands import (
    CitePolicyClause,
    Command,
    OpenReview,
    Publish,
    RecordFinding,
    RecordLesson,
    RecordObservation,
    SetNextReview,
)
from services.review.domain.tables import LEAVES_NOTHING_OUT
from services.review.editions import edition, publication
from services.review.negotiation import RENDERINGS, Form, Rendering, preferred
from services.review.report import UnknownReportFormat
from shared.contract.authority import who_may
from shared.contract.catalogue.review import ActionItem, ReviewTrigger
from shared.contract.decision import Missing, Rejected
from shared.contract.envelope import Event
from shared.contract.vocabulary import Severity
from shared.runtime.web import problems
from shared.runtime.web.auth import READERS
from shared.runtime.web.bodies import Flag, Id, Name
from shared.runtime.web.desk import (
    Accepted,
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
from shared.runtime.web.moments import Day
from shared.runtime.web.reading import StrictRoute

PUBLISH_ATTEMPTS: Final = 10
"""How often a report is made anew because something was said or heard while it was made."""

CANNOT_SHOW: Final = "The published report cannot be shown"

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

router = APIRouter(route_class=StrictRoute)
router.include_router(log.router)

NEWEST_KNOWN_FIRST: Final[Order[ReviewView]] = Order(
    lambda row: (row.known_since, row.incident_id), (datetime, UUID)
)
SOONEST_DUE_FIRST: Final[Order[ActionItemView]] = Order(
    lambda item: (item.due, item.finding_id, item.number), (date, UUID, int)
)
NEWEST_LESSON_FIRST: Final[Order[LessonView]] = Order(
    lambda row: (row.published_at, row.lesson_id), (datetime, UUID)
)

ReviewDesk = Annotated[Desk[Command, domain.State], Depends(desk)]

_REPORT_EXAMPLE: Final = (
    "# Lessons-learned report\n\n## Summary\n\n- It was reported on 2026-03-02 09:00:00 UTC: …\n"
)
_REPORT_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report in the form that was asked for; the ETag is the SHA-256 of its bytes",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"format": 1, "exercise": "no"},
            },
            "text/markdown": {"schema": {"type": "string"}, "example": _REPORT_EXAMPLE},
            "text/html": {"schema": {"type": "string"}, "example": "<!doctype html>…"},
        },
    },
    304: {"description": "`If-None-Match` names the report as it is"},
    406: {
        "description": "`Accept` likes none of the forms that there are",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
    500: {
        "description": "This build makes other bytes of a published report than those whose digest is on the log",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
    501: {
        "description": "The report was published in a format that is newer than this build",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}


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
    status: Status | None = None,
    exercise: Flag | None = None,
    severity: Severity | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReviewView]:
    wanted = queries.ReviewFilter(status, exercise, severity)
    return await desk.page(queries.reviews, wanted, NEWEST_KNOWN_FIRST, limit, cursor)


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


@router.post(
    "/incidents/{incident_id}/review",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(OpenReview))],
    summary="Open a review by hand.",
    description="For a near miss or a suspected incident; the review of a confirmed one opens by "
    "itself.",
)
async def open_review(incident_id: Id, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, OpenReview(ReviewTrigger.REQUESTED))


@router.post(
    "/incidents/{incident_id}/findings",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(RecordFinding))],
    summary="Record a finding.",
    description="A contributing factor, the control layer that let it through, and either action "
    "items or a reason for none.",
)
async def record_finding(incident_id: Id, body: FindingBody, desk: ReviewDesk) -> Accepted:
    command = RecordFinding(
        finding_id=desk.new_id(),
        contributing_factor=body.contributing_factor,
        control_layer=body.control_layer,
        training_adequate=body.training_adequate,
        policy_understood=body.policy_understood,
        action_items=tuple(
            ActionItem(description=item.description, owner=item.owner, due=item.due)
            for item in body.action_items
        ),
        no_action_reason=body.no_action_reason,
    )
    return await desk.carry_out(incident_id, command)


@router.post(
    "/incidents/{incident_id}/observations",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(RecordObservation))],
    summary="Record what went well, what went wrong, or where we were lucky.",
    description="Luck is what would have made it worse, had it been otherwise.",
)
async def record_observation(incident_id: Id, body: ObservationBody, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, RecordObservation(body.kind, body.text))


@router.post(
    "/incidents/{incident_id}/lessons",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(RecordLesson))],
    summary="Record a lesson.",
    description="Everybody reads it under /lessons once the report is published: name nobody.",
)
async def record_lesson(incident_id: Id, body: LessonBody, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, RecordLesson(body.text))


@router.post(
    "/incidents/{incident_id}/policy-clauses",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(CitePolicyClause))],
    summary="Cite a policy clause that is concerned.",
    description="With a comment when the clause is to be changed, or was not understood.",
)
async def cite_policy_clause(incident_id: Id, body: PolicyClauseBody, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(
        incident_id, CitePolicyClause(body.policy, body.clause, body.comment)
    )


@router.post(
    "/incidents/{incident_id}/next-review",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(SetNextReview))],
    summary="Set when this is looked at again.",
    description="The date that is set last holds.",
)
async def set_next_review(incident_id: Id, body: NextReviewBody, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, SetNextReview(body.on))


@router.post(
    "/incidents/{incident_id}/publication",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(Publish))],
    summary="Publish the report.",
    description="Says `reviewed`, with the digests of the report and the last events that it rests "
    "on. Refused by the rule `closure` "
    "while something is missing: what, and who can supply it.",
)
async def publish(incident_id: Id, desk: ReviewDesk) -> Accepted:
    tries = AsyncRetrying(
        retry=retry_if_exception(_left_something_out),
        stop=stop_after_attempt(PUBLISH_ATTEMPTS),
        reraise=True,
    )
    async for attempt in tries:
        with attempt:
            command = await asyncio.to_thread(publication, await _events(incident_id, desk))
            return await desk.carry_out(incident_id, command)
    raise AssertionError("unreachable: tenacity re-raises")


def _left_something_out(error: BaseException) -> bool:
    return isinstance(error, Rejected) and error.rule == LEAVES_NOTHING_OUT


@router.get(
    "/incidents/{incident_id}/report",
    tags=["reports"],
    dependencies=[allow(*READERS)],
    summary="The lessons-learned report.",
    description="Before publication a draft, marked as one, that says what is missing; afterwards "
    "the bytes whose digest is on the log, "
    "projected anew from the events that it covers. In JSON, Markdown or HTML: by `format`, or by "
    "`Accept`.",
    response_class=Response,
    responses=_REPORT_ANSWERS,
)
async def read_report(
    incident_id: Id,
    desk: ReviewDesk,
    form: Annotated[Form | None, Query(alias="format", description="Goes before `Accept`.")] = None,
    accept: Annotated[list[str] | None, Header(include_in_schema=False)] = None,
    if_none_match: Annotated[
        str | None,
        Header(alias="If-None-Match", description="The ETag of the report that the caller has."),
    ] = None,
) -> Response:
    wanted = form or preferred(", ".join(accept) if accept else None)
    if wanted is None:
        raise HTTPException(406, "the report is application/json, text/markdown or text/html")
    rendering = RENDERINGS[wanted]
    try:
        content, published = await asyncio.to_thread(
            _render, await _events(incident_id, desk), rendering
        )
    except UnknownReportFormat as error:
        return problems.problem(501, "report-format", CANNOT_SHOW, str(error))
    digest = hashlib.sha256(content)
    if published not in {None, digest.hexdigest()}:
        return problems.problem(
            500,
            "report-differs",
            CANNOT_SHOW,
            f"This build of review makes other bytes of it than those with the SHA-256 "
            f"{published}, which is on the log, though "
            "both are of one format: this is a bug of ours. Make the report from the log with the "
            "build that published it.",
        )
    headers = {
        "ETag": f'"{digest.hexdigest()}"',
        "Repr-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
        "Vary": "Accept",
        "Content-Security-Policy": POLICY,
    }
    if if_none_match is not None and (
        if_none_match.strip() == "*" or headers["ETag"] in if_none_match
    ):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=rendering.media_type, headers=headers)


def _render(events: list[Event], rendering: Rendering) -> tuple[bytes, str | None]:
    """The bytes, and the digest that the log has of them when they are published."""
    report, published = edition(events)
    return rendering.render(report), rendering.digest(published) if published else None


@router.get(
    "/action-items",
    tags=["reviews"],
    dependencies=[allow(*READERS)],
    summary="What is owed, and by whom; what is due first comes first.",
    description="The action items of all findings. Filters are joined by and.",
)
async def list_action_items(
    desk: ReviewDesk,
    owner: Name | None = None,
    due_before: Day | None = None,
    exercise: Flag | None = None,
    status: Annotated[Status | None, Query(description="Of the review that it comes from.")] = None,
    incident_id: Id | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ActionItemView]:
    wanted = queries.ActionItemFilter(owner, due_before, exercise, status, incident_id)
    return await desk.page(queries.action_items, wanted, SOONEST_DUE_FIRST, limit, cursor)


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
    return await desk.page(queries.lessons, exercise, NEWEST_LESSON_FIRST, limit, cursor)


async def _events(incident_id: Id, desk: ReviewDesk) -> list[Event]:
    """All that review knows of the incident, in the order in which it came to know it."""
    history = await desk.running.ledger.history(incident_id)
    if not history:
        raise Missing(f"incident {incident_id}")
    return [recorded.event for recorded in history]
