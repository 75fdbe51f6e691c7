"""What a checkpoint commits to: every tile and bundle of its size, read once, hashed again, up to
the root.

What the level above is made of is what the tile says, and each entry is held against that: so one
changed entry is one finding, and names itself."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.audit.files import Files
from shared.chain import signatures as signature_files
from shared.chain.findings import Finding
from shared.tlog.bundles import decode_bundle
from shared.tlog.encoding import HASH_SIZE
from shared.tlog.errors import TlogError
from shared.tlog.growth import Edge
from shared.tlog.tile_proofs import ReadTile
from shared.tlog.tiles import ENTRIES, WIDTH, Tile, decode_tile, encode_tile, width_at


@dataclass(frozen=True, slots=True)
class Leaves:
    """One bundle's leaves from index `first` on; each of `hashes` is that of its entry.
    `signatures` are one for each, or none at all."""

    first: int
    entries: list[bytes]
    hashes: list[bytes]
    signatures: Sequence[bytes]

    def signature_of(self, leaf: int) -> bytes | None:
        at = leaf - self.first
        return self.signatures[at] if at < len(self.signatures) else None


class TreeCheck:
    """Reads a log of this size and root; `leaves` is to be read to its end, then `findings` is
    whole."""

    def __init__(self, files: Files, size: int, root: bytes) -> None:
        self.files, self.size, self.root = files, size, root
        self.findings: list[Finding] = []
        self._edge = Edge()

    def leaves(self) -> Iterator[Leaves]:
        for index, (bundle, tile, signatures) in enumerate(
            _threes(self.files.read_all(self._paths()))
        ):
            width = width_at(ENTRIES, index, self.size)
            leaves = self._leaves(index, width, bundle, self._signatures(index, width, signatures))
            sealed = (
                leaves.hashes
                if leaves and tile == b"".join(leaves.hashes)
                else self._sealed(index, width, tile)
            )
            if leaves is None and sealed is None:
                self._find(
                    "root_differs", f"leaf {index * WIDTH}", "nothing from here on can be checked"
                )
                return
            if sealed is not None and leaves is not None:
                self._compare(leaves, sealed)
            self._grow(sealed or (leaves.hashes if leaves else []))
            if leaves is not None:
                yield leaves
        self._finish()

    def _paths(self) -> Iterator[str]:
        for index in range((self.size + WIDTH - 1) // WIDTH):
            width = width_at(ENTRIES, index, self.size)
            yield Tile(ENTRIES, index, width).path
            yield Tile(0, index, width).path
            yield signatures_path(Tile(ENTRIES, index, width))

    def _leaves(
        self, index: int, width: int, data: bytes | None, signatures: Sequence[bytes]
    ) -> Leaves | None:
        path = Tile(ENTRIES, index, width).path
        try:
            data = (
                data
                if data is not None
                else from_full_bundle(self.files, Tile(ENTRIES, index, width))
            )
            if data is None:
                self._find("bundle_missing", path, "there is no such file")
                return None
            entries = decode_bundle(data, width)
        except TlogError as error:
            self._find("bundle_missing", path, str(error))
            return None
        sha256 = hashlib.sha256
        return Leaves(
            index * WIDTH,
            entries,
            [sha256(b"\x00" + entry).digest() for entry in entries],
            signatures,
        )

    def _signatures(self, index: int, width: int, data: bytes | None) -> Sequence[bytes]:
        tile = Tile(ENTRIES, index, width)
        try:
            if (found := _signatures(self.files, tile, data)) is not None:
                return found
            detail = "there is no such file"
        except TlogError as error:
            detail = str(error)
        self._find("signatures_missing", signatures_path(tile), detail)
        return ()

    def _sealed(self, index: int, width: int, data: bytes | None) -> list[bytes] | None:
        tile = Tile(0, index, width)
        if data is None:
            data = from_full_tile(self.files, tile)
        if data is None:
            self._find("tile_missing", tile.path, "there is no such file")
            return None
        try:
            return decode_tile(data, width)
        except TlogError as error:
            self._find("tile_differs", tile.path, str(error))
            return None

    def _compare(self, leaves: Leaves, sealed: list[bytes]) -> None:
        if leaves.hashes != sealed:
            for at, (hash_, claimed) in enumerate(zip(leaves.hashes, sealed, strict=True)):
                if hash_ != claimed:
                    detail = f"hashes to {hash_.hex()[:16]}…, sealed was {claimed.hex()[:16]}…"
                    self._find("entry_differs", f"leaf {leaves.first + at}", detail)

    def _grow(self, hashes: list[bytes]) -> None:
        growth = self._edge.grow(hashes)
        self._edge = growth.edge
        for tile, data in growth.tiles:
            if tile.level and not tile.is_partial:
                self._check_tile(tile, data)

    def _finish(self) -> None:
        for level, row in enumerate(self._edge.rows):
            if level and row:
                self._check_tile(
                    Tile(level, (self.size >> 8 * level) // WIDTH, len(row)), encode_tile(row)
                )
        if self._edge.size == self.size and self._edge.root != self.root:
            detail = (
                f"the events give {self._edge.root.hex()[:16]}…, the checkpoint says "
                f"{self.root.hex()[:16]}…"
            )
            self._find("root_differs", f"the tree of {self.size}", detail)

    def _check_tile(self, tile: Tile, data: bytes) -> None:
        try:
            read = tile_reader(self.files)(tile.level, tile.index, tile.width)
        except TlogError as error:
            self._find("tile_missing", tile.path, str(error))
            return
        if read != data:
            self._find(
                "tile_differs", tile.path, "holds other hashes than those of the tiles below it"
            )

    def _find(self, code: str, where: str, detail: str) -> None:
        self.findings.append(Finding(code, where, detail))


def tile_reader(files: Files) -> ReadTile:
    """Reads hash tiles for proofs, from the full one where the partial one was deleted. Raises
    TlogError."""

    def read(level: int, index: int, width: int) -> bytes:
        tile = Tile(level, index, width)
        data = files.read(tile.path)
        if data is None:
            data = from_full_tile(files, tile)
        if data is None:
            raise TlogError(f"{tile.path} is not there")
        return data

    return read


def from_full_tile(files: Files, tile: Tile) -> bytes | None:
    """A partial tile, bundle or file of signatures may be deleted once the full one is there
    (tlog-tiles, "Partial Tiles")."""
    full = files.read(tile.full.path) if tile.is_partial else None
    return None if full is None else full[: tile.width * HASH_SIZE]


def from_full_bundle(files: Files, bundle: Tile) -> bytes | None:
    """Raises TlogError when the full bundle is none."""
    return _first_of_full(files, bundle, bundle.full.path)


def from_full_signatures(files: Files, bundle: Tile) -> bytes | None:
    """Raises TlogError when the full file is none."""
    return _first_of_full(files, bundle, signatures_path(bundle.full))


def _first_of_full(files: Files, bundle: Tile, path: str) -> bytes | None:
    full = files.read(path) if bundle.is_partial else None
    if full is None:
        return None
    return full[: sum(2 + len(entry) for entry in decode_bundle(full, WIDTH)[: bundle.width])]


def _signatures(files: Files, bundle: Tile, data: bytes | None) -> Sequence[bytes] | None:
    """The signatures in this file or, where it was deleted, in the full one; None when there is
    neither. Raises TlogError when it is not what it should be."""
    if data is None:
        data = from_full_signatures(files, bundle)
    return None if data is None else signature_files.from_file(data, bundle.width)


class Signatures:
    """The signatures beside the leaves; keeps the file that was read last."""

    def __init__(self, files: Files, size: int) -> None:
        self.files, self.size = files, size
        self._index = -1
        self._signatures: Sequence[bytes] = ()

    def __call__(self, leaf: int) -> bytes | None:
        index, at = divmod(leaf, WIDTH)
        if index != self._index:
            self._index, self._signatures = index, self._read(index)
        return self._signatures[at] if at < len(self._signatures) else None

    def _read(self, index: int) -> Sequence[bytes]:
        tile = Tile(ENTRIES, index, width_at(ENTRIES, index, self.size))
        try:
            return _signatures(self.files, tile, self.files.read(signatures_path(tile))) or ()
        except TlogError:
            return ()  # `TreeCheck` tells of it


def signatures_path(tile: Tile) -> str:
    """Where the signatures of an entry bundle lie."""
    return tile.path.replace("tile/entries/", "signatures/", 1)


def _threes(
    items: Iterable[bytes | None],
) -> Iterator[tuple[bytes | None, bytes | None, bytes | None]]:
    iterator = iter(items)
    return zip(iterator, iterator, iterator, strict=True)
