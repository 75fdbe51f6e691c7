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
            help="JSON Schemas of every event's data, or one AsyncAPI 3 document of both topics.",
        ),
    ] = Form.JSON_SCHEMA,
) -> None:
    """Print the event catalogue as JSON Schemas or as an AsyncAPI 3 document.

    Properties marked x-confidential are what people wrote: an event holds digests of them, and they
    travel as disclosures on a topic of their own."""
    document = (
        publication.json_schemas()
        if form is Form.JSON_SCHEMA
        else publication.asyncapi(version("incident-ledger"))
    )
    show_json(document)
