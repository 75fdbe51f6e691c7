"""No client takes a proxy, a certificate store or a password from the environment by itself."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime.process.surroundings import FOREIGN
from tests.services import SERVICES, by_name

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path for top in ("shared", "services", "deploy") for path in (ROOT / top).rglob("*.py")
)
HTTPX = {
    *("Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", "create_ssl_context"),
    *("get", "post", "put", "patch", "delete", "head", "options", "request", "stream"),
}
OBEDIENT = {"requests", "aiohttp", "urllib3", "urllib.request", "http.client", "ftplib"}
"""Modules that have no way, or an easily forgotten one, to leave the environment alone."""


def unguarded(source: str) -> Iterator[str]:
    """Each construction of an httpx client, and each call of its shortcuts, that does not say
    trust_env=False; each import of a module that obeys the environment."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("httpx"), attr=name)) if name in HTTPX:
                said = {word.arg: ast.unparse(word.value) for word in node.keywords}
                if said.get("trust_env") != "False":
                    yield f"line {node.lineno}: httpx.{name} without trust_env=False"
            case ast.ImportFrom(module="httpx"):
                yield f"line {node.lineno}: write httpx.…, so that this test sees the call"
            case ast.Import(names=names):
                yield from (
                    f"line {node.lineno}: import {one.name}"
                    for one in names
                    if one.name in OBEDIENT
                )
            case ast.ImportFrom(module=str(module)) if module in OBEDIENT:
                yield f"line {node.lineno}: from {module}"


def test_every_http_client_leaves_the_environment_alone() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in FILES
        if (lines := list(unguarded(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "httpx.get(url)",
        "httpx.AsyncClient(timeout=5)",
        "httpx.Client(trust_env=True)",
        "httpx.Client(transport=httpx.HTTPTransport(retries=2), trust_env=False)",
        "from httpx import Client",
        "import requests",
        "from urllib.request import urlopen",
    ],
)
def test_a_careless_client_would_be_found(line: str) -> None:
    assert len(list(unguarded(line))) == 1


ENTRIES = {
    "ledger": "from deploy.ledger.main import app; app(['status', '--data', '/nowhere'])",
    **{
        f"services.{by_name(service)}": (
            f"import sys; sys.argv = ['x']; from services.{by_name(service)}.__main__ import "
            "SERVICE; from shared.runtime.service import main; main(SERVICE)"
        )
        for service in SERVICES
    },
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.slow
def test_every_entry_forgets_what_libraries_would_obey(entry: str) -> None:
    """Each ends with an error, having no stack and no settings, and then shows its environment."""
    code = (
        "import atexit, os; "
        "atexit.register(lambda: print('LEFT', *sorted(n for n in os.environ if n[:3] in "
        "('PGH', 'PGS', 'JAV', 'OTE')))); " + ENTRIES[entry]
    )
    hostile = {"PGHOST": "x", "PGSSLMODE": "x", "JAVA_TOOL_OPTIONS": "x", "OTEL_PROPAGATORS": "x"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **hostile},
        cwd=ROOT,
    )
    assert done.returncode != 0
    assert done.stdout.splitlines()[-1:] == ["LEFT"], done.stdout + done.stderr


def test_every_family_of_variables_belongs_to_a_library_that_is_here() -> None:
    """The table is kept for what is installed: these names are read by nobody else."""
    for module in (
        "httpx",
        "requests",
        "asyncpg",
        "psycopg",
        "apprise",
        "opentelemetry",
        "uvicorn",
    ):
        importlib.import_module(module)
        assert any(module.removesuffix("g") in family.lower() for family in FOREIGN) or (
            module == "psycopg"
        ), module
