"""`ledger migrate`: roles, databases, migrations and the topic, on any Postgres and Kafka or on the
local stack."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from deploy.ledger.printing import say, show_exactly
from deploy.ledger.progress import steps
from deploy.ledger.run.options import or_say_why
from deploy.local import state
from deploy.local.errors import StackError
from deploy.local.keys import Keys
from shared.contract.topics import TOPIC
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.topic import WrongTopic, ensure_topic
from shared.runtime.process.persistence import BROKER_AWAY
from shared.runtime.process.settings import KafkaSettings
from shared.runtime.repair import schema


def migrate(
    services: Annotated[list[ServiceName] | None, typer.Argument(help="Default: all four.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Data folder of a local stack. Without it: LEDGER_ADMIN_DSN (may make databases and roles), "
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
            _migrate(_databases(wanted, data))
            _topic(data)
        except (schema.SchemaError, WrongTopic) as error:
            raise StackError(str(error)) from error
        except psycopg.Error as error:
            raise StackError(f"Postgres refuses: {str(error).strip().splitlines()[0]}") from error
        except BROKER_AWAY as error:
            raise StackError(
                f"Kafka does not answer: {error}; the databases are migrated, run this again for the topic"
            ) from error


def _migrate(databases: list[schema.Database]) -> None:
    for database in databases:
        made = [*schema.create(database), *schema.migrate(database)]
        say(f"{database.database}: {', '.join(made) if made else 'nothing to do'}")


def _topic(data: Path | None) -> None:
    if data is not None:
        stack = state.load(data)
        kafka, topic = stack.broker.client(), stack.topic
    elif "LEDGER_KAFKA_BOOTSTRAP" in os.environ:
        settings = KafkaSettings()
        kafka, topic = settings.kafka(), settings.topic
    else:
        say(f"topic {TOPIC}: left alone, LEDGER_KAFKA_BOOTSTRAP is not set")
        return
    made = asyncio.run(ensure_topic(kafka, topic))
    say(f"topic {topic}: {'made' if made else 'nothing to do'}")


def _databases(services: list[ServiceName], data: Path | None) -> list[schema.Database]:
    if data is not None:
        from deploy.local.described import databases

        stack = state.load(data)
        return [one for one in databases(stack.admin_dsn, Keys.of(data)) if one.service in services]
    admin, auditor = _setting("LEDGER_ADMIN_DSN"), _setting("LEDGER_AUDITOR_PASSWORD")
    return [
        schema.Database(
            service,
            admin,
            owner_password=_setting(f"LEDGER_{service.upper()}_OWNER_PASSWORD"),
            service_password=_setting(f"LEDGER_{service.upper()}_PASSWORD"),
            auditor_password=auditor,
        )
        for service in services
    ]


def _setting(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise StackError(f"{name} is not set; set it, or name a local stack with --data") from None
