"""Copies all static files of a log into a folder: what anybody can verify later, without whoever
served it."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.audit.files import Files, Folder
from shared.audit.log import NotALog, Progress
from shared.audit.tree import (
    from_full_bundle,
    from_full_signatures,
    from_full_tile,
    signatures_path,
)
from shared.contract.vocabulary import ServiceName
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.note import parse_note
from shared.tlog.tiles import ENTRIES, Tile, bundles_of_growth, tiles_of_growth

KEYS: Final = ("log.vkey", "trust", "policy")
BATCH: Final = 512


@dataclass(frozen=True, slots=True)
class Exported:
    size: int
    fetched: int
    kept: int


def export(source: Files, folder: Path, progress: Progress) -> Exported:
    """Fetches what is not in the folder yet; the checkpoint is written last, so that it never
    promises what is not there.

    Raises NotALog, and Unreachable when the source does not answer; run again, it goes on where it
    ended."""
    note = source.read("checkpoint")
    if note is None:
        raise NotALog(f"{source.name} has no checkpoint; is it a log's folder or address?")
    try:
        size = Checkpoint.parse(parse_note(note)[0]).size
    except TlogError as error:
        raise NotALog(f"{source.name}: its checkpoint is none: {error}") from error
    _refuse_another_log(source, folder)
    small = {
        path: source.read(path)
        for path in (*KEYS, "witnessed", *(f"chains/{service}" for service in ServiceName))
    }
    exported = _copy_static(source, folder, size, progress)
    for path, data in {**small, "checkpoint": note}.items():
        if data is not None:
            _write(folder / path, data)
    return exported


def _refuse_another_log(source: Files, folder: Path) -> None:
    there = Folder(folder).read("log.vkey")
    if there is not None and there != source.read("log.vkey"):
        raise NotALog(f"{folder} holds another log than {source.name}; choose another folder")


def _copy_static(source: Files, folder: Path, size: int, progress: Progress) -> Exported:
    fetched = kept = 0
    total = sum(1 for _ in _static(size))
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
            _write(folder / path, whole)
        fetched, kept = fetched + len(wanted), kept + len(batch) - len(wanted)
        progress("files", fetched + kept, total)
    return Exported(size, fetched, kept)


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


def _write(path: Path, data: bytes) -> None:
    """In one step: a file that is there is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.new")
    partial.write_bytes(data)
    partial.replace(path)
