"""The log as review serves it: the paths of tlog-tiles and no others, to auditors or to anybody."""

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from deploy.local.keys import Keys
from deploy.local.tokens import issue
from services.review.__main__ import SERVICE
from shared.contract.authority import Role
from shared.runtime.web.app import create_app
from tests.integration.conftest import Environment
from tests.integration.review.chains import Voice
from tests.integration.review.seals import Desk, Reader, opened, put, sealing, until


@contextlib.asynccontextmanager
async def served(
    environment: Environment, keys: Keys, *, open_: bool
) -> AsyncIterator[tuple[httpx.AsyncClient, Desk]]:
    """A log of 300 leaves, and who asks for it."""
    async with opened(environment, LEDGER_LOG_OPEN=str(open_).lower()) as desk:
        async with sealing(desk.sealer()):
            await put(environment, Voice(keys).say(300))
            await until(lambda: Reader(desk.folder, desk.vkey).size() == 300, "sealed")
        app = create_app(desk.running, SERVICE.router, SERVICE.title)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://review"
        ) as client:
            yield client, desk


async def test_tiles_are_bytes_for_ever_and_the_checkpoint_for_a_moment(
    environment: Environment, keys: Keys
) -> None:
    async with served(environment, keys, open_=True) as (client, desk):
        for path in (
            "tile/0/000",
            "tile/0/001.p/44",
            "tile/1/000.p/1",
            "tile/entries/000",
            "signatures/001.p/44",
        ):
            answer = await client.get(f"/log/{path}")
            assert (answer.status_code, answer.content) == (200, (desk.folder / path).read_bytes())
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        answer = await client.get("/log/checkpoint")
        assert answer.content == (desk.folder / "checkpoint").read_bytes()
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        again = await client.get(
            "/log/checkpoint", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        head = await client.head("/log/tile/0/000")
        assert (head.status_code, head.headers["content-length"]) == (200, "8192")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/001",
        "tile/0/000.p/256",
        "tile/0/0",
        "tile/0/000.p/044",
        "tile/x/000",
        "signatures/%2E%2E/checkpoint",
        "..%2Fkeys%2Flog.key",
        ".lock",
        "chains/intake",
        "nothing",
    ],
)
async def test_what_is_no_file_of_the_log_is_not_found(
    environment: Environment, keys: Keys, path: str
) -> None:
    async with opened(environment, LEDGER_LOG_OPEN="true") as desk:
        async with sealing(desk.sealer()):
            await until(lambda: Reader(desk.folder, desk.vkey).size() == 0, "published")
        app = create_app(desk.running, SERVICE.router, SERVICE.title)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://review"
        ) as client:
            answer = await client.get(f"/log/{path}")
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"


async def test_who_may_read_it(environment: Environment, keys: Keys) -> None:
    async with served(environment, keys, open_=False) as (client, _):
        assert (await client.get("/log/checkpoint")).status_code == 401
        for role, status in ((Role.AUDITOR, 200), (Role.RESPONDER, 403)):
            token = issue(keys, "somebody", [role])
            answer = await client.get(
                "/log/checkpoint", headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.status_code == status


async def test_it_is_documented(environment: Environment) -> None:
    async with opened(environment, LEDGER_LOG_OPEN="true") as desk:
        document = create_app(desk.running, SERVICE.router, SERVICE.title).openapi()
        operation = document["paths"]["/log/{path}"]["get"]
        assert set(operation["responses"]) >= {"200", "304", "401", "403", "404"}
        assert "text/plain; charset=utf-8" in operation["responses"]["200"]["content"]
