"""`ledger rotate-key`: a new signing key for a service, said on its chains and signed with the old
one."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.mend.parked import environment_of, service_program
from deploy.ledger.options import or_stop
from deploy.ledger.printing import say
from deploy.local.errors import StackError
from deploy.local.keys import write_secret
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.keyfiles import load_keys
from shared.tlog.note import Signer, generate_key

ServiceDataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data folder of a local stack (default: ./.ledger). With LEDGER_DATABASE_DSN set, the "
        "service of that environment.",
    ),
]
IntoOption = Annotated[
    Path | None,
    typer.Option(
        "--into",
        help="Only write a key file with the old and a new key there, and end: for a key file that "
        "this command cannot write.",
    ),
]


def rotate_key(
    service: ServiceName,
    data: ServiceDataOption = None,
    into: IntoOption = None,
) -> None:
    """Change the key that a service signs with. It may run on meanwhile.

    Adds a new key to the service's key file, says on each of its chains, signed with the old key,
    that the new one is in force from the next number on, then takes the old key out of the file.
    Receivers and auditors learn the new key from the chains: the trust file stays as it is. What
    the old key signs after that counts for nothing. Cut off at any point, the service still starts:
    run the command again to finish.

    Where the key file is a mounted secret: run it with --into FILE, give the service FILE for its
    secret, run it again without --into, and then take the first line out of the secret. A key that
    is lost cannot say its own end: name a new one in the trust file of every service, from the
    number after the last on."""
    with or_stop():
        environment = environment_of(data, service)
        file = Path(environment["LEDGER_SIGNING_KEY_FILE"])
        keys = load_keys(file)
        if len(keys) == 1:
            keys.append(_new_key(keys[0]))
            _write(into or file, keys, service)
        elif into is not None:
            raise StackError(f"{file} holds two keys already; run this without --into")
    if into is not None:
        say(
            f"{into} holds the old and the new key of {service}; give it to the service, "
            "then run this again"
        )
        return
    code = service_program(environment, service, "--rotate-key")
    if code:
        raise typer.Exit(code)
    with or_stop():
        _write(file, keys[-1:], service)
    say(f"{file} holds the new key alone; the old one is gone")


def _new_key(old: Signer) -> Signer:
    return Signer.parse(generate_key(old.name)[0])


def _write(file: Path, keys: list[Signer], service: ServiceName) -> None:
    try:
        write_secret(file, "".join(f"{key.skey}\n" for key in keys))
    except OSError as error:
        step = (
            "first: ledger rotate-key {} --into FILE"
            if len(keys) > 1
            else "leave only its last line in it, by hand; {} needs no more"
        )
        raise StackError(
            f"{file} cannot be written ({error.strerror}); {step.format(service)}"
        ) from error
