"""A file is written whole or not at all, and a refusal says which, why and what to do."""

import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.audit.heads import Seen
from shared.audit.seen import SeenFile
from shared.audit.writing import CannotWrite, make_folder, write_whole


@contextmanager
def full() -> Iterator[None]:
    """The system takes no more than two bytes of a file, as where a disk is full. Not for longer
    than is needed: what runs the tests may write to a file, too."""
    before, told = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, told)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    for data in (b"one", b"", b"two" * 1000):
        write_whole(tmp_path / "file", data, 0o600)
        assert (tmp_path / "file").read_bytes() == data
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", b"data")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"data"


def test_what_does_not_fit_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"ab")
    with full(), pytest.raises(CannotWrite, match="file cannot be written: File too large"):
        write_whole(tmp_path / "file", b"abc")
    assert (tmp_path / "file").read_bytes() == b"ab"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with full(), pytest.raises(CannotWrite):
        SeenFile(tmp_path / "seen.json").save("key", Seen(1, bytes(32)))
    assert not (tmp_path / "seen.json").exists()


PLACES = {
    "a/nowhere/file": "make its folder first",
    "file/below": "above it is a file",
    "folder": "name a file in it",
    "x" * 300: "choose a shorter name",
    "loop/file": "links lead in a circle|Symlink loop|make its folder first",
    "pipe": "name a file",
    "\x00": "cannot be written",
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ascii(place)[:20])
def test_a_place_where_no_file_can_be_is_named_with_what_to_do(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CannotWrite, match=PLACES[place]) as refused:
        write_whole(tmp_path / place, b"new")
    assert place[:20] in str(refused.value)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_device_is_never_replaced() -> None:
    with pytest.raises(CannotWrite, match="name a file"):
        write_whole(Path("/dev/null"), b"data")
    assert Path("/dev/null").is_char_device()


def test_a_folder_is_made_with_those_above_it_or_refused_by_name(tmp_path: Path) -> None:
    make_folder(tmp_path / "a/b")
    make_folder(tmp_path / "a/b")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotWrite, match="file/below cannot be written"):
        make_folder(tmp_path / "file/below")
