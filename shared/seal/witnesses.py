"""The sealer as a client of witnesses (c2sp.org/tlog-witness): asks all of a policy at once to
cosign the newest checkpoint.

A round ends when a quorum has answered or time is up: a dead witness delays nothing but the
witnessed checkpoint."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import httpx

from shared.seal.store import LogStore, StoreAway
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.note import MAX_NOTE, Signature
from shared.tlog.policy import NOBODY, Policy, Witness
from shared.tlog.tile_proofs import consistency_from_tiles
from shared.tlog.tiles import Tile
from shared.tlog.witness import AddCheckpoint, read_cosignatures, read_size

TRIES: Final = 2
"""A witness that has cosigned another size than expected is asked once more, with a proof from that
size."""
GRACE: Final = 0.2
"""Seconds left to the other witnesses once a quorum has answered."""


@dataclass(frozen=True, slots=True)
class Round:
    """The answers of the witnesses to one checkpoint."""

    checkpoint: Checkpoint
    cosignatures: tuple[Signature, ...]
    quorum: bool
    answers: tuple[tuple[str, int | None, str | None], ...]
    """For each witness its name, the size it is known to have cosigned, and its problem."""


@dataclass(slots=True)
class Witnesses:
    policy: Policy
    store: LogStore
    within: float
    """Seconds that a round may take."""
    client: httpx.AsyncClient
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def wanted(self) -> bool:
        return self.policy.quorum != NOBODY

    async def ask(self, note: bytes, checkpoint: Checkpoint) -> Round:
        """Asks each witness about this checkpoint, whose tiles must be in the store."""
        asked = {
            witness.name: asyncio.create_task(self._ask(witness, note, checkpoint))
            for witness in self.policy.witnesses
        }
        try:
            await self._until_quorum(asked)
        finally:
            for task in asked.values():
                task.cancel()
            await asyncio.gather(*asked.values(), return_exceptions=True)
        cosigned = {name: task.result() for name, task in asked.items() if _succeeded(task)}
        answers = tuple(
            (name, self.sizes.get(name), _problem(task)) for name, task in asked.items()
        )
        return Round(checkpoint, tuple(cosigned.values()), self.policy.is_quorum(cosigned), answers)

    async def _until_quorum(self, asked: dict[str, "asyncio.Task[Signature]"]) -> None:
        now = asyncio.get_running_loop().time
        end, pending, enough = now() + self.within, set(asked.values()), False
        while pending and now() < end:
            _, pending = await asyncio.wait(
                pending, timeout=end - now(), return_when=asyncio.FIRST_COMPLETED
            )
            if not enough and self.policy.is_quorum(
                name for name, task in asked.items() if _succeeded(task)
            ):
                enough, end = True, min(end, now() + GRACE)

    async def _ask(self, witness: Witness, note: bytes, checkpoint: Checkpoint) -> Signature:
        if witness.url is None:
            raise TlogError("the policy gives no address for it")
        for _ in range(TRIES):
            old = self.sizes.get(witness.name, 0)
            if old > checkpoint.size:
                raise TlogError(
                    f"it has cosigned a tree of {old} leaves, ours has {checkpoint.size}: "
                    "was this log restored?"
                )
            proof = await self._proof(old, checkpoint.size)
            body = AddCheckpoint.of(old, proof, note).encode()
            answer = await self.client.post(
                f"{witness.url.rstrip('/')}/add-checkpoint", content=body
            )
            if answer.status_code == 409:
                self.sizes[witness.name] = read_size(answer.content)
                continue
            if answer.status_code != 200:
                raise TlogError(f"it refuses ({answer.status_code}): {answer.text.strip()[:200]}")
            if len(answer.content) > MAX_NOTE:
                raise TlogError("its answer is too long")
            (cosignature, *_) = read_cosignatures(
                answer.content, checkpoint.text, [witness.verifier]
            )
            self.sizes[witness.name] = checkpoint.size
            return cosignature
        raise TlogError(
            f"it has cosigned {self.sizes[witness.name]} leaves, and refuses a proof from there"
        )

    async def _proof(self, old: int, new: int) -> list[bytes]:
        if old in {0, new}:
            return []
        loop = asyncio.get_running_loop()

        def read(level: int, index: int, width: int) -> bytes:
            return asyncio.run_coroutine_threadsafe(
                read_tile(self.store, Tile(level, index, width)), loop
            ).result()

        return await asyncio.to_thread(consistency_from_tiles, old, new, read)


async def read_tile(store: LogStore, tile: Tile) -> bytes:
    """A hash tile of this width, cut from the full one if the partial one is gone (tlog-tiles,
    "Partial Tiles"). Raises StoreAway."""
    if (data := await store.read(tile.path)) is not None:
        return data
    if tile.is_partial and (full := await store.read(tile.full.path)) is not None:
        return full[: tile.width * 32]
    raise StoreAway(f"the log store has no {tile.path}")


def _succeeded(task: "asyncio.Task[Signature]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _problem(task: "asyncio.Task[Signature]") -> str | None:
    if task.cancelled():
        return "did not answer in time"
    error = task.exception()
    if isinstance(error, httpx.HTTPError):
        return f"does not answer: {type(error).__name__}"
    if error is None or isinstance(error, (TlogError, OSError)):
        return None if error is None else str(error)
    raise error
