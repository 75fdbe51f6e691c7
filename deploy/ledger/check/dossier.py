"""`ledger dossier`: one incident in one file that proves itself."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer

from deploy.ledger.check import audits
from deploy.ledger.check.audits import Pinned
from deploy.ledger.check.services import Services
from deploy.ledger.check.stacklog import log_at
from deploy.ledger.options import DataOption, LogArgument, TokenOption, VkeyOption, or_stop
from deploy.ledger.printing import note, say
from deploy.ledger.progress import steps
from shared.audit.anchors import NAMES, Pins
from shared.audit.dossier.archive import pack
from shared.audit.dossier.checking import audit_dossier
from shared.audit.dossier.gathering import Gathered, evidence, gather, heads_of
from shared.audit.dossier.parts import compose
from shared.audit.files import MAX_TEXT, Files, NotALog, read_regular
from shared.audit.writing import write_whole
from shared.chain import keyfiles
from shared.chain.statements import IncidentStatement
from shared.contract.vocabulary import ServiceName
from shared.tlog.keys import Verifier

SEALED_WITHIN: Final = 30.0
"""Seconds in which the sealer must have taken in what the services say they have said."""


def dossier(
    incident: UUID,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .zip file to write.")],
    source: LogArgument = None,
    data: DataOption = None,
    heads: Annotated[
        Path | None,
        typer.Option(
            help="Folder with each service's signed word on the incident. "
            "Default: the stack's services are asked."
        ),
    ] = None,
    vkey: VkeyOption = None,
    token: TokenOption = None,
) -> None:
    """Write one file that proves what was said of an incident, and that nothing is missing, to
    somebody without a stack.

    The same events, words and checkpoint give the same bytes. It shows nothing of any other
    incident."""
    with or_stop():
        with steps("reading the log") as tell:
            notes = _heads_in(heads) if heads is not None else heads_from_stack(data, incident)
            pins = audits.read_pins(Pinned(vkey))
            archive = dossier_of(log_at(source, data, token), incident, notes, tell, pins.log)
        write_whole(output, archive, 0o600)
    reports = audits.audit_of(ServiceName.REVIEW).reports
    found = audit_dossier(str(output), archive, Pins(), audits.rules(), reports)
    say(f"{output}: {found.events} events, {len(archive):,} bytes.")
    say(f"Verify it with: ledger verify {shlex.quote(str(output))}")
    if found.findings:
        note(
            f"It shows {len(found.findings)} findings, which belong to the record; "
            "ledger verify tells them."
        )


def dossier_of(
    files: Files,
    incident: UUID,
    notes: dict[ServiceName, bytes],
    tell: Callable[[str], None],
    log: Verifier | None = None,
) -> bytes:
    """The archive, once all is sealed that the services' words in `notes` speak of. Without `log`,
    the key that lies beside the log is believed. Raises NotALog."""
    words = heads_of(notes, incident)
    if not any(word.count for word in words.values()):
        raise NotALog(f"no service has said anything of incident {incident}")
    anchors = _anchors(files)
    believed = log or keyfiles.log_key(anchors["log.vkey"])
    gathered = _wait_until_sealed(files, believed, incident, words, tell).up_to(words)
    events, rotations = (
        evidence(files, gathered, items) for items in (gathered.events, gathered.rotations)
    )
    reports = audits.audit_of(ServiceName.REVIEW).reports
    return pack(compose(incident, gathered.note, anchors, events, rotations, notes, reports))


def _anchors(files: Files) -> dict[str, bytes]:
    anchors: dict[str, bytes] = {}
    for name in NAMES:
        text = files.read(name)
        if text is None:
            raise NotALog(f"{files.name} lacks {name}")
        anchors[name] = text
    return anchors


def _wait_until_sealed(
    files: Files,
    log: Verifier,
    incident: UUID,
    words: dict[ServiceName, IncidentStatement],
    tell: Callable[[str], None],
) -> Gathered:
    """Prefers the head that witnesses have seen; after a while the newest one must do, and says
    itself that they have not."""
    end = time.monotonic() + SEALED_WITHIN
    while True:
        witnessed = files.read("witnessed") is not None and time.monotonic() < end
        gathered = gather(files, log, incident, "witnessed" if witnessed else "checkpoint")
        if not (lacks := gathered.lacks(words)):
            return gathered
        if not witnessed and time.monotonic() > end:
            raise NotALog(
                f"the log has not sealed what the services say of the incident: {'; '.join(lacks)}"
            )
        tell("waiting until all of it is sealed")
        time.sleep(0.5)


def _heads_in(folder: Path) -> dict[ServiceName, bytes]:
    return {service: read_regular(folder / service.value, MAX_TEXT) for service in ServiceName}


def heads_from_stack(data: Path | None, incident: UUID) -> dict[ServiceName, bytes]:
    """Each service's signed word on the incident. Raises StackError."""
    services = Services(data, "ledger-dossier")
    return {service: services.head(service, incident) for service in ServiceName}
