"""The services' databases of a local stack, or on any Postgres by environment."""

import os
from pathlib import Path

from deploy.local import state
from deploy.local.described import databases
from deploy.local.errors import StackError
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair import schema


def databases_of(services: list[ServiceName], data: Path | None) -> list[schema.Database]:
    """Those of these services, in order. Raises StackError for a setting that is missing."""
    if data is not None:
        stack = state.load(data)
        return [one for one in databases(stack.admin_dsn, stack.keys) if one.service in services]
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
