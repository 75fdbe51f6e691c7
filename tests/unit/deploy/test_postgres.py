"""Where the files of Postgres lie, and what it writes into its log."""

import os
from pathlib import Path

import pytest

from deploy.local import postgres
from deploy.local.account import Account
from deploy.local.postgres import Postgres

OURSELVES = Account(os.geteuid(), os.getegid())
STRANGER = Account(os.geteuid() + 54321, os.getegid() + 54321)


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shared"
    monkeypatch.setattr(postgres, "SHARED", folder)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that no other account reaches."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.mark.parametrize("account", [None, OURSELVES])
def test_files_lie_in_the_data_folder_where_the_account_reaches_it(
    account: Account | None, data: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Account, "reaches", lambda self, folder: folder == data)
    assert postgres._home(data, account) == data
    assert not shared.exists()


def test_else_they_lie_elsewhere_and_the_data_folder_says_where(data: Path, shared: Path) -> None:
    home = postgres._home(data, STRANGER)
    assert home.parent == shared
    assert home.stat().st_mode & 0o777 == 0o711
    assert postgres._home(data, STRANGER) == home, "it is found again"
    assert postgres._home(data, None) == home, "by whatever account"
    postgres.remove(data)
    assert not home.exists()


def test_removing_leaves_a_cluster_in_the_data_folder_alone(data: Path) -> None:
    (data / "postgres").mkdir()
    postgres.remove(data)
    assert (data / "postgres").is_dir()


def test_a_cluster_that_is_moved_comes_whole_and_to_its_account(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    (cluster / "base" / "1").mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("18\n", encoding="ascii")
    (cluster / "base" / "1" / "112").write_bytes(b"rows")
    (cluster / "pg_tblspc").symlink_to(tmp_path / "nowhere")
    to = tmp_path / "home" / "postgres"
    to.parent.mkdir()
    postgres._move(cluster, to, OURSELVES)
    assert not cluster.exists()
    assert (to / "PG_VERSION").read_text(encoding="ascii") == "18\n"
    assert (to / "base" / "1" / "112").read_bytes() == b"rows"
    assert (to / "pg_tblspc").is_symlink()
    for path in (to, *to.rglob("*")):
        assert path.lstat().st_uid == OURSELVES.uid


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("log_error_verbosity", "terse"),
        ("log_min_error_statement", "panic"),
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("log_statement", "none"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("fsync", "on"),
    ],
)
def test_it_is_started_so_that_no_row_reaches_its_log_and_no_stranger_its_port(
    setting: str, value: str, tmp_path: Path
) -> None:
    command = Postgres(tmp_path / "cluster", tmp_path / "bin", None, 4711).command()
    assert command[0] == str(tmp_path / "bin" / "postgres")
    assert command.count(f"{setting}={value}") == 1
    assert command[command.index(f"{setting}={value}") - 1] == "-c"
    assert "port=4711" in command


@pytest.mark.parametrize(
    "setting",
    [
        "log_error_verbosity",
        "log_min_error_statement",
        "log_parameter_max_length",
        "log_parameter_max_length_on_error",
    ],
)
def test_the_same_is_told_to_those_who_run_their_own(setting: str) -> None:
    page = (Path(__file__).parents[3] / "deploy" / "OPERATIONS.md").read_text(encoding="utf-8")
    assert f"{setting} = {postgres.OPTIONS[setting]}" in page
