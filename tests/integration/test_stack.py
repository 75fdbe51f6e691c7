"""`ledger up`, `status`, `down` as a person uses them: real processes, real signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psutil
import psycopg
import pytest

from deploy.local import kafka, postgres, state
from deploy.local.broker import Broker
from deploy.local.keys import Keys
from deploy.local.ports import Ports
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName
from tests.integration.servers import free_base, free_port

LEDGER = str(Path(sys.executable).with_name("ledger"))
pytestmark = pytest.mark.xdist_group("stack")


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    error: str


def ledger(*arguments: object, **env: str) -> Said:
    command = [LEDGER, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **env}
    )
    return Said(done.returncode, done.stdout.strip(), done.stderr.strip())


def status(data: Path) -> dict[str, Any]:
    said = ledger("status", "--data", data, "--json")
    about: dict[str, Any] = (
        json.loads(said.out) if said.out else {"ready": False, "error": said.error}
    )
    return about


def until(holds: Callable[[], bool], within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it did not come to hold in time"
        time.sleep(0.05)


def is_ready(data: Path) -> bool:
    """What `status` says, asked without a process for each look."""
    stack = state.recorded(data)
    try:
        return stack is not None and all(
            httpx.get(f"{service.url}/readyz").is_success for service in stack.services.values()
        )
    except httpx.HTTPError:
        return False


def pids(data: Path) -> dict[str, int]:
    stack = state.recorded(data)
    assert stack is not None
    return {name: process.pid for name, process in stack.processes.items()} | {
        "supervisor": stack.supervisor.pid
    }


def alive(numbers: dict[str, int]) -> list[str]:
    """Which of these processes still run; one that only waits for its parent to hear of its end
    does not."""
    return [name for name, pid in numbers.items() if runs(pid)]


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder like any other under pytest's, which as root nobody else can reach."""
    data = tmp_path_factory.mktemp("stack") / "data"
    yield data
    ledger("down", "--data", data)
    postgres.remove(data)


@pytest.fixture(scope="module")
def base() -> int:
    return free_base()


@pytest.fixture
def stack(folder: Path, base: int) -> state.Stack:
    """The stack of this module, started where the test before ended it."""
    if state.recorded(folder) is None:
        said = ledger("up", "--detach", "--data", folder, "--port-base", base)
        assert said.code == 0, said
    return state.load(folder)


def test_up_starts_everything_and_says_where_it_is(stack: state.Stack, folder: Path) -> None:
    about = status(folder)
    assert about["ready"] is True
    assert set(about["services"]) == set(ServiceName)
    for service in about["services"].values():
        assert (service["ready"], service["restarts"]) == (True, 0)
        assert httpx.get(f"{service['url']}/readyz").is_success
        assert httpx.get(f"{service['health']}/readyz").is_success
    assert about["kafka"]["bootstrap"] == stack.kafka_bootstrap
    assert Path(about["trust_file"]).exists()
    shown = ledger("status", "--data", folder)
    assert all(service.url in shown.out for service in stack.services.values())


def test_it_listens_on_this_machine_only(stack: state.Stack, folder: Path) -> None:
    for name, pid in pids(folder).items():
        listening = [
            c.laddr
            for c in psutil.Process(pid).net_connections("inet")
            if c.status == psutil.CONN_LISTEN
        ]
        assert listening, f"{name} listens nowhere: what this test looks at is not what it means"
        assert {address[0].removeprefix("::ffff:") for address in listening} <= {"127.0.0.1"}, name


def test_all_that_it_keeps_is_its_owners_alone(stack: state.Stack, folder: Path) -> None:
    """Also the files of Postgres and Kafka, where another account runs them elsewhere."""
    elsewhere = folder / "postgres.elsewhere"
    cluster = Path(elsewhere.read_text().strip()) if elsewhere.exists() else folder
    assert (cluster / "postgres" / "PG_VERSION").exists()
    kept = [folder, *folder.rglob("*"), *(cluster / "postgres").rglob("*")]
    assert {"00000000000000000000.log", "stack.json", "checkpoint"} <= {path.name for path in kept}
    open_to_others = {
        str(path): oct(mode) for path in kept if (mode := path.lstat().st_mode & 0o777) & 0o077
    }
    assert open_to_others == {}


@pytest.mark.parametrize("password", [None, "wrong"])
@pytest.mark.parametrize("port", ["kafka", "kafka-controller"])
async def test_its_broker_takes_nobody_without_the_password(
    stack: state.Stack, port: str, password: str | None
) -> None:
    assert await kafka.answers(stack.broker)
    address = f"127.0.0.1:{Ports(stack.port_base)[port]}"
    assert not await kafka.answers(Broker(address, password))


@pytest.mark.parametrize("path", ["checkpoint", "log.vkey", "tile/0/000.p/1"])
def test_its_sealed_log_is_for_auditors(stack: state.Stack, path: str) -> None:
    url = f"{stack.services['review'].url}/log/{path}"
    assert httpx.get(url).status_code == 401
    token = issue(Keys.of(stack.data), "an-auditor", [Role.AUDITOR])
    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in {200, 404}


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO people VALUES (%(name)s), (%(name)s)", psycopg.errors.UniqueViolation),
        ("INSERT INTO people VALUES (%(name)s || '!')", psycopg.errors.CheckViolation),
        ("SELECT %(name)s::uuid", psycopg.errors.InvalidTextRepresentation),
        ("SELECT %(name)s::text FROM nowhere", psycopg.errors.UndefinedTable),
        ("DO $$ BEGIN RAISE 'Brunhilde Nachtigall'; END $$", psycopg.errors.RaiseException),
        ("SELECT 'Brunhilde Nachtigall", psycopg.errors.SyntaxError),
    ],
)
def test_postgres_logs_no_name_of_a_statement_that_it_refuses(
    stack: state.Stack, folder: Path, statement: LiteralString, error: type[psycopg.Error]
) -> None:
    name = "Brunhilde Nachtigall"
    told = {"name": name} if "%(name)s" in statement else None
    with psycopg.connect(stack.admin_dsn) as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE people (name text PRIMARY KEY CHECK (name NOT LIKE '%!'))"
        )
        with pytest.raises(error):
            connection.execute(statement, told)
    log = (folder / "logs" / "postgres.log").read_text(encoding="utf-8")
    assert "ready to accept connections" in log
    assert name.partition(" ")[0] not in log


def test_postgres_does_not_run_as_root(stack: state.Stack, folder: Path) -> None:
    assert psutil.Process(pids(folder)["postgres"]).uids().effective != 0


def test_a_second_up_on_the_same_folder_is_refused(stack: state.Stack, folder: Path) -> None:
    said = ledger("up", "--data", folder, "--port-base", free_base())
    assert (said.code, said.out) == (1, "")
    assert said.error == (
        f"a stack runs on {folder} already; see it with: ledger status --data {folder}, "
        f"end it with: ledger down --data {folder}"
    )


def test_a_busy_port_is_named_with_who_has_it(
    stack: state.Stack, base: int, tmp_path: Path
) -> None:
    said = ledger("up", "--data", tmp_path / "data", "--port-base", base)
    assert said.code == 1
    assert said.error.startswith(f"port {base} (postgres) is in use by postgres (process ")
    assert said.error.endswith("end that, or choose other ports with --port-base")
    assert "\n" not in said.error


def test_two_stacks_run_side_by_side(stack: state.Stack, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "data"
    try:
        assert ledger("up", "--detach", "--data", other, "--port-base", free_base()).code == 0
        assert status(folder)["ready"]
        assert status(other)["ready"]
        assert not set(pids(folder).values()) & set(pids(other).values())
    finally:
        ended = pids(other)
        assert ledger("down", "--data", other).out == f"The stack on {other} has ended."
        postgres.remove(other)
    assert alive(ended) == []
    assert status(folder)["ready"]


@pytest.mark.parametrize("name", ["postgres", "kafka", "triage"])
def test_what_is_killed_is_started_again(stack: state.Stack, folder: Path, name: str) -> None:
    before = pids(folder)[name]
    os.kill(before, signal.SIGKILL)
    until(lambda: pids(folder)[name] != before)
    until(lambda: is_ready(folder))
    until(lambda: status(folder)["ready"])
    about = status(folder)
    assert {**about["services"], **about}[name]["restarts"] >= 1


def test_a_killed_supervisor_leaves_nothing_in_the_way(
    stack: state.Stack, folder: Path, base: int
) -> None:
    with psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE TABLE kept ()")
    before = pids(folder)
    os.kill(before["supervisor"], signal.SIGKILL)
    said = ledger("status", "--data", folder)
    assert (said.code, said.error) == (
        1,
        f"the stack on {folder} was cut off; "
        f"start it again with: ledger up --detach --data {folder}",
    )
    again = ledger("up", "--detach", "--data", folder, "--port-base", base)
    assert again.code == 0, again
    assert alive(before) == []
    with psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
        admin.execute("DROP TABLE kept")


def test_a_warm_start_fetches_nothing_moves_to_the_ports_it_is_given_and_says_how_long_it_took(
    stack: state.Stack, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, base = pids(folder), free_base()
    assert ledger("down", "--data", folder).out == f"The stack on {folder} has ended."
    assert alive(before) == []
    began = time.monotonic()
    assert ledger("up", "--detach", "--data", folder, "--port-base", base).code == 0
    took = time.monotonic() - began
    assert (
        status(folder)["services"]["review"]["url"] == f"http://127.0.0.1:{Ports(base)['review']}"
    )
    with capsys.disabled():
        print(f"\nwarm start to all four ready: {took:.1f} s")


def test_down_ends_what_a_killed_supervisor_left(stack: state.Stack, folder: Path) -> None:
    before = pids(folder)
    os.kill(before["supervisor"], signal.SIGKILL)
    assert ledger("down", "--data", folder).code == 0
    assert alive(before) == []
    assert ledger("down", "--data", folder) == Said(0, f"No stack runs on {folder}.", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(folder: Path, base: int, number: signal.Signals) -> None:
    ledger("down", "--data", folder)
    command = [LEDGER, "up", "--data", str(folder), "--port-base", str(base)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as up:
        until(lambda: is_ready(folder), within=60)
        assert status(folder)["ready"]
        before = pids(folder)
        os.killpg(up.pid, number)
        assert up.wait(30) == 0
    assert alive(before) == []
    assert state.recorded(folder) is None
    assert "killing it" not in _log_since(folder, f"process {before['postgres']}")


def _log_since(data: Path, mark: str) -> str:
    return (data / "logs" / "stack.log").read_text(encoding="utf-8").rpartition(mark)[2]


@pytest.mark.parametrize("what", ["file", "below a file"])
def test_an_unwritable_folder_is_named(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").touch()
    data = tmp_path / "file" if what == "file" else tmp_path / "file" / "data"
    said = ledger("up", "--detach", "--data", data, "--port-base", free_base())
    assert said.code == 1
    assert said.error.startswith(f"{data}: ")
    assert said.error.endswith("choose another folder with --data, or make this one writable")


def test_a_missing_network_at_the_first_run_is_said(tmp_path: Path) -> None:
    """Maven's host is there, and refuses: what a machine without a network sees."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    data = tmp_path / "data"
    said = ledger(
        *("up", "--detach", "--data", data, "--port-base", free_base()),
        M2_REPO=str(tmp_path / "m2"),
        HTTPS_PROXY=nowhere,
        https_proxy=nowhere,
    )
    postgres.remove(data)
    assert said.code == 1
    assert "the first run needs the network" in said.error.splitlines()[-1]
    assert state.recorded(data) is None


@pytest.mark.parametrize("command", ["status", "verify"])
def test_without_a_stack_every_command_says_how_to_start_one(tmp_path: Path, command: str) -> None:
    said = ledger(command, "--data", tmp_path)
    assert said.code != 0
    assert (
        said.error
        == f"no stack runs on {tmp_path}; start one with: ledger up --detach --data {tmp_path}"
    )


def test_a_folder_of_any_name_holds_a_whole_stack(tmp_path: Path) -> None:
    """Blanks, quotes, separators of properties and of lists, a percent sign, beyond the plane."""
    data = tmp_path / "é, :x'\\ 😀 %d" / "data"
    data.parent.mkdir()
    try:
        said = ledger("up", "--detach", "--data", data, "--port-base", free_base())
        assert said.code == 0, said
        assert status(data)["ready"] is True
        verified = ledger("verify", "--data", data)
        assert verified.code == 0, verified
        assert ledger("down", "--data", data).code == 0
        assert state.recorded(data) is None
    finally:
        ledger("down", "--data", data)
        postgres.remove(data)
