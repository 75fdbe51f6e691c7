"""The report as readers fetch it: in the form that they prefer, with the digest that is on the
log."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Response
from starlette.exceptions import HTTPException

from services.review.editions import SkeletonDiffers, edition, skeleton
from services.review.negotiation import preferred
from services.review.report import RENDERINGS, Form, UnknownReportFormat
from services.review.report.persons import NOBODY, persons_of
from shared.contract.authority import who_may
from shared.contract.catalogue.base import EventData
from shared.runtime.say.people import names
from shared.runtime.say.texts import found
from shared.runtime.web import problems
from shared.runtime.web.auth import READERS
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import Desk, allow, desk
from shared.runtime.web.reading import StrictRoute

CANNOT_SHOW: Final = "The published report cannot be shown"

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

router = APIRouter(route_class=StrictRoute)

_REPORT_EXAMPLE: Final = (
    "# Lessons-learned report\n\n## Summary\n\n- It was reported on 2026-03-02 09:00:00 UTC: …\n"
)
_REPORT_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report in the form that was asked for; the ETag is the SHA-256 of its "
        "bytes",
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
        "description": "This build makes another skeleton of a published report than the one whose "
        "digest is on the log",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
    501: {
        "description": "The report was published in a format that is newer than this build",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}
_SKELETON_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    **{status: _REPORT_ANSWERS[status] for status in (304, 500, 501)},
    200: {
        "description": "The skeleton; the ETag is the SHA-256 of its bytes",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"format": 1, "edition": None, "exercise": "no"},
            }
        },
    },
}

Known = Annotated[
    str | None,
    Header(alias="If-None-Match", description="The ETag of the report that the caller has."),
]


@router.get(
    "/incidents/{incident_id}/report",
    tags=["reports"],
    dependencies=[allow(*READERS)],
    summary="The lessons-learned report.",
    description="Before publication a draft, marked as one, that says what is missing; afterwards "
    "projected anew from the events that it covers, with the texts that are at hand, and for those "
    "who may read them the names of persons. It says what was erased, when and on which ground, "
    "and what is withheld, and names the digest of its skeleton, which is on the log. In JSON, "
    "Markdown or HTML: by `format`, or by `Accept`.",
    response_class=Response,
    responses=_REPORT_ANSWERS,
)
async def read_report(
    incident_id: Id,
    desk: Annotated[Desk[Any, Any], Depends(desk)],
    form: Annotated[Form | None, Query(alias="format", description="Goes before `Accept`.")] = None,
    accept: Annotated[list[str] | None, Header(include_in_schema=False)] = None,
    if_none_match: Known = None,
) -> Response:
    wanted = form or preferred(", ".join(accept) if accept else None)
    if wanted is None:
        raise HTTPException(406, "the report is application/json, text/markdown or text/html")
    rendering = RENDERINGS[wanted]
    events = await desk.history(incident_id)
    async with desk.read() as connection:
        at_hand = await found(
            connection, [one.data for one in events if isinstance(one.data, EventData)]
        )
        may_see = desk.actor.has(*who_may("read_people"))
        known = await names(connection, persons_of(events)) if may_see else NOBODY
    return await _shown(
        lambda: rendering.render(edition(events, at_hand, known)),
        rendering.media_type,
        if_none_match,
    )


@router.get(
    "/incidents/{incident_id}/report/skeleton",
    tags=["reports"],
    dependencies=[allow(*READERS)],
    summary="The skeleton of the lessons-learned report.",
    description="The report with digests in place of what people wrote, in the very bytes whose "
    "SHA-256 the event `reviewed` states; before publication those that would be published now. "
    "Whatever is erased, it stays what it is.",
    response_class=Response,
    responses=_SKELETON_ANSWERS,
)
async def read_skeleton(
    incident_id: Id, desk: Annotated[Desk[Any, Any], Depends(desk)], if_none_match: Known = None
) -> Response:
    events = await desk.history(incident_id)
    return await _shown(lambda: skeleton(events), "application/json", if_none_match)


async def _shown(make: Callable[[], bytes], media_type: str, if_none_match: str | None) -> Response:
    """Makes the bytes beside the event loop: a long history takes its time."""
    try:
        content = await asyncio.to_thread(make)
    except UnknownReportFormat as error:
        return problems.problem(501, "report-format", CANNOT_SHOW, str(error))
    except SkeletonDiffers as error:
        return problems.problem(
            500,
            "report-differs",
            CANNOT_SHOW,
            f"This build of review makes another skeleton of it than the one with the SHA-256 "
            f"{error}, which is on the log, though both are of one format: this is a bug of "
            "ours. Make the report from the log with the build that published it.",
        )
    digest = hashlib.sha256(content)
    headers = _headers(digest.digest())
    if if_none_match is not None and (
        if_none_match.strip() == "*" or headers["ETag"] in if_none_match
    ):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _headers(digest: bytes) -> dict[str, str]:
    return {
        "ETag": f'"{digest.hex()}"',
        "Repr-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:",
        "Vary": "Accept",
        "Content-Security-Policy": POLICY,
    }
