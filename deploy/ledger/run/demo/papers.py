"""What the demo leaves on paper: each incident's report in every form, and its dossier."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

from deploy.ledger.check.packing import dossier_of
from deploy.ledger.check.services import heads_from_stack
from deploy.ledger.check.stacklog import log_of_stack
from deploy.ledger.progress import steps
from deploy.ledger.run.demo.cast import RUTH
from deploy.ledger.run.demo.office import Office
from shared.audit.writing import make_folder, write_whole
from shared.contract.vocabulary import ServiceName

FORMS: Final = {"markdown": "md", "json": "json", "html": "html"}
"""The ending of the file of each form."""


async def write_report(office: Office, incident: UUID, folder: Path, name: str) -> Path:
    """The published report in each form, each file whole or not there; the page's path. Raises
    Unexpected or CannotWrite."""
    make_folder(folder)
    for form, ending in FORMS.items():
        path = f"/incidents/{incident}/report?format={form}"
        text = await office.text(RUTH, ServiceName.REVIEW, path)
        write_whole(folder / f"{name}.{ending}", text.encode(), sync=False)
    return folder / f"{name}.html"


def write_dossiers(data: Path, folder: Path, incidents: Mapping[str, UUID]) -> None:
    """What proves each incident to somebody who has nothing of this stack, by the name of its file;
    each file whole or not there. Raises CannotWrite."""
    make_folder(folder)
    log = log_of_stack(data)
    assert log is not None
    with steps("writing the dossiers") as tell:
        for name, incident in incidents.items():
            archive = dossier_of(log, incident, heads_from_stack(data, incident), tell)
            write_whole(folder / f"{name}.zip", archive, sync=False)
