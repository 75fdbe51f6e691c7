"""How a stack is: which processes run, which services are ready, how far its log has come."""

import asyncio
from contextlib import suppress
from typing import Any

import httpx

from deploy.local.state import Process, Stack
from deploy.local.tokens import for_auditing
from shared.runtime.process import clock
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.note import parse_note


async def describe(stack: Stack) -> dict[str, Any]:
    """What `ledger status --json` prints."""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        answers = await asyncio.gather(
            *(_readiness(client, service.health_url) for service in stack.services.values())
        )
        log = await _log(client, stack)
    services = {
        name: {
            "url": service.url,
            "health": service.health_url,
            **answer,
            **_process(stack.processes.get(name)),
            "log": str(service.log),
        }
        for (name, service), answer in zip(stack.services.items(), answers, strict=True)
    }
    servers = {name: _process(stack.processes.get(name)) for name in ("postgres", "kafka")}
    return {
        "ready": all(service["ready"] for service in services.values()),
        "data": str(stack.data),
        "supervisor": _process(stack.supervisor),
        "services": services,
        "postgres": {"address": stack.postgres, **servers["postgres"]},
        "kafka": {"bootstrap": stack.kafka_bootstrap, "topic": stack.topic, **servers["kafka"]},
        "inbox": str(stack.inbox),
        "trust_file": str(stack.trust_file),
        "log": {**log, "vkey": str(stack.log_vkey)},
    }


async def _log(client: httpx.AsyncClient, stack: Stack) -> dict[str, Any]:
    """The sealed log as an auditor reads it: its newest checkpoint, and the newest that a quorum of
    witnesses cosigned."""
    url = f"{stack.services['review'].url}/log/"
    token = for_auditing(stack.data, "ledger-status")
    heads: dict[str, tuple[str, int] | None] = {}
    for name in ("checkpoint", "witnessed"):
        heads[name] = None
        with suppress(httpx.HTTPError, TlogError):
            answer = await client.get(f"{url}{name}", headers={"Authorization": f"Bearer {token}"})
            if answer.is_success:
                checkpoint = Checkpoint.parse(parse_note(answer.content)[0])
                heads[name] = (checkpoint.origin, checkpoint.size)
    origin, size = heads["checkpoint"] or (None, None)
    return {
        "url": url,
        "origin": origin,
        "size": size,
        "witnessed_size": (heads["witnessed"] or (None, None))[1],
    }


async def _readiness(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    try:
        answer = await client.get(f"{url}/readyz")
    except httpx.HTTPError as error:
        return {"ready": False, "why": type(error).__name__, "lag": None}
    try:
        body = answer.json()
    except ValueError:
        body = {}
    why = {name: check for name, check in body.get("checks", {}).items() if check != "ok"}
    return {"ready": answer.is_success, **({"why": why} if why else {}), "lag": body.get("lag")}


def _process(process: Process | None) -> dict[str, Any]:
    running = process.running() if process is not None else None
    if process is None or running is None:
        return {
            "pid": None,
            "uptime_s": None,
            "restarts": process.restarts if process is not None else 0,
        }
    uptime = clock.now().timestamp() - process.created
    return {"pid": process.pid, "uptime_s": round(uptime, 1), "restarts": process.restarts}
