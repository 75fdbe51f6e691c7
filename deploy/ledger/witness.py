"""`ledger witness`: a process of its own that cosigns a log's checkpoints, so that nobody is shown
two histories."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.printing import note, say
from deploy.ledger.run.options import or_say_why
from deploy.local.errors import StackError
from shared.audit.files import read_regular
from shared.audit.writing import CannotWrite
from shared.chain import keyfiles
from shared.chain.keyfiles import BadKeyFile
from shared.runtime.process import clock
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier
from shared.tlog.policy import MAX_POLICY

EPILOG = """
A log could show you one history and somebody else another. A witness makes that impossible to hide: it cosigns a checkpoint only
when it has proof that the log has grown from the checkpoint it cosigned last, and never goes back.

Run it where the log's operator has no say, with the log's verifier key, which review shows at /log/log.vkey:

\b
  ledger witness --state witness --name witness.example/one --log "$(cat log.vkey)"

The first start makes its key. Each start prints the line that the log's policy needs; add it to the file behind
LEDGER_LOG_POLICY_FILE, say who must agree, and start review again:

\b
  witness witness.example-one witness.example/one+… http://127.0.0.1:7380
  quorum witness.example-one

From then on review shows a cosigned head at /log/witnessed. Keep the state folder: a witness that forgets may be made to agree to
another history.
"""


def witness(
    state: Annotated[
        Path,
        typer.Option(help="Folder of its key and of what it cosigned last. Made when missing."),
    ],
    name: Annotated[
        str,
        typer.Option(help="Its name in signatures, like a URL without scheme: witness.example/one"),
    ],
    log: Annotated[
        list[str] | None, typer.Option(help="Verifier key of a log to witness; may be given again.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="A tlog-policy file: witness all its logs.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen. Put TLS in front before you open it to others.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 7380,
) -> None:
    """Cosign a log's checkpoints when they are consistent (tlog-witness). See below how to
    begin."""
    from deploy.ledger.witness_server import BadWitness

    with or_say_why():
        try:
            _serve(state, name, _logs(log or [], policy), host, port)
        except (BadWitness, BadKeyFile, TlogError) as error:
            raise StackError(str(error)) from error
        except CannotWrite as error:
            raise StackError(error.strerror or str(error)) from error


def _serve(state: Path, name: str, logs: list[Verifier], host: str, port: int) -> None:
    import uvicorn

    from deploy.ledger.witness_server import alone, application, open_witness

    with alone(state):
        opened = open_witness(state, name, logs, lambda: int(clock.now().timestamp()))
        say(f"witness {name.replace('/', '-')} {opened.cosigner.vkey} http://{host}:{port}")
        for origin in opened.logs:
            note(f"{origin}: cosigned up to {opened.latest(origin).size} leaves")
        uvicorn.run(
            application(opened), host=host, port=port, log_level="warning", server_header=False
        )


def _logs(vkeys: list[str], policy: Path | None) -> list[Verifier]:
    logs = [keyfiles.log_key(os.fsencode(vkey)) for vkey in vkeys]
    if policy is not None:
        try:
            found = keyfiles.witness_policy(read_regular(policy, MAX_POLICY))
        except OSError as error:
            raise StackError(f"{policy}: {(error.strerror or 'cannot be read').lower()}") from error
        logs += [log.verifier for log in found.logs]
    return logs
