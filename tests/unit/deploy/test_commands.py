"""The commands of the local stack refuse, in words, what their options cannot mean."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.ledger.main import app
from deploy.local.account import Account
from deploy.local.errors import StackError
from deploy.local.keys import Keys
from deploy.local.ports import HIGHEST, HOST, LOWEST, Ports

ODD_DATA = ["a\nb", "a\x1b[31mb", "a\x7f", "x" * 300, "/".join(["y" * 200] * 30), "/dev/null"]


@pytest.mark.parametrize("data", ODD_DATA)
@pytest.mark.parametrize(
    "command",
    [["up"], ["up", "--detach"], ["status"], ["token", "--role", "lead", "--name", "lea"]],
)
def test_a_data_folder_that_cannot_be_one_is_refused_in_a_line(
    command: list[str], data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, [*command, "--data", data])
    assert said.exit_code == 1, said.output
    assert isinstance(said.exception, SystemExit)
    assert len(said.stderr.strip().splitlines()) == 1, said.stderr
    assert said.stderr.strip().isprintable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("hours", ["inf", "-inf", "nan", "0", "-1", "1e308", "25", "", "soon"])
def test_hours_that_mean_nothing_are_refused(hours: str, tmp_path: Path) -> None:
    Keys.of(tmp_path).make()
    words = ["token", "--role", "lead", "--name", "lea", "--data", str(tmp_path), "--hours", hours]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 2
    assert "--hours" in said.output


@pytest.mark.parametrize(
    "name", ["", " ", "\u00a0", "lea ", " lea", "le\na", "le\u202ea", "x" * 201, "service:intake"]
)
def test_a_name_that_names_nobody_is_refused(name: str, tmp_path: Path) -> None:
    Keys.of(tmp_path).make()
    words = ["token", "--role", "lead", "--data", str(tmp_path), "--name", name]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 2
    assert "--name" in said.output


def test_a_token_is_printed_alone(tmp_path: Path) -> None:
    Keys.of(tmp_path).make()
    words = ["token", "--role", "lead", "--name", "Léa", "--data", str(tmp_path)]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0
    assert said.stdout.count(".") == 2
    assert len(said.stdout.split()) == 1


@pytest.mark.parametrize("base", ["0", "-1", str(LOWEST - 1), str(HIGHEST + 1), "1e4", ""])
def test_a_port_base_without_room_is_refused(base: str, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["up", "--data", str(tmp_path / "x"), "--port-base", base])
    assert said.exit_code == 2
    assert "--port-base" in said.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("base", [LOWEST - 1, HIGHEST + 1])
def test_ports_outside_the_range_are_refused(base: int) -> None:
    with pytest.raises(StackError, match=f"from {LOWEST} to {HIGHEST}"):
        Ports(base).require_free()


def test_a_busy_port_is_named_with_its_part() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StackError, match=f"port {port} .postgres. is in use by .*process"):
            Ports(port).require_free()


@pytest.mark.parametrize(
    ("uid", "mode", "reaches"),
    [(12345, 0o755, True), (12345, 0o700, False), (12345, 0o711, True), (12345, 0o750, False)],
)
def test_an_account_reaches_a_folder_that_lets_it_through(
    uid: int, mode: int, reaches: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(mode)
    assert Account(uid, uid)._enters(folder) is reaches
    assert Account(folder.stat().st_uid, uid)._enters(folder)
