"""A witness and its memory (c2sp.org/tlog-witness): it cosigns a checkpoint only when
that continues the one it cosigned last.

The state of a log is the last checkpoint with our cosignature, in a file of its own, replaced whole
and on disk before anybody reads the answer. It is also what the monitoring path shows."""

import asyncio
import contextlib
import fcntl
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared.audit.files import MAX_TEXT, read_regular
from shared.audit.writing import make_folder, write_whole
from shared.chain import keyfiles
from shared.chain.keyfiles import BadKeyFile
from shared.tlog import witness
from shared.tlog.checkpoint import open_checkpoint
from shared.tlog.cosignature import Cosigner
from shared.tlog.errors import TlogError
from shared.tlog.note import Verifier, add_signatures, generate_key, parse_note, read_signatures
from shared.tlog.witness import AddCheckpoint, Answer, Latest

KEY: Final = "key"
LOCK: Final = "lock"


class BadWitness(RuntimeError):
    """The witness cannot start: its folder or a key is not as it must be."""


@dataclass(slots=True)
class Witness:
    """One witness: its key, the logs that it knows, and where it remembers."""

    folder: Path
    cosigner: Cosigner
    logs: Mapping[str, Sequence[Verifier]]
    now: Callable[[], int]
    """POSIX seconds."""
    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def add_checkpoint(self, body: bytes) -> Answer:
        """Checks and remembers, one request of an origin after the other."""
        try:
            request = AddCheckpoint.parse(body)
        except TlogError as error:
            return witness.malformed(error)
        if request.checkpoint.origin not in self.logs:
            return witness.decide(request, self.logs, Latest(), self.cosigner, self.now())
        async with self._turns[request.checkpoint.origin]:
            return await asyncio.to_thread(self._decide, request)

    def _decide(self, request: AddCheckpoint) -> Answer:
        origin = request.checkpoint.origin
        answer = witness.decide(request, self.logs, self.latest(origin), self.cosigner, self.now())
        if answer.latest is not None:
            text, signatures = parse_note(request.note)
            known = {(log.name, log.key_id) for log in self.logs[origin]}
            own = [one for one in signatures if (one.name, one.key_id) in known]
            note = add_signatures(text, [*own, *read_signatures(answer.body.decode())])
            write_whole(self._file(origin), note, 0o600)
        return answer

    def latest(self, origin: str) -> Latest:
        """What it cosigned last of a log. Raises BadWitness when that is not its own word."""
        try:
            note = self._file(origin).read_bytes()
        except FileNotFoundError:
            return Latest()
        try:
            checkpoint, opened = open_checkpoint(note, self.logs[origin], [self.cosigner.verifier])
        except TlogError as error:
            raise BadWitness(
                f"{self._file(origin)} is damaged: {error}; put it back, never begin anew"
            ) from error
        mine = (self.cosigner.verifier.name, self.cosigner.verifier.key_id)
        if checkpoint.origin != origin or mine not in {
            (one.name, one.key_id) for one in opened.verified
        }:
            raise BadWitness(
                f"{self._file(origin)} does not carry this witness's cosignature; put the right "
                "one back"
            )
        return Latest(checkpoint.size, checkpoint.root)

    def shown(self, path: str) -> bytes | None:
        """The file behind a monitoring path, if it is that of a known log."""
        for origin in self.logs:
            if path == witness.monitoring_path(origin):
                with contextlib.suppress(FileNotFoundError):
                    return self._file(origin).read_bytes()
        return None

    def _file(self, origin: str) -> Path:
        return self.folder / witness.monitoring_path(origin).replace("/", ".")


def open_witness(
    folder: Path, name: str, logs: Sequence[Verifier], now: Callable[[], int]
) -> Witness:
    """The witness that remembers in this folder; makes folder and key when they are missing. Raises
    BadWitness."""
    if not logs:
        raise BadWitness("name at least one log, by its verifier key or a policy")
    make_folder(folder, 0o700)
    key = folder / KEY
    if not key.exists():
        if any(folder.glob("*.checkpoint")):
            raise BadWitness(
                f"{key} is missing, which cosigned what lies beside it; put it back from a backup"
            )
        try:
            private, _ = generate_key(name)
        except TlogError as error:
            raise BadWitness(f"--name: {error}") from None
        write_whole(key, f"{private}\n".encode(), 0o600)
    try:
        cosigner = keyfiles.witness_key(read_regular(key, MAX_TEXT))
    except BadKeyFile as error:
        raise BadWitness(f"{key}: {error}") from None
    if cosigner.verifier.name != name:
        raise BadWitness(f"{key} is the key of {cosigner.verifier.name}, not of {name}")
    by_origin: dict[str, list[Verifier]] = defaultdict(list)
    for log in logs:
        by_origin[log.name].append(log)
    opened = Witness(folder, cosigner, dict(by_origin), now)
    for origin in by_origin:
        opened.latest(origin)
    return opened


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Two processes on one folder could each cosign another future. Raises BadWitness when one runs
    already."""
    make_folder(folder, 0o700)
    with (folder / LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadWitness(f"a witness runs on {folder} already") from None
        yield
