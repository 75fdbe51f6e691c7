"""`ledger source` and `ledger whois` on a real database: what an operator types, what is kept."""

import json

import psycopg
import pytest
from typer.testing import CliRunner

from deploy.ledger.main import app
from deploy.ledger.mend.intake import OWNER_DSN, PSEUDONYM_KEY
from deploy.local.keys import Keys
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.secretfiles import secret_in
from shared.runtime.say.people import People
from tests.integration.conftest import Databases

SOURCE = "//dlp/scanner"


@pytest.fixture
def owner(databases: Databases, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> str:
    """The DSN that the command uses."""
    dsn = databases[ServiceName.INTAKE].owner_dsn
    monkeypatch.setenv(OWNER_DSN, dsn)
    monkeypatch.setenv(PSEUDONYM_KEY, str(keys.pseudonym_key))
    return dsn


def ledger(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return result.output


def test_who_is_registered_is_kept_by_pseudonym_and_listed_by_subject(
    owner: str, keys: Keys
) -> None:
    ledger("source", "add", "Monitor", SOURCE)
    pseudonym = People(secret_in(keys.pseudonym_key)).pseudonym_of("monitor")
    with psycopg.connect(owner) as connection:
        assert connection.execute("SELECT subject FROM source").fetchall() == [(pseudonym,)]
    (listed,) = json.loads(ledger("source", "list", "--json"))
    assert (listed["subject"], listed["source"]) == ("Monitor", SOURCE)
    ledger("source", "end", "monitor", SOURCE)
    assert json.loads(ledger("source", "list", "--json")) == []


def test_somebody_is_found_by_pseudonym_and_by_subject(owner: str, keys: Keys) -> None:
    pseudonym = People(secret_in(keys.pseudonym_key)).pseudonym_of("monitor")
    assert ledger("whois", "monitor").split() == [pseudonym, "(not", "in", "the", "directory)"]
    assert "knows nobody" in ledger("whois", pseudonym, code=1)
    ledger("source", "add", "monitor", SOURCE)
    for asked in ("monitor", "MONITOR", pseudonym):
        assert ledger("whois", asked).split() == [pseudonym, "monitor"]


def test_without_the_secret_nobody_is_registered(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PSEUDONYM_KEY)
    assert PSEUDONYM_KEY in ledger("source", "add", "monitor", SOURCE, code=2)
    with psycopg.connect(owner) as connection:
        assert connection.execute("SELECT count(*) FROM source").fetchone() == (0,)
