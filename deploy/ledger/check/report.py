"""`ledger report`: the lessons-learned report of an incident."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import httpx
import typer

from deploy.ledger.printing import show_exactly, show_markdown
from deploy.ledger.run.options import DataFolder, or_say_why
from deploy.local import state
from deploy.local.errors import StackError
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName


class Form(StrEnum):
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def report(
    incident: UUID,
    form: Annotated[
        Form,
        typer.Option("--format", help="The published bytes are the same in every form's file."),
    ] = Form.MARKDOWN,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the exact bytes to this file.")
    ] = None,
    data: DataFolder = state.DEFAULT_DATA,
) -> None:
    """Show the report of an incident: a draft that says what is missing, or the published one."""
    with or_say_why():
        text = _fetch(incident, form, data)
        if output is not None:
            output.write_bytes(text)
            return
    (show_markdown if form is Form.MARKDOWN else show_exactly)(text)


def _fetch(incident: UUID, form: Form, data: Path) -> bytes:
    url = state.load(data).services[ServiceName.REVIEW].url
    token = issue(Keys.of(data), "ledger-report", [Role.AUDITOR])
    try:
        answer = httpx.get(
            f"{url}/incidents/{incident}/report",
            params={"format": form.value},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        raise StackError(
            f"review does not answer ({type(error).__name__}); see: ledger status --data {data}"
        ) from error
    if answer.is_success:
        return answer.content
    raise StackError(answer.json().get("detail", f"review answered {answer.status_code}"))
