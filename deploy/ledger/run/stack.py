"""`ledger up`, `ledger down`, `ledger status`: the local stack of a data folder."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any, Final

import httpx
import typer
from rich.console import Console
from rich.table import Column, Table

from deploy.local import orphans, ports, state
from deploy.local.errors import StackError
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.note import parse_note

END_WITHIN: Final = 60.0

DataFolder = Annotated[Path, typer.Option("--data", help="The stack's data folder.")]


class Progress:
    """A line on a terminal that says what is being done; elsewhere a line for each step, but not
    for each part of one."""

    def __init__(self, begin: str) -> None:
        console = Console(stderr=True)
        self._line = console.status(begin) if console.is_terminal else None
        self._told = ""
        if self._line is not None:
            self._line.start()

    def __call__(self, text: str) -> None:
        step = text.partition(":")[0]
        if self._line is not None:
            self._line.update(text)
            self._line.start()
        elif step != self._told:
            self._told = step
            typer.echo(step, err=True)

    def pause(self) -> None:
        """Leaves the terminal to others until the next word."""
        if self._line is not None:
            self._line.stop()


def up(
    data: DataFolder = state.DEFAULT_DATA,
    port_base: Annotated[
        int,
        typer.Option(
            help="First of the ports: +0 Postgres, +1 Kafka, +10 intake, +20 triage, +30 notify, +40 review."
        ),
    ] = ports.DEFAULT_BASE,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when the stack is ready; it runs on.")
    ] = False,
    services: Annotated[
        bool,
        typer.Option(
            "--services/--no-services",
            help="Without: Postgres and Kafka alone, to rebuild what was lost.",
        ),
    ] = True,
) -> None:
    """Run Postgres, Kafka and the four services here, on 127.0.0.1 only. Ctrl-C ends them all."""
    with or_say_why(), progress("starting") as say:
        if not detach:
            _run_here(data, port_base, say, services=services)
            return
        stack = start(data, port_base, say, services=services)
    _show_addresses(stack)
    typer.echo(
        f"It runs on. See it with: ledger status --data {data}    End it with: ledger down --data {data}"
    )


def down(data: DataFolder = state.DEFAULT_DATA) -> None:
    """End the stack of a data folder, and whatever a killed one left behind. The data stays."""
    with or_say_why(), progress(f"ending the stack on {data}"):
        ended = end(data)
    typer.echo(f"The stack on {data} has ended." if ended else f"No stack runs on {data}.")


def status(
    data: DataFolder = state.DEFAULT_DATA,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show processes, addresses, readiness and lag. Exit code: 0 all is ready, 1 not."""
    with or_say_why():
        about = asyncio.run(describe(state.load(data)))
    if as_json:
        typer.echo(json.dumps(about, indent=2))
    else:
        _show_status(about)
    raise typer.Exit(0 if about["ready"] else 1)


def start(
    data: Path,
    port_base: int = ports.DEFAULT_BASE,
    say: Callable[[str], None] = lambda _: None,
    *,
    services: bool = True,
) -> state.Stack:
    """Starts a stack that runs on, and waits until all of it is ready.

    Raises StackError when it cannot start, or when a service does not become ready; in that case
    the rest runs on."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "deploy.local",
        "--data",
        str(data.absolute()),
        "--port-base",
        str(port_base),
        *([] if services else ["--no-services"]),
    ]
    supervisor = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert supervisor.stdout is not None
    with supervisor.stdout:
        try:
            _follow(supervisor.stdout, data, say)
        except KeyboardInterrupt:
            supervisor.terminate()
            supervisor.wait(END_WITHIN)
            raise
    return state.load(data)


def end(data: Path) -> bool:
    """Ends the stack of a data folder; False when there was nothing to end. Raises StackError."""
    stack = state.recorded(data)
    if stack is None:
        return False
    supervisor = stack.supervisor.running()
    if supervisor is not None:
        supervisor.send_signal(signal.SIGTERM)
        if not stack.supervisor.gone(END_WITHIN):
            raise StackError(
                f"the stack on {data} does not end (process {supervisor.pid}); see {stack.data / 'logs' / 'stack.log'}, "
                f"then: kill -9 {supervisor.pid} and ledger down again"
            )
        return True
    left = orphans.end(stack)
    stack.forget()
    return bool(left)


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
        "postgres": {
            "address": stack.admin_dsn.partition("@")[2].partition("/")[0],
            **servers["postgres"],
        },
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
    uptime = datetime.now(UTC).timestamp() - process.created
    return {"pid": process.pid, "uptime_s": round(uptime, 1), "restarts": process.restarts}


def _run_here(data: Path, port_base: int, say: Progress, *, services: bool) -> None:
    from deploy.local.supervisor import Supervisor

    def ready(missing: list[str]) -> None:
        say.pause()
        _show_addresses(state.load(data))
        if missing:
            typer.echo(_not_ready(missing, data), err=True)
        typer.echo("Running. Ctrl-C ends it.")

    asyncio.run(Supervisor(data.absolute(), ports.Ports(port_base), say, services).run(ready))


def _follow(output: IO[str], data: Path, say: Callable[[str], None]) -> None:
    """Reads how far the supervisor is (see deploy/local/__main__.py) until it is ready."""
    rest = []
    for line in output:
        match line.rstrip("\n").partition("\t"):
            case ("say", _, text):
                say(text)
            case ("ready", _, _):
                return
            case ("partly", _, text):
                raise StackError(_not_ready(text.split(", "), data))
            case ("error", _, text):
                raise StackError(text)
            case (text, _, _):
                rest.append(text)
    raise StackError(
        f"the stack ended while starting: {rest[-1] if rest else 'it said nothing'}; see {data / 'logs' / 'stack.log'}"
    )


def _not_ready(missing: list[str], data: Path) -> str:
    logs = ", ".join(str(data / "logs" / f"{name}.log") for name in missing)
    return f"not ready: {', '.join(missing)} (see {logs}); the rest runs on, end it with: ledger down --data {data}"


@contextmanager
def or_say_why() -> Iterator[None]:
    """One clear line, and exit code 1."""
    try:
        yield
    except StackError as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None


@contextmanager
def progress(begin: str) -> Iterator[Progress]:
    progress = Progress(begin)
    try:
        yield progress
    finally:
        progress.pause()


def _show_addresses(stack: state.Stack) -> None:
    table = Table(*_columns("service", "address"), box=None)
    for name, service in stack.services.items():
        table.add_row(name, f"{service.url}  (/openapi.json says what it understands)")
    table.add_row("kafka", f"{stack.kafka_bootstrap}  topic {stack.topic}")
    table.add_row("postgres", stack.admin_dsn.partition("@")[2].partition("/")[0])
    _print(table)


def _show_status(about: dict[str, Any]) -> None:
    table = Table(
        *_columns("name", "address", "ready", "lag", "process", "up", "restarts"), box=None
    )
    for name, service in about["services"].items():
        ready = "[green]yes" if service["ready"] else "[red]no"
        lag = " ".join(
            f"{key}={'?' if value is None else value}"
            for key, value in (service["lag"] or {}).items()
        )
        table.add_row(name, service["url"], ready, lag, *_process_columns(service))
    table.add_row("kafka", about["kafka"]["bootstrap"], "", "", *_process_columns(about["kafka"]))
    table.add_row(
        "postgres", about["postgres"]["address"], "", "", *_process_columns(about["postgres"])
    )
    _print(table)
    typer.echo(f"messages sent by the channel that a stack begins with lie in {about['inbox']}")
    log = about["log"]
    witnessed = (
        "nobody" if log["witnessed_size"] is None else f"witnesses up to {log['witnessed_size']}"
    )
    typer.echo(
        f"log {log['origin']}: {log['size']} leaves at {log['url']}, cosigned by {witnessed}; key {log['vkey']}"
    )
    for name, service in about["services"].items():
        if "why" in service:
            typer.echo(f"{name}: {json.dumps(service['why'])}, see {service['log']}")


def _columns(*names: str) -> list[Column]:
    return [Column(name, no_wrap=True) for name in names]


def _print(table: Table) -> None:
    """Whole addresses, also where the output is no terminal and rich takes it for a narrow one."""
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)


def _process_columns(process: dict[str, Any]) -> tuple[str, str, str]:
    if process["pid"] is None:
        return "[red]gone", "", str(process["restarts"])
    return str(process["pid"]), f"{process['uptime_s']:.0f} s", str(process["restarts"])
