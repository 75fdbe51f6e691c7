"""The `ledger` command: each topic is found under its name, and who asks for one does not wait for
the others."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from deploy.ledger.main import COMMANDS, app


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: ledger {name} ")
    assert len(shown.output.splitlines()[2].strip()) > 20, "says in a sentence what it does"
    assert name in CliRunner().invoke(app, ["--help"]).output


def test_a_slip_of_the_pen_is_told_the_nearest_command() -> None:
    said = CliRunner().invoke(app, ["verfy"])
    assert said.exit_code == 2
    assert "Did you mean 'verify'?" in said.output


@pytest.mark.slow
def test_asking_for_the_status_waits_for_no_database_broker_or_server_library() -> None:
    ask = (
        "import sys; from deploy.ledger.main import app; app(['status', '--help'], "
        "standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    assert "shared" in imported
    assert (
        imported
        & {"alembic", "sqlalchemy", "psycopg", "aiokafka", "asyncpg", "fastapi", "opentelemetry"}
        == set()
    )
