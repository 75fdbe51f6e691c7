"""The data folder: its name, its rights, its one supervisor, and how a failure there is told."""

import errno
import os
import shlex
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local import folder
from deploy.local.errors import StackError

ODD = ["two words", "it's", 'say "no"', "é", "a,b", "a:b", "a\\b", "50%", "$(x)", "😀", "-x", "#1"]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_usable(name: str, tmp_path: Path) -> None:
    with folder.opened(tmp_path / name):
        assert (tmp_path / name).is_dir()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\nb", "U+000A"),
        ("a\x1b[31m", "U+001B"),
        ("a\x7f", "U+007F"),
        (os.fsdecode(b"a\xff"), "byte 0xff is not UTF-8"),
        ("/".join(["x" * 200] * 5), "has "),
    ],
)
def test_a_name_that_a_part_cannot_open_is_refused_before_anything_is_made(
    name: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(StackError) as refused, folder.opened(tmp_path / name):
        pytest.fail("it was opened")
    assert said in str(refused.value)
    assert "choose a" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=50))
def test_every_name_is_usable_or_refused_in_one_line(name: str) -> None:
    if all(" " <= character != "\x7f" for character in name):
        folder.require_usable(Path("/data") / name)
        return
    with pytest.raises(StackError) as refused:
        folder.require_usable(Path("/data") / name)
    assert "\n" not in str(refused.value)


def test_all_of_it_is_its_owners_alone_and_the_umask_is_put_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        with folder.opened(data):
            (data / "file").touch()
            (data / "folder").mkdir()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data, *data.iterdir())}
        assert all(mode & 0o077 == 0 for mode in modes.values()), modes
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_second_supervisor_is_told_how_to_see_and_end_the_first(tmp_path: Path) -> None:
    data = tmp_path / "two words"
    with folder.opened(data), pytest.raises(StackError) as refused, folder.opened(data):
        pytest.fail("both have it")
    assert f"ledger down --data '{data}'" in str(refused.value)


@pytest.mark.parametrize("number", sorted(folder.REMEDIES))
def test_a_failure_in_the_body_says_where_why_and_the_remedy(number: int, tmp_path: Path) -> None:
    with pytest.raises(StackError) as told, folder.opened(tmp_path / "data"):
        raise OSError(number, os.strerror(number), str(tmp_path / "file"))
    where, _, remedy = str(told.value).partition("; ")
    assert where == f"{tmp_path / 'file'}: {os.strerror(number).lower()}"
    assert remedy == folder.REMEDIES[number]


def test_a_failure_that_names_no_file_and_has_no_remedy_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError), folder.opened(tmp_path / "data"):
        raise ConnectionResetError(errno.ECONNRESET, "reset")


@given(st.text(min_size=1, max_size=30))
def test_a_hint_is_what_a_shell_takes(name: str) -> None:
    words = shlex.split(folder.hint("ledger down", Path(name)))
    assert words == ["ledger", "down", "--data", str(Path(name))]
