"""`ledger up --detach` runs this: the supervisor in a session of its own.

It tells the waiting `ledger up` how far it is: lines of JSON, each `[word, text]`, of the words
say, ready, partly (with the names of what is not ready) and error. After `ready` or `partly` it
writes to its log only, and runs on."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.ports import Ports
from deploy.local.supervisor import Supervisor

log = logging.getLogger("ledger.stack")


@dataclass(slots=True)
class Waiting:
    """The `ledger up` that reads our output, until it was told how the start went."""

    log_file: Path
    is_there: bool = True

    def say(self, text: str) -> None:
        self._tell("say", text)

    def ready(self, missing: list[str]) -> None:
        self._tell("partly" if missing else "ready", missing)
        self.is_there = False
        with self.log_file.open("ab") as file:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(file.fileno(), stream.fileno())

    def error(self, text: str) -> None:
        self._tell("error", text)

    def _tell(self, word: str, told: object) -> None:
        if not self.is_there:
            return
        # It may have been killed; the stack does not depend on it.
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(json.dumps([word, told]) + "\n")
            sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.local")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port-base", type=int, required=True)
    parser.add_argument("--no-services", action="store_true")
    arguments = parser.parse_args()
    waiting = Waiting(arguments.data / "logs" / "stack.log")
    try:
        stack = Supervisor(
            arguments.data, Ports(arguments.port_base), waiting.say, not arguments.no_services
        )
        asyncio.run(stack.run(waiting.ready))
    except StackError as error:
        log.error("%s", error)  # One line: the traceback tells nobody more.
        waiting.error(str(error))
        return 1
    except Exception as error:
        log.exception("a bug ended the stack")
        waiting.error(f"a bug ended the stack: {error!r}; {waiting.log_file} tells where")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
