"""The house: who has read one service finds no surprise in another, and what the README says of the
tree and the settings is true."""

import re
import subprocess
from pathlib import Path

import pytest

from shared.contract.vocabulary import ServiceName

ROOT = Path(__file__).parents[2]
SERVICES = [ROOT / "services" / service for service in ServiceName]

EVERY_SERVICE = {"__init__.py", "__main__.py", "api.py", "audit.py", "views.py", "migrations"}
KNOWN = {*EVERY_SERVICE, "domain.py", "domain", "reactions.py", "settings.py", "pages"}


def committed() -> list[str]:
    """What is in the repository; a checkout also has caches and an environment."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_top_level_is_the_one_that_was_agreed() -> None:
    folders = {path.split("/")[0] for path in committed() if "/" in path}
    assert folders == {"services", "shared", "deploy", "tests", ".ci"}


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_every_service_has_the_files_that_a_reader_expects(service: Path) -> None:
    assert {name for name in EVERY_SERVICE if not (service / name).exists()} == set()
    assert (service / "domain.py").exists() or (service / "domain" / "__init__.py").exists()


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
def test_sql_stands_in_views_alone(service: Path) -> None:
    statement = re.compile(
        r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b", re.DOTALL
    )
    for path in service.rglob("*.py"):
        if path.name != "views.py":
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
