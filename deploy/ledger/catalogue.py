"""`ledger catalogue`: the published language, for those who consume the topic."""

from enum import StrEnum
from importlib.metadata import version
from typing import Annotated

import typer

from deploy.ledger.printing import show_json
from shared.contract import publication


class Form(StrEnum):
    JSON_SCHEMA = "json-schema"
    ASYNCAPI = "asyncapi"


def catalogue(
    form: Annotated[
        Form,
        typer.Option(
            "--format",
            help="JSON Schemas of every event's data, or one AsyncAPI 3 document of the topic.",
        ),
    ] = Form.JSON_SCHEMA,
) -> None:
    """Print the event catalogue as JSON Schemas or as an AsyncAPI 3 document.

    Properties marked x-confidential hold free text or personal data."""
    document = (
        publication.json_schemas()
        if form is Form.JSON_SCHEMA
        else publication.asyncapi(version("incident-ledger"))
    )
    show_json(document)
