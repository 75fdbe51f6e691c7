"""The page of all settings, made from the settings classes.

`python -m deploy.settings_page` writes it.

A test holds that the page in the repository is the one that the classes make."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.intake.__main__ import SERVICE as INTAKE
from services.notify.__main__ import SERVICE as NOTIFY
from services.review.__main__ import SERVICE as REVIEW
from services.triage.__main__ import SERVICE as TRIAGE
from shared.runtime.process.settings import ServiceSettings

PAGE: Final = Path(__file__).with_name("SETTINGS.md")

HEAD: Final = """\
# Settings

Every setting is an environment variable, read once at start. A service that lacks one, or cannot
use one, says so in one line each and ends. Key files are readable by the service alone (0600).

This page is made by `python -m deploy.settings_page` from the settings classes.
"""

LIBRARIES: Final = (
    (
        "`OTEL_EXPORTER_OTLP_ENDPOINT`, …",
        "traces and metrics by OpenTelemetry's standard variables; silent without them",
    ),
    ("`AWS_*`", "review, with a log store on S3: server, region and keys"),
    (
        "`MALLOC_ARENA_MAX`",
        "glibc's own; `1` keeps a service that hears or seals ten megabytes smaller, as fast",
    ),
)
COMMANDS: Final = (
    ("`LEDGER_ADMIN_DSN`", "`migrate`: a DSN that may make databases and roles"),
    (
        "`LEDGER_<SERVICE>_OWNER_PASSWORD`, `LEDGER_<SERVICE>_PASSWORD`, `LEDGER_AUDITOR_PASSWORD`",
        "`migrate`: the passwords of the roles that it makes",
    ),
    (
        "`LEDGER_INTAKE_OWNER_DSN`, `LEDGER_PSEUDONYM_KEY_FILE`",
        "`source`, `whois`: intake's database, as its owner, and the secret of pseudonyms",
    ),
    ("`LEDGER_<SERVICE>_DSN`", "`rebuild kafka`: each service's own DSN"),
    (
        "`LEDGER_AUDITOR_DSN`",
        "`verify`, `replay`: a DSN in which `{service}` stands for the service",
    ),
    (
        "`LEDGER_LOG_URL`, `LEDGER_TOKEN`",
        "`verify`, `replay`, `export`: the log's address, and a token where it is not open to all",
    ),
)


def page() -> str:
    """The page, whole."""
    common = set(ServiceSettings.model_fields)
    parts = [HEAD, _table("Of every service", ServiceSettings.model_fields)]
    for service in (INTAKE, TRIAGE, NOTIFY, REVIEW):
        own = {
            name: field
            for name, field in service.settings.model_fields.items()
            if name not in common
        }
        if own:
            parts.append(_table(f"Of {service.name} beside them", own))
    parts.append(_pairs("Of the libraries", LIBRARIES))
    parts.append(_pairs("Of the `ledger` command, without a local stack", COMMANDS))
    return "\n".join(parts)


def _table(title: str, fields: dict[str, FieldInfo]) -> str:
    return "\n".join(
        [f"## {title}", "", "| variable | default | meaning |", "|---|---|---|", *_rows(fields), ""]
    )


def _pairs(title: str, pairs: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {name} | {meaning} |" for name, meaning in pairs]
    return "\n".join([f"## {title}", "", "| variable | meaning |", "|---|---|", *lines, ""])


def _rows(fields: dict[str, FieldInfo]) -> Iterator[str]:
    for name, field in fields.items():
        if not field.description:
            raise ValueError(f"the setting {name} says nowhere what it means")
        meaning = "; ".join(filter(None, (field.description, _choices(field.annotation))))
        meaning = meaning.replace("<", "\\<")
        yield f"| `LEDGER_{name.upper()}` | {_default(field)} | {meaning} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required, secret" if field.annotation is SecretStr else "required"
    if field.default is None or field.default is PydanticUndefined:
        return ""
    value = field.default.value if isinstance(field.default, StrEnum) else field.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _choices(annotation: Any) -> str | None:
    """The values of an enumeration."""
    if get_origin(annotation) in {Union, UnionType}:
        return next(filter(None, map(_choices, get_args(annotation))), None)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return "one of " + ", ".join(f"`{one.value}`" for one in annotation)
    return None


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stderr.write(f"wrote {PAGE}\n")
