"""Starts a stack that runs on by itself, and ends it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from deploy.local import folder, orphans, ports, state
from deploy.local.environment import of_supervisor
from deploy.local.errors import StackError

END_WITHIN: Final = 60.0


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
    folder.require_usable(data)
    command = [
        *(sys.executable, "-P", "-m", "deploy.local"),
        *("--data", str(data.absolute()), "--port-base", str(port_base)),
        *([] if services else ["--no-services"]),
    ]
    supervisor = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=of_supervisor(),
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
                f"the stack on {data} does not end (process {supervisor.pid}); see "
                f"{stack.data / 'logs' / 'stack.log'}, then: kill -9 {supervisor.pid} and "
                f"{folder.hint('ledger down', data)} again"
            )
        return True
    left = orphans.end(stack)
    stack.forget()
    return bool(left)


def not_ready(missing: list[str], data: Path) -> str:
    """What `ledger up` says of services that did not become ready."""
    logs = ", ".join(str(data / "logs" / f"{name}.log") for name in missing)
    return (
        f"not ready: {', '.join(missing)} (see {logs}); the rest runs on, "
        f"end it with: {folder.hint('ledger down', data)}"
    )


def _follow(output: IO[str], data: Path, say: Callable[[str], None]) -> None:
    """Reads how far the supervisor is (see deploy/local/__main__.py) until it is ready."""
    rest = []
    for line in output:
        match _told(line):
            case ["say", str(text)]:
                say(text)
            case ["ready", _]:
                return
            case ["partly", [*missing]]:
                raise StackError(not_ready([str(name) for name in missing], data))
            case ["error", str(text)]:
                raise StackError(text)
            case _:
                rest.append(line.strip())
    raise StackError(
        f"the stack ended while starting: {rest[-1] if rest else 'it said nothing'}; "
        f"see {data / 'logs' / 'stack.log'}"
    )


def _told(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
