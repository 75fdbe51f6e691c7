"""The sealed log, served read-only at the paths of c2sp.org/tlog-tiles."""

import hashlib
import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Request, Response

from services.review.log import Log
from shared.contract.authority import who_may
from shared.contract.decision import Missing
from shared.runtime.web.auth import allow_or_open
from shared.tlog.errors import TlogError
from shared.tlog.tiles import Tile

router = APIRouter()

TEXT: Final = "text/plain; charset=utf-8"
BINARY: Final = "application/octet-stream"
FOR_EVER: Final = "public, max-age=31536000, immutable"
FOR_A_MOMENT: Final = "public, max-age=1"
CHANGING: Final = re.compile(r"checkpoint|witnessed|log\.vkey|trust|policy|chains/[a-z]+")

_READERS: Final = allow_or_open(lambda running: running.resources.open, *who_may("read_log"))
_CHECKPOINT: Final = (
    "incident-ledger/log\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— incident-ledger/log Az3grl…\n"
)
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file. Tiles, bundles and signatures never change; the others carry an "
        "ETag",
        "content": {
            TEXT: {"schema": {"type": "string"}, "example": _CHECKPOINT},
            BINARY: {
                "schema": {"type": "string", "format": "binary"},
                "example": "32 bytes for each hash of a tile, …",
            },
        },
    },
    304: {"description": "`If-None-Match` names the file as it is"},
}


@router.head("/log/{path:path}", include_in_schema=False, dependencies=[_READERS])
@router.get(
    "/log/{path:path}",
    tags=["log"],
    dependencies=[_READERS],
    summary="A file of the sealed log.",
    description="`checkpoint` (the newest), `witnessed` (the newest that a quorum of witnesses "
    "cosigned), `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`, `signatures/<N>[.p/<W>]`, "
    "`log.vkey`, `trust`, `policy`. For auditors, or for anybody where LEDGER_LOG_OPEN says so.",
    response_class=Response,
    responses=_ANSWERS,
)
async def read_log(
    path: Annotated[str, Path(max_length=200, examples=["checkpoint"])],
    request: Request,
    if_none_match: Annotated[
        str | None,
        Header(alias="If-None-Match", description="The ETag of the file that the caller has."),
    ] = None,
) -> Response:
    log: Log = request.app.state.running.resources
    changing = CHANGING.fullmatch(path) is not None
    data = await log.store.read(path) if changing or is_tile(path) else None
    if data is None:
        raise Missing(f"file {path} of the log")
    if not changing:
        return Response(data, media_type=BINARY, headers={"Cache-Control": FOR_EVER})
    headers = {"Cache-Control": FOR_A_MOMENT, "ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=TEXT, headers=headers)


def is_tile(path: str) -> bool:
    """Whether it is the one spelling of a tile's, a bundle's or a signature file's place."""
    try:
        Tile.parse(
            f"tile/entries/{path.removeprefix('signatures/')}"
            if path.startswith("signatures/")
            else path
        )
    except TlogError:
        return False
    return True
