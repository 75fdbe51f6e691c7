"""How a stack is said to be: to programs, and to people."""

import asyncio
import json
import os
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from deploy.ledger.main import app
from deploy.ledger.run import status
from deploy.ledger.run.standing import describe
from deploy.local import state
from deploy.local.described import prepare
from deploy.local.ports import Ports
from deploy.local.state import Process, Stack
from shared.contract.vocabulary import ServiceName
from tests.integration.servers import free_base

OURS = Process.of(os.getpid())
GONE = Process(pid=OURS.pid, created=OURS.created - 3600, restarts=2)
"""Our number, given to another process an hour ago."""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A stack of which this process is the supervisor, and of which nothing answers."""
    made = prepare(tmp_path, Ports(free_base()))
    processes = {"intake": OURS, "kafka": GONE}
    described = made.model_copy(update={"processes": processes})
    described.save()
    return described


def test_what_does_not_answer_is_not_ready_and_says_why(stack: Stack) -> None:
    about = asyncio.run(describe(stack))
    assert about["ready"] is False
    assert set(about["services"]) == set(ServiceName)
    for service in about["services"].values():
        assert (service["ready"], service["why"], service["lag"]) == (False, "ConnectError", None)
    assert about["log"]["size"] is None
    assert about["log"]["witnessed_size"] is None


def test_a_process_is_told_from_another_of_the_same_number(stack: Stack) -> None:
    about = asyncio.run(describe(stack))
    assert about["services"]["intake"]["pid"] == os.getpid()
    assert about["services"]["intake"]["uptime_s"] >= 0
    assert (about["kafka"]["pid"], about["kafka"]["restarts"]) == (None, 2)
    assert (about["postgres"]["pid"], about["postgres"]["restarts"]) == (None, 0)
    assert about["supervisor"]["pid"] == os.getpid()


def test_no_secret_is_among_what_programs_read(stack: Stack) -> None:
    said = CliRunner().invoke(app, ["status", "--data", str(stack.data), "--json"])
    assert said.exit_code == 1
    assert json.loads(said.stdout)["ready"] is False
    for password in stack.keys.passwords().values():
        assert password not in said.stdout


def test_people_read_a_row_for_each_part(stack: Stack) -> None:
    said = CliRunner().invoke(app, ["status", "--data", str(stack.data)])
    assert said.exit_code == 1
    rows = {line.split()[0]: line for line in said.stdout.splitlines() if line.strip()}
    for name in (*ServiceName, "kafka", "postgres"):
        assert name in rows
    assert str(os.getpid()) in rows["intake"]
    assert "gone" in rows["kafka"]
    assert stack.kafka_bootstrap in rows["kafka"]
    assert "cosigned by nobody" in said.stdout
    for service in stack.services.values():
        assert str(service.log) in said.stdout


@pytest.mark.parametrize(
    ("lag", "shown"),
    [
        (None, ""),
        ({}, ""),
        ({"to_hear": 0, "to_relay": 3}, "to_hear=0 to_relay=3"),
        ({"to_hear": None, "to_relay": 0}, "to_hear=? to_relay=0"),
    ],
)
def test_lag_is_a_number_or_unknown(lag: dict[str, int | None] | None, shown: str) -> None:
    assert status._lag(lag) == shown


def test_a_stack_of_a_supervisor_that_is_gone_was_cut_off(stack: Stack) -> None:
    stack.model_copy(update={"supervisor": GONE}).save()
    with pytest.raises(state.NoStack, match="was cut off"):
        state.load(stack.data)


def test_a_process_that_never_was_does_not_run() -> None:
    free = max(psutil.pids()) + 100_000
    assert Process(pid=free, created=0.0).running() is None
    assert Process(pid=free, created=0.0).gone(within=0.0)


def test_secrets_are_not_in_what_a_stack_prints(stack: Stack) -> None:
    shown = repr(stack)
    for password in stack.keys.passwords().values():
        assert password not in shown
    assert (stack.data / state.FILE).stat().st_mode & 0o077 == 0
