"""`ledger report`: the lessons-learned report of an incident."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from deploy.ledger.check.services import Services
from deploy.ledger.options import or_stop
from deploy.ledger.printing import show_exactly, show_markdown
from deploy.ledger.run.options import DataFolder
from deploy.local import state
from deploy.local.errors import StackError
from shared.audit.writing import write_whole
from shared.contract.vocabulary import ServiceName


class Form(StrEnum):
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    SKELETON = "skeleton"


def report(
    incident: UUID,
    form: Annotated[
        Form,
        typer.Option(
            "--format",
            help="With the texts that are at hand; or the skeleton, with digests in place of "
            "texts, whose SHA-256 is on the log.",
        ),
    ] = Form.MARKDOWN,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the exact bytes to this file.")
    ] = None,
    data: DataFolder = state.DEFAULT_DATA,
) -> None:
    """Show the report of an incident: a draft that says what is missing, or the published one. It
    names what of it is erased, when and on which ground, and what is withheld."""
    with or_stop():
        text = _fetch(incident, form, data)
        if output is not None:
            write_whole(output, text, 0o600)
            return
    (show_markdown if form is Form.MARKDOWN else show_exactly)(text)


def _fetch(incident: UUID, form: Form, data: Path) -> bytes:
    services = Services(data, "ledger-report")
    wanted = "/skeleton" if form is Form.SKELETON else f"?format={form.value}"
    answer = services.get(ServiceName.REVIEW, f"incidents/{incident}/report{wanted}")
    if 200 <= answer.status < 300:
        return answer.body
    raise StackError(_detail(answer.body) or f"review answered {answer.status}")


def _detail(problem: bytes) -> str | None:
    try:
        detail = json.loads(problem)["detail"]
    except (ValueError, KeyError, TypeError):
        return None
    return detail if isinstance(detail, str) else None
