"""Copies all static files of a log into a folder: what anybody can verify later, without whoever
served it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.audit.anchors import NAMES
from shared.audit.files import Files, Folder, NotALog
from shared.audit.heads import trusted_head
from shared.audit.outcome import Progress
from shared.audit.tree import (
    from_full_bundle,
    from_full_signatures,
    from_full_tile,
    signatures_path,
)
from shared.audit.writing import make_folder, write_whole
from shared.chain import keyfiles
from shared.contract.vocabulary import ServiceName
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier
from shared.tlog.tiles import ENTRIES, WIDTH, Tile, bundles_of_growth, tiles_of_growth

BATCH: Final = 512


@dataclass(frozen=True, slots=True)
class Exported:
    size: int
    fetched: int
    kept: int


def export(source: Files, folder: Path, log: Verifier, progress: Progress) -> Exported:
    """Fetches what is not in the folder yet; the checkpoint is written last, so that it never
    promises what is not there.

    Raises NotALog, and Unreachable when the source does not answer; run again, it goes on where it
    ended."""
    note, head = trusted_head(source, "checkpoint", log)
    size = head.size
    _refuse_another_log(source, log, folder)
    small = {
        path: source.read(path)
        for path in (*NAMES, "witnessed", *(f"chains/{service}" for service in ServiceName))
    }
    exported = _copy_static(source, folder, size, progress)
    for path, data in {**small, "checkpoint": note}.items():
        if data is not None:
            _write(folder / path, data)
    return exported


def _refuse_another_log(source: Files, log: Verifier, folder: Path) -> None:
    there = Folder(folder).read("log.vkey")
    if there is not None and keyfiles.log_key(there) != log:
        raise NotALog(f"{folder} holds another log than {source.name}; choose another folder")


def _copy_static(source: Files, folder: Path, size: int, progress: Progress) -> Exported:
    fetched = kept = 0
    total = _count(size)
    for batch in _batches(_static(size)):
        wanted = [(path, tile) for path, tile in batch if not (folder / path).is_file()]
        for (path, tile), data in zip(
            wanted, source.read_all(path for path, _ in wanted), strict=True
        ):
            whole = data if data is not None else _from_full(source, path, tile)
            if whole is None:
                raise NotALog(
                    f"{source.name} lacks {path}, which its checkpoint of size {size} needs"
                )
            _write(folder / path, whole, sync=False)
        fetched, kept = fetched + len(wanted), kept + len(batch) - len(wanted)
        progress("files", fetched + kept, total)
    return Exported(size, fetched, kept)


def _count(size: int) -> int:
    """How many files that is: each level has a hash tile for every 256 nodes, each 256 leaves have
    a bundle and a file of signatures."""
    total, nodes = 2 * -(-size // WIDTH), size
    while nodes:
        total, nodes = total + -(-nodes // WIDTH), nodes // WIDTH
    return total


def _static(size: int) -> Iterator[tuple[str, Tile]]:
    for tile in tiles_of_growth(0, size):
        yield tile.path, tile
    for bundle in bundles_of_growth(0, size):
        yield bundle.path, bundle
        yield signatures_path(bundle), bundle


def _from_full(source: Files, path: str, tile: Tile) -> bytes | None:
    if tile.level != ENTRIES:
        return from_full_tile(source, tile)
    try:
        return (
            from_full_bundle(source, tile)
            if path == tile.path
            else from_full_signatures(source, tile)
        )
    except TlogError:
        return None


def _batches(items: Iterable[tuple[str, Tile]]) -> Iterator[list[tuple[str, Tile]]]:
    batch: list[tuple[str, Tile]] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _write(path: Path, data: bytes, *, sync: bool = True) -> None:
    make_folder(path.parent)
    write_whole(path, data, sync=sync)
