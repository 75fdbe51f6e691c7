"""One child process of the stack: started with its log, started again when it dies, ended when
asked.

A child dies with its supervisor where the kernel can see to it (Linux); elsewhere, and for what
slips through, the next `ledger up` or `ledger down` ends what `stack.json` names."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

log = logging.getLogger("ledger.stack")

PR_SET_PDEATHSIG: Final = 1
FIRST_WAIT, LONGEST_WAIT = 0.25, 10.0
STEADY_AFTER: Final = 20.0
"""A child that lived so long is started again at once."""


@dataclass(slots=True)
class Child:
    name: str
    command: list[str]
    env: Mapping[str, str]
    log_file: Path
    cwd: Path
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 15.0
    account: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    process: asyncio.subprocess.Process | None = None
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, started: Callable[[], None]) -> None:
        """Runs the child until `end`, starting it again when it dies, at once the first time; calls
        `started` after each start."""
        wait, clock = 0.0, asyncio.get_running_loop().time
        while not self._ending.is_set():
            began = clock()
            self.process = await self._spawn()
            started()
            code = await self.process.wait()
            if self._ending.is_set():
                return
            lived = clock() - began
            self.restarts += 1
            wait = (
                0.0
                if lived > STEADY_AFTER or self.restarts == 1
                else min(max(FIRST_WAIT, wait * 2), LONGEST_WAIT)
            )
            log.warning(
                "%s ended with %s after %.0f s; starting it again in %.2f s",
                self.name,
                _words(code),
                lived,
                wait,
            )
            await asyncio.sleep(wait)

    async def end(self) -> None:
        """Asks the child to end, and insists after its patience."""
        self._ending.set()
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self.patience)
        except TimeoutError:
            log.warning("%s does not end within %.0f s; killing it", self.name, self.patience)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def last_words(self) -> str:
        try:
            lines = self.log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except FileNotFoundError:
            lines = []
        return lines[-1][:300] if lines else "it said nothing"

    def _log(self) -> IO[bytes]:
        """For its owner alone, also where our umask would let others read it."""
        return os.fdopen(
            os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab"
        )

    async def _spawn(self) -> asyncio.subprocess.Process:
        with self._log() as output:
            return await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(self.env),
                cwd=self.cwd,
                # Out of the terminal's process group: Ctrl-C is for the supervisor, which ends its
                # children in order.
                start_new_session=True,
                umask=0o077,
                # Runs after the change of account, which would clear it.
                preexec_fn=_die_with_parent(self.stop_signal),
                **self.account,
            )


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def arrange() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def _words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
