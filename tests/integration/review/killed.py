"""Sealers as processes that can be killed: forked from one that has imported everything, so that a
start takes a moment.

The process reads settings of the environment, one line of JSON for each child, and answers with the
child's number."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from services.review.__main__ import SERVICE
from services.review.settings import ReviewSettings
from shared.runtime.opening import running
from shared.runtime.siblings import run

ROOT = Path(__file__).parents[3]


class Nursery:
    """Starts and kills sealers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, environment: dict[str, str]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(environment) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def kill(self, child: int) -> None:
        os.kill(child, signal.SIGKILL)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.environ.update(json.loads(line))
            asyncio.run(_seal())
            os._exit(0)
        print(child, flush=True)


async def _seal() -> None:
    async with running(SERVICE, ReviewSettings(), frozenset({"sealer"})) as process:
        await run(process)


if __name__ == "__main__":
    main()
