"""The log in its store: everything read back is checked against what was published."""

from dataclasses import dataclass
from typing import Final

from shared.chain import signatures
from shared.seal.growth import (
    LogRefused,
    Tree,
    TreeHead,
    edge_tiles,
    signatures_path,
)
from shared.seal.store import LogStore
from shared.tlog.bundles import bundle_hashes, decode_bundle
from shared.tlog.checkpoint import open_checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.growth import Edge
from shared.tlog.note import Verifier
from shared.tlog.tiles import ENTRIES, Tile

CHECKPOINT: Final = "checkpoint"
WITNESSED: Final = "witnessed"
"""The largest checkpoint that a quorum cosigned; `checkpoint` may be ahead of it."""


@dataclass(frozen=True, slots=True)
class Published:
    """A log's files, and the key that signs its checkpoints. Every method raises LogRefused when
    the store holds something other than what was published."""

    store: LogStore
    verifier: Verifier

    def head(self, note: bytes | None) -> TreeHead | None:
        """The tree that a checkpoint of this log commits to; None when there is no checkpoint."""
        if note is None:
            return None
        try:
            checkpoint, _ = open_checkpoint(note, [self.verifier])
        except TlogError as error:
            raise LogRefused(
                f"the checkpoint in the log store is not of this log's key: {error}"
            ) from error
        return TreeHead(checkpoint.size, checkpoint.root)

    async def show(self, path: str, data: bytes) -> None:
        """Writes these bytes to the path, unless they are there already. Raises Fenced when another
        sealer writes to it meanwhile."""
        if (there := await self.store.read(path)) != data:
            await self.store.replace(path, there, data)

    async def tree(self, published: TreeHead) -> Tree:
        """The right edge of the published tree, from its partial tiles."""
        rows: dict[int, bytes] = {}
        entries: list[bytes] = []
        beside: tuple[bytes, ...] = ()
        try:
            for tile in edge_tiles(published.size):
                if tile.level == ENTRIES:
                    entries, beside = await self.bundle(tile)
                else:
                    rows[tile.level] = await self._read(tile.path)
            edge = Edge.load(published.size, lambda level, _index, _width: rows[level])
        except TlogError as error:
            raise LogRefused(f"the log store holds a damaged tile: {error}") from error
        if edge.root != published.root or (
            entries and tuple(bundle_hashes(entries)) != edge.rows[0]
        ):
            raise LogRefused(
                "the tiles in the log store do not make the root that was published: "
                "the store was changed"
            )
        return Tree(edge, tuple(entries), beside)

    async def bundle(self, tile: Tile) -> tuple[list[bytes], tuple[bytes, ...]]:
        """The entries of a bundle, and their signatures."""
        beside = signatures_path(tile)
        try:
            entries = decode_bundle(await self._read(tile.path), tile.width)
        except TlogError as error:
            raise LogRefused(
                f"the log store holds a damaged bundle, {tile.path}: {error}"
            ) from error
        try:
            return entries, tuple(signatures.from_file(await self._read(beside), tile.width))
        except TlogError as error:
            raise LogRefused(
                f"the log store holds damaged signatures, {beside}: {error}"
            ) from error

    async def _read(self, path: str) -> bytes:
        if (data := await self.store.read(path)) is None:
            raise LogRefused(
                f"the log store has no {path}, which was published: "
                "put the store back from a backup"
            )
        return data
