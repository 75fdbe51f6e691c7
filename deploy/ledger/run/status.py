"""`ledger status`: what runs on a data folder, where it answers, and how it is."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

import httpx
import typer

from deploy.ledger.printing import Cell, bad, good, say, show_json, show_table
from deploy.ledger.run.options import DataFolder, or_say_why
from deploy.local import state
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.runtime.process import clock
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.note import parse_note


def status(
    data: DataFolder = state.DEFAULT_DATA,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show processes, addresses, readiness and lag. Exit code: 0 all is ready, 1 not."""
    with or_say_why():
        about = asyncio.run(describe(state.load(data)))
    if as_json:
        show_json(about)
    else:
        _show(about)
    raise typer.Exit(0 if about["ready"] else 1)


async def describe(stack: state.Stack) -> dict[str, Any]:
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


async def _log(client: httpx.AsyncClient, stack: state.Stack) -> dict[str, Any]:
    """The sealed log as an auditor reads it: its newest checkpoint, and the newest that a quorum of
    witnesses cosigned."""
    url = f"{stack.services['review'].url}/log/"
    token = issue(Keys.of(stack.data), "ledger-status", [Role.AUDITOR])
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


def _process(process: state.Process | None) -> dict[str, Any]:
    running = process.running() if process is not None else None
    if process is None or running is None:
        return {
            "pid": None,
            "uptime_s": None,
            "restarts": process.restarts if process is not None else 0,
        }
    uptime = clock.now().timestamp() - process.created
    return {"pid": process.pid, "uptime_s": round(uptime, 1), "restarts": process.restarts}


def _show(about: Mapping[str, Any]) -> None:
    rows: list[tuple[Cell, ...]] = []
    for name, service in about["services"].items():
        ready = good("yes") if service["ready"] else bad("no")
        rows.append((name, service["url"], ready, _lag(service["lag"]), *_columns(service)))
    kafka, postgres = about["kafka"], about["postgres"]
    rows.append(("kafka", kafka["bootstrap"], "", "", *_columns(kafka)))
    rows.append(("postgres", postgres["address"], "", "", *_columns(postgres)))
    show_table(("name", "address", "ready", "lag", "process", "up", "restarts"), rows)
    say("messages sent by the channel that a stack begins with lie in ", about["inbox"])
    log = about["log"]
    cosigned = log["witnessed_size"]
    witnessed = "nobody" if cosigned is None else f"witnesses up to {cosigned}"
    say(
        f"log {log['origin']}: {log['size']} leaves at {log['url']} (for auditors: ledger token "
        f"--role auditor), cosigned by {witnessed}; key {log['vkey']}"
    )
    for name, service in about["services"].items():
        if "why" in service:
            say(f"{name}: {service['why']}, see {service['log']}")


def _lag(lag: Mapping[str, int | None] | None) -> str:
    return " ".join(
        f"{name}={'?' if value is None else value}" for name, value in (lag or {}).items()
    )


def _columns(process: Mapping[str, Any]) -> tuple[Cell, ...]:
    if process["pid"] is None:
        return bad("gone"), "", process["restarts"]
    return process["pid"], f"{process['uptime_s']:.0f} s", process["restarts"]
