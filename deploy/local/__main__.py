"""`ledger up --detach` runs this: the supervisor in a session of its own.

It tells the waiting `ledger up` how far it is, in lines of `word<tab>text`: say, ready, partly, error. After `ready` or `partly` its
output goes to its log, and it runs on.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.ports import Ports
from deploy.local.supervisor import Supervisor

log = logging.getLogger("ledger.stack")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.local")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port-base", type=int, required=True)
    arguments = parser.parse_args()
    supervisor = Supervisor(arguments.data, Ports(arguments.port_base), lambda text: _tell("say", text))

    def ready(missing: list[str]) -> None:
        _tell("partly" if missing else "ready", ", ".join(missing))
        with (arguments.data / "logs" / "stack.log").open("ab") as log:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(log.fileno(), stream.fileno())

    try:
        asyncio.run(supervisor.run(ready))
    except StackError as error:
        _tell("error", str(error))
        return 1
    except Exception as error:
        log.exception("a bug ended the stack")
        _tell("error", f"a bug ended the stack: {error!r}; {arguments.data / 'logs' / 'stack.log'} tells where")
        raise
    return 0


def _tell(word: str, text: str) -> None:
    # Whoever waited may have been killed; the stack does not depend on it.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{word}\t{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
