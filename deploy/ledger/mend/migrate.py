"""`ledger migrate`: roles, databases, migrations and the topic, on any Postgres and Kafka or on the
local stack."""

from pathlib import Path
from typing import Annotated

import psycopg
import typer

from deploy.ledger.mend.databases import databases_of
from deploy.ledger.mend.topic import make_topic
from deploy.ledger.printing import say, show_exactly
from deploy.ledger.progress import steps
from deploy.ledger.run.options import or_say_why
from deploy.local.errors import StackError
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair import schema


def migrate(
    services: Annotated[list[ServiceName] | None, typer.Argument(help="Default: all four.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Data folder of a local stack. Without it: LEDGER_ADMIN_DSN (may make databases "
            "and roles), "
            "LEDGER_<SERVICE>_OWNER_PASSWORD, LEDGER_<SERVICE>_PASSWORD, LEDGER_AUDITOR_PASSWORD; "
            "with LEDGER_KAFKA_BOOTSTRAP, the topic too."
        ),
    ] = None,
    sql: Annotated[
        bool,
        typer.Option(
            "--sql",
            help="Print the SQL for an empty database instead, to run by hand as the owner.",
        ),
    ] = False,
) -> None:
    """Make what is missing: roles, databases, tables, the topic. Safe to run again."""
    wanted = services or list(ServiceName)
    if sql:
        for service in wanted:
            script = schema.as_sql(service)
            show_exactly(f"-- database incident_{service}, as {service}_owner\n{script}\n".encode())
        return
    with or_say_why(), steps("migrating"):
        try:
            _migrate(databases_of(wanted, data))
        except schema.SchemaError as error:
            raise StackError(str(error)) from error
        except psycopg.Error as error:
            raise StackError(f"Postgres refuses: {str(error).strip().splitlines()[0]}") from error
        say(make_topic(data))


def _migrate(databases: list[schema.Database]) -> None:
    for database in databases:
        made = [*schema.create(database), *schema.migrate(database)]
        say(f"{database.database}: {', '.join(made) if made else 'nothing to do'}")
