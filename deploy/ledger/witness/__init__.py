"""`ledger witness`: a process of its own that cosigns a log's checkpoints, so that nobody is shown
two histories."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.printing import note, say
from deploy.ledger.run.options import or_say_why
from deploy.ledger.witness.logs import logs_of
from deploy.local.errors import StackError
from shared.runtime.process import clock
from shared.tlog.keys import Verifier

EPILOG = """
A log could show you one history and somebody else another. A witness makes that impossible to
hide: it cosigns a checkpoint only when it has proof that the log has grown from the checkpoint it
cosigned last, and never goes back.

Run it where the log's operator has no say, with the log's verifier key, which review shows at
/log/log.vkey:

\b
  ledger witness --state witness --name witness.example/one --log "$(cat log.vkey)"

The first start makes its key. Each start prints the line that the log's policy needs; add it to the
file behind LEDGER_LOG_POLICY_FILE, say who must agree, and start review again:

\b
  witness witness.example-one witness.example/one+… http://127.0.0.1:7380
  quorum witness.example-one

From then on review shows a cosigned head at /log/witnessed. Keep the state folder: a witness that
forgets may be made to agree to another history.
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
    from deploy.ledger.witness.memory import BadWitness

    with or_say_why():
        try:
            _serve(state, name, logs_of(log or [], policy), host, port)
        except BadWitness as error:
            raise StackError(str(error)) from error


def _serve(state: Path, name: str, logs: list[Verifier], host: str, port: int) -> None:
    import uvicorn

    from deploy.ledger.witness.memory import alone, open_witness
    from deploy.ledger.witness.server import application

    with alone(state):
        opened = open_witness(state, name, logs, lambda: int(clock.now().timestamp()))
        say(f"witness {name.replace('/', '-')} {opened.cosigner.vkey} http://{host}:{port}")
        for origin in opened.logs:
            note(f"{origin}: cosigned up to {opened.latest(origin).size} leaves")
        uvicorn.run(
            application(opened), host=host, port=port, log_level="warning", server_header=False
        )
