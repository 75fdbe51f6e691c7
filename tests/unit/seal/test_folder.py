"""The folder as a log store: whole files or none, and a replacement only by its last reader."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from shared.runtime.process.lease import Fenced
from shared.seal.folder import LOCK, Folder
from shared.seal.store import UNFINISHED
from shared.seal.stores import open_store


def files(root: Path) -> dict[str, bytes]:
    """All that a reader of the log could see."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != LOCK
    }


async def test_files_are_read_as_they_were_written(tmp_path: Path) -> None:
    store = Folder(tmp_path / "not" / "there yet")
    written = {"checkpoint": b"c", "tile/0/000.p/1": b"t" * 32, "tile/entries/000.p/1": b""}
    await store.write(list(written.items()))
    assert {path: await store.read(path) for path in written} == written
    assert files(tmp_path / "not" / "there yet") == written


async def test_many_files_are_written_at_once(tmp_path: Path) -> None:
    many = {f"tile/0/{number:03d}": b"%d" % number for number in range(100)}
    await Folder(tmp_path).write(list(many.items()))
    assert files(tmp_path) == many


@pytest.mark.parametrize("path", ["nothing", "no/such/folder", "folder", "file/below"])
async def test_what_is_not_a_file_is_not_there(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    assert await Folder(tmp_path).read(path) is None


async def test_writing_the_same_again_does_no_harm(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    for _ in range(3):
        await store.write([("tile/0/000", b"same")])
    assert files(tmp_path) == {"tile/0/000": b"same"}


async def test_the_first_replacement_expects_nothing(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    await store.replace("checkpoint", None, b"one")
    await store.replace("checkpoint", b"one", b"two")
    assert await store.read("checkpoint") == b"two"


@pytest.mark.parametrize(
    ("there", "expected"), [(None, b"old"), (b"new", b"old"), (b"new", None), (b"", None)]
)
async def test_a_file_that_changed_meanwhile_is_not_replaced(
    tmp_path: Path, there: bytes | None, expected: bytes | None
) -> None:
    if there is not None:
        (tmp_path / "checkpoint").write_bytes(there)
    before = files(tmp_path)
    with pytest.raises(Fenced, match="checkpoint was replaced by another sealer"):
        await Folder(tmp_path).replace("checkpoint", expected, b"ours")
    assert files(tmp_path) == before


async def test_of_many_that_replace_the_same_file_one_wins(tmp_path: Path) -> None:
    rivals = [Folder(tmp_path) for _ in range(12)]
    outcomes = await asyncio.gather(
        *(
            store.replace("checkpoint", None, b"rival %d" % number)
            for number, store in enumerate(rivals)
        ),
        return_exceptions=True,
    )
    (winner,) = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert (tmp_path / "checkpoint").read_bytes() == b"rival %d" % winner
    assert sum(isinstance(outcome, Fenced) for outcome in outcomes) == len(rivals) - 1


async def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    contents = [bytes([number]) * 300_000 for number in range(8)]
    path, seen, done = tmp_path / "checkpoint", set[bytes](), threading.Event()
    path.write_bytes(contents[0])

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = asyncio.get_running_loop().run_in_executor(None, read)
    store = Folder(tmp_path)
    for content in contents[1:]:
        await store.write([("checkpoint", content)])
    done.set()
    await reader
    assert seen <= set(contents)


async def test_a_write_that_fails_leaves_neither_the_file_nor_a_piece_of_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "tile" / "0" / "000").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        await Folder(tmp_path).write([("tile/0/000", b"data")])
    assert files(tmp_path) == {}


async def test_a_folder_that_is_a_file_is_an_error_not_a_loss(tmp_path: Path) -> None:
    (tmp_path / "tile").write_bytes(b"in the way")
    with pytest.raises(OSError, match="tile"):
        await Folder(tmp_path).write([("tile/0/000", b"data")])
    assert files(tmp_path) == {"tile": b"in the way"}


async def test_a_folder_is_discarded_with_all_in_it_and_its_neighbours_stay(
    tmp_path: Path,
) -> None:
    store = Folder(tmp_path)
    await store.write([("tile/0/000.p/1", b"a"), ("tile/0/000.p/2", b"b"), ("tile/0/000", b"c")])
    await store.discard("tile/0/000.p")
    await store.discard("tile/0/000.p")
    assert files(tmp_path) == {"tile/0/000": b"c"}


async def test_unfinished_files_of_a_killed_writer_can_be_discarded(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    await store.write([("checkpoint", b"c")])
    (tmp_path / UNFINISHED / "0123").write_bytes(b"half")
    await store.discard(UNFINISHED)
    assert files(tmp_path) == {"checkpoint": b"c"}
    await store.write([("checkpoint", b"d")])
    assert await store.read("checkpoint") == b"d"


async def test_every_folder_of_a_new_file_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, fsync = set[str](), os.fsync

    def noting(handle: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noting)
    await Folder(tmp_path).write([("tile/0/x001/000", b"data")])
    folders = {str(tmp_path / path) for path in ("", "tile", "tile/0", "tile/0/x001")}
    assert folders <= synced
    assert any(UNFINISHED in path for path in synced), "the data itself"


async def test_a_path_opens_as_a_folder_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("log")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    await store.write([("checkpoint", b"c")])
    assert (tmp_path / "log" / "checkpoint").read_bytes() == b"c"


@pytest.mark.parametrize(
    "where", ["https://example.com/log", "gs://bucket/log", "file:///log", "S3://bucket"]
)
def test_an_address_of_another_kind_is_refused(where: str) -> None:
    with pytest.raises(ValueError, match="path of a folder, or an s3:// URL"):
        open_store(where)


@pytest.mark.parametrize("where", ["s3://", "s3:///prefix"])
def test_a_bucket_without_a_name_is_refused(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_BUCKET", raising=False)
    with pytest.raises(ValueError, match="is not a usable s3:// URL"):
        open_store(where)


def test_a_bucket_opens_without_a_connection() -> None:
    assert type(open_store("s3://bucket/prefix")).__name__ == "Bucket"
