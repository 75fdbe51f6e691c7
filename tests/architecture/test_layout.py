"""The house: one anatomy for all four services, and a README that tells the truth about the tree
and the settings."""

import importlib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from shared.contract.vocabulary import ServiceName
from tests import services

ROOT = Path(__file__).parents[2]
SERVICES = [ROOT / "services" / service for service in ServiceName]

MUST: Final = frozenset(
    {
        "__init__.py",
        "__main__.py",
        "api",
        "audit.py",
        "bodies.py",
        "domain",
        "migrations",
        "queries.py",
        "rules.py",
        "views.py",
    }
)
"""In every service, under this very name."""
MAY: Final = frozenset({"examples.py", "pages", "reactions.py", "settings.py"})
"""Only where a service has a use for it, and then under this very name."""
OWN: Final[Mapping[str, frozenset[str]]] = {
    "intake": frozenset(
        {
            "batches.py",  # many reports in one request
            "bounds.py",  # how much of a request is taken
            "cloudevents.py",  # the other form in which a report comes
            "documents.py",  # what OpenAPI says of bodies that are read by hand
            "forgetting.py",  # the worker that forgets the keys of anonymous reports
            "keys.py",  # when two reports are the same report
            "reception.py",  # one report, however it came
            "sources.py",  # for which sources a caller speaks
        }
    ),
    "triage": frozenset(),
    "notify": frozenset(
        {
            "channels.py",  # the ways out of the house
            "channels",
            "sender.py",  # the worker that sends
            "sending.py",
        }
    ),
    "review": frozenset(
        {
            "editions.py",  # when the report is made
            "erasures",  # what forgetting takes beside rules and routes
            "log.py",  # the sealed log, as a process is started with it
            "negotiation.py",  # which form of the report a reader asks for
            "report",  # the report itself, one projection
            "sealing.py",  # the worker that seals the log
        }
    ),
}
"""What one service alone does, each with its reason. Anything else fails: think of a room that the
others have before adding a name here."""

API_MUST: Final = frozenset({"__init__.py", "commands.py", "reads.py"})
"""The routes of every service: what callers ask it to do, and what they read."""
API_OWN: Final[Mapping[str, frozenset[str]]] = {
    "notify": frozenset({"channels.py"}),  # settings, which are no views
    "review": frozenset(
        {
            "erasures.py",  # requests to forget, which other roles make and read
            "log.py",  # files of the sealed log, which are no views
            "publishing.py",  # a command that is made anew until it leaves nothing out
            "report.py",  # one document in three forms
        }
    ),
}

DOMAIN_MUST: Final = frozenset(
    {
        "__init__.py",
        "commands.py",
        "decisions.py",
        "gates.py",
        "offers.py",
        "state.py",
        "tables.py",
    }
)
DOMAIN_OWN: Final[Mapping[str, frozenset[str]]] = {
    "triage": frozenset(
        {
            "acting.py",  # the arms about actions
            "assessing.py",  # the arm of the assessment
            "ending.py",  # the arms that end it without action
            "preparing.py",  # the arms before it
            "severity.py",  # a table with an arithmetic of its own
        }
    ),
    "notify": frozenset(
        {
            "duties.py",  # the arms about audiences
            "messages.py",  # the arms of people about a message
            "sending.py",  # the arms of the sender
        }
    ),
    "review": frozenset({"erasing.py"}),  # the arms about forgetting
}
DOMAIN_EXPORTS: Final = frozenset(
    {"INITIAL", "Command", "State", "decide", "evolve", "gates", "next_commands"}
)


def committed() -> list[str]:
    """What is in the repository; a checkout also has caches and an environment."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_top_level_is_the_one_that_was_agreed() -> None:
    folders = {path.split("/")[0] for path in committed() if "/" in path}
    assert folders == {"services", "shared", "deploy", "tests", ".ci"}


def found_in(folder: Path) -> frozenset[str]:
    """The modules and rooms of a folder that are in the repository; pages of prose do not count."""
    under = f"{folder.relative_to(ROOT)}/"
    paths = (path.removeprefix(under) for path in committed() if path.startswith(under))
    return frozenset(path.partition("/")[0] for path in paths if not path.endswith(".md"))


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_every_service_has_the_same_rooms_under_the_same_names(service: Path) -> None:
    found = found_in(service)
    assert found - MUST - MAY - OWN[service.name] == set(), "no room that only one service has"
    assert MUST - found == set()


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_the_routes_of_every_service_stand_in_the_same_modules(service: Path) -> None:
    found = found_in(service / "api")
    assert found - API_MUST - API_OWN.get(service.name, frozenset()) == set()
    assert API_MUST - found == set()


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_every_domain_has_the_same_modules_and_exports(service: Path) -> None:
    found = found_in(service / "domain")
    assert found - DOMAIN_MUST - DOMAIN_OWN.get(service.name, frozenset()) == set()
    assert DOMAIN_MUST - found == set()
    domain = importlib.import_module(f"services.{service.name}.domain")
    assert set(domain.__all__) >= DOMAIN_EXPORTS
    assert {name for name in domain.__all__ if not hasattr(domain, name)} == set()


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_migrations_are_plain_sql_numbered_without_holes(service: Path) -> None:
    names = sorted(
        path.name for path in (service / "migrations").iterdir() if path.suffix == ".sql"
    )
    assert [int(name.split("_")[0]) for name in names] == list(range(1, len(names) + 1))


def test_nobody_writes_a_statement_that_would_change_the_ledger() -> None:
    forbidden = re.compile(
        r"\b(UPDATE|DELETE\s+FROM|TRUNCATE(\s+TABLE)?)\s+ledger\b", re.IGNORECASE
    )
    for path in committed():
        if path.startswith(("services/", "shared/", "deploy/")) and path.endswith((".py", ".sql")):
            assert not forbidden.search((ROOT / path).read_text(encoding="utf-8")), path


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_sql_stands_in_views_and_queries_alone(service: Path) -> None:
    statement = re.compile(
        r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b", re.DOTALL
    )
    for path in service.rglob("*.py"):
        if path.name not in {"views.py", "queries.py"}:
            assert not statement.search(path.read_text(encoding="utf-8")), path


def test_every_page_points_at_files_that_are_there() -> None:
    pages = [path for path in committed() if path.endswith(".md")]
    assert "README.md" in pages
    for name in pages:
        page = ROOT / name
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{name}: {link}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_pinned_requirements_have_hashes_and_no_addresses() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        pins = re.findall(r"^[a-zA-Z0-9_.-]+(?:\[[^\]]+\])?==", text, re.MULTILINE)
        assert len(pins) > 50
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert "--hash=sha256:" in block, block[:80]


def test_every_role_that_a_page_names_is_one_of_a_service() -> None:
    """A worker's role is its function's name: renamed, nobody would run it."""
    roles = {role for service in services.SERVICES for role in service.roles}
    named = [
        role
        for name in committed()
        if name.endswith(".md")
        for listed in re.findall(r"--roles ([a-z_,]+)", (ROOT / name).read_text(encoding="utf-8"))
        for role in listed.split(",")
    ]
    assert "sealer" in named
    assert set(named) <= roles
