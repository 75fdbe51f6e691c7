"""`ledger export` and `ledger dossier`: what one takes away to verify elsewhere."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import httpx
import typer

from deploy.ledger.check import audits
from deploy.ledger.check.audits import TokenOption
from deploy.ledger.check.stacklog import log_of_stack
from deploy.ledger.check.web import open_files
from deploy.ledger.printing import note, say
from deploy.ledger.progress import counting, steps
from deploy.ledger.sources import DataOption, or_stop
from deploy.local import state
from deploy.local.errors import StackError
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.audit.dossier import ANCHORS, audit_dossier, compose, pack
from shared.audit.export import export as export_log
from shared.audit.files import Files
from shared.audit.gathering import Gathered, evidence, gather, heads_of
from shared.audit.log import NotALog
from shared.chain.statements import IncidentStatement
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName

SEALED_WITHIN: Final = 30.0
"""Seconds in which the sealer must have taken in what the services say they have said."""

LogArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]", help="Folder or http(s) address of a log. Default: the running stack's."
    ),
]


def export(
    folder: Annotated[
        Path, typer.Argument(help="Where the files go; run again, it fetches only what is new.")
    ],
    source: LogArgument = None,
    data: DataOption = None,
    token: TokenOption = None,
) -> None:
    """Copy all static files of a log into a folder, to verify, replay and keep them without whoever
    serves it."""
    with or_stop(), counting() as bar:
        done = export_log(_log(source, data, token), folder, bar)
    say(f"{done.size} events in {folder}: {done.fetched} files fetched, {done.kept} were there.")
    say(f"Verify them with: ledger verify {folder}")


def dossier(
    incident: UUID,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .zip file to write.")],
    source: LogArgument = None,
    data: DataOption = None,
    heads: Annotated[
        Path | None,
        typer.Option(
            help="Folder with each service's signed word on the incident. Default: the stack's services are asked."
        ),
    ] = None,
    token: TokenOption = None,
) -> None:
    """Write one file that proves what was said of an incident, and that nothing is missing, to
    somebody without a stack.

    The same events, words and checkpoint give the same bytes. It shows nothing of any other
    incident."""
    with or_stop(), steps("reading the log") as say:
        notes = _heads_in(heads) if heads is not None else heads_from_stack(data, incident)
        archive = dossier_of(_log(source, data, token), incident, notes, say)
    output.write_bytes(archive)
    found = audit_dossier(
        str(output), archive, {}, audits.rules(), audits.audit_of(ServiceName.REVIEW).reports
    )
    say(
        f"{output}: {found.events} events, {len(archive):,} bytes. Verify it with: ledger verify {output}"
    )
    if found.findings:
        note(
            f"It shows {len(found.findings)} findings, which belong to the record; "
            "ledger verify tells them."
        )


def dossier_of(
    files: Files, incident: UUID, notes: dict[ServiceName, bytes], say: Callable[[str], None]
) -> bytes:
    """The archive, once all is sealed that the services' words in `notes` speak of. Raises
    NotALog."""
    words = heads_of(notes, incident)
    if not any(word.count for word in words.values()):
        raise NotALog(f"no service has said anything of incident {incident}")
    gathered = _wait_until_sealed(files, incident, words, say)
    return _archive(files, incident, gathered.up_to(words), notes)


def _log(source: str | None, data: Path | None, token: str | None) -> Files:
    if source is not None:
        return open_files(source, token)
    files = log_of_stack(data)
    if files is None:
        raise StackError(
            "no stack runs here; name the folder or address of a log, or a stack with --data"
        )
    return files


def _archive(
    files: Files, incident: UUID, gathered: Gathered, notes: dict[ServiceName, bytes]
) -> bytes:
    anchors: dict[str, bytes] = {}
    for name in ANCHORS:
        text = files.read(name)
        if text is None:
            raise NotALog(f"{files.name} lacks {name}")
        anchors[name] = text
    events, rotations = (
        evidence(files, gathered, items) for items in (gathered.events, gathered.rotations)
    )
    reports = audits.audit_of(ServiceName.REVIEW).reports
    return pack(compose(incident, gathered.note, anchors, events, rotations, notes, reports))


def _wait_until_sealed(
    files: Files,
    incident: UUID,
    words: dict[ServiceName, IncidentStatement],
    say: Callable[[str], None],
) -> Gathered:
    """Prefers the head that witnesses have seen; after a while the newest one must do, and says
    itself that they have not."""
    end = time.monotonic() + SEALED_WITHIN
    while True:
        witnessed = files.read("witnessed") is not None and time.monotonic() < end
        gathered = gather(files, incident, "witnessed" if witnessed else "checkpoint")
        if not (lacks := gathered.lacks(words)):
            return gathered
        if not witnessed and time.monotonic() > end:
            raise NotALog(
                f"the log has not sealed what the services say of the incident: {'; '.join(lacks)}"
            )
        say("waiting until all of it is sealed")
        time.sleep(0.5)


def _heads_in(folder: Path) -> dict[ServiceName, bytes]:
    return {service: (folder / service.value).read_bytes() for service in ServiceName}


def heads_from_stack(data: Path | None, incident: UUID) -> dict[ServiceName, bytes]:
    stack = state.load(data or state.DEFAULT_DATA)
    headers = {
        "Authorization": f"Bearer {issue(Keys.of(stack.data), 'ledger-dossier', [Role.AUDITOR])}"
    }
    notes: dict[ServiceName, bytes] = {}
    for service in ServiceName:
        url = f"{stack.services[service.value].url}/incidents/{incident}/head"
        try:
            answer = httpx.get(url, headers=headers, timeout=30, trust_env=False)
        except httpx.HTTPError as error:
            raise StackError(
                f"{service} does not answer ({type(error).__name__}); see: ledger status"
            ) from error
        if not answer.is_success:
            raise StackError(
                f"{service} gives no word on the incident: {answer.status_code} {answer.text[:200]}"
            )
        notes[service] = answer.content
    return notes
