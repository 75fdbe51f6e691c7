"""The two paths of a witness over HTTP (c2sp.org/tlog-witness)."""

import asyncio
import contextlib

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.ledger.witness.memory import Witness
from shared.tlog import witness
from shared.tlog.errors import TlogError
from shared.tlog.witness import Answer


def application(witness_: Witness) -> Starlette:
    """The two paths of tlog-witness: `POST /add-checkpoint`, and `GET /<hash of the
    origin>/checkpoint` for monitors."""

    async def add(request: Request) -> Response:
        try:
            body = await _bounded(request)
        except TlogError as error:
            return _response(witness.malformed(error))
        return _response(await witness_.add_checkpoint(body))

    async def show(request: Request) -> Response:
        shown = await asyncio.to_thread(
            witness_.shown, f"{request.path_params['origin']}/checkpoint"
        )
        if shown is None:
            return Response(
                "this witness has cosigned nothing of that log\n", 404, media_type="text/plain"
            )
        return Response(shown, media_type="text/plain", headers={"Cache-Control": "no-cache"})

    return Starlette(
        routes=[
            Route("/add-checkpoint", add, methods=["POST"]),
            Route("/{origin}/checkpoint", show),
        ]
    )


async def _bounded(request: Request) -> bytes:
    body = b""
    with contextlib.suppress(ClientDisconnect):
        async for part in request.stream():
            body += part
            if len(body) > witness.MAX_REQUEST:
                raise TlogError(f"the request is longer than {witness.MAX_REQUEST} bytes")
    return body


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.headers["Content-Type"] = answer.content_type
    return response
