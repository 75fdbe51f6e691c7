"""What the tests of this room share: a log in a folder, made as the sealer makes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.seal.folder import Folder
from shared.seal.growth import Grown, Tree, grow
from shared.seal.published import CHECKPOINT, Published
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.keys import Signer
from shared.tlog.merkle import leaf_hash

LOG = Signer("ledger.example/log", b"l" * 32)
STRANGER = Signer("ledger.example/log", b"s" * 32)


def entries(count: int, first: int = 0) -> list[bytes]:
    return [b"entry %d" % number for number in range(first, first + count)]


def signatures(count: int, first: int = 0) -> list[bytes]:
    """As long as real ones, each of its own entry only."""
    return [b"%064d" % number for number in range(first, first + count)]


def grown(tree: Tree, leaves: Sequence[bytes]) -> Grown:
    first = tree.edge.size
    return grow(tree, leaves, signatures(len(leaves), first), list(map(leaf_hash, leaves)))


@dataclass
class LogFolder:
    """A published log that can be damaged file by file."""

    root: Path
    tree: Tree = field(default_factory=Tree)

    @property
    def store(self) -> Folder:
        return Folder(self.root)

    @property
    def published(self) -> Published:
        return Published(self.store, LOG.verifier)

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(LOG.name, self.tree.edge.size, self.tree.edge.root)

    async def grow(self, count: int) -> Grown:
        """Adds so many entries and shows the new checkpoint."""
        step = grown(self.tree, entries(count, self.tree.edge.size))
        await self.store.write(step.files)
        self.tree = step.tree
        (self.root / CHECKPOINT).write_bytes(self.note())
        return step

    def note(self, signer: Signer = LOG) -> bytes:
        return sign_checkpoint(self.checkpoint, signer)

    def damage(self, path: str, at: int = -1) -> None:
        """Flips a bit of one byte."""
        data = bytearray((self.root / path).read_bytes())
        data[at] ^= 1
        (self.root / path).write_bytes(data)
