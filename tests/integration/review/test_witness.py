"""Witnesses as processes of their own, and a sealer that asks them: a cosigned head when the quorum
answers, a plain one at once."""

import asyncio
import contextlib
import dataclasses
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from deploy.local.keys import Keys
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.merkle import consistency_proof, leaf_hash, root_of
from shared.tlog.note import Signer
from shared.tlog.policy import Policy
from shared.tlog.witness import AddCheckpoint, monitoring_path
from tests.integration.conftest import Environment
from tests.integration.review.chains import Voice
from tests.integration.review.seals import FAST, Reader, opened, put, sealing, until

PACE = dataclasses.replace(FAST, every=0.05, witness_within=5)
LEAVES = [leaf_hash(bytes([number])) for number in range(8)]
LOG = Signer("log.example/one", b"l" * 32)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclasses.dataclass(slots=True)
class Process:
    """`ledger witness` on its folder."""

    folder: Path
    vkey: str
    port: int
    line: str = ""
    running: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable,
            "-c",
            "from deploy.ledger.main import app; app()",
            "witness",
            "--state",
            str(self.folder),
        ]
        command += ["--name", "witness.example/one", "--log", self.vkey, "--port", str(self.port)]
        self.running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.running.stdout is not None
        self.line = self.running.stdout.readline().strip()
        # It says who it is before it listens; one that refuses to begin ends.
        end = time.monotonic() + 30
        while self.running.poll() is None and not self._listens():
            assert time.monotonic() < end, "the witness does not listen"

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.running is not None:
            self.running.send_signal(number)
            self.running.wait(30)
            assert self.running.stdout is not None
            self.running.stdout.close()
            self.running = None

    def policy(self, vkey: str) -> bytes:
        name = self.line.split()[1]
        return f"log {vkey}\n{self.line}\nquorum {name}\n".encode()


@contextlib.contextmanager
def witness(folder: Path, vkey: str) -> Iterator[Process]:
    process = Process(folder, vkey, free_port())
    process.start()
    try:
        yield process
    finally:
        process.end()


async def test_the_head_is_witnessed_when_the_quorum_answers(
    environment: Environment, keys: Keys, tmp_path: Path
) -> None:
    voice = Voice(keys)
    async with opened(environment) as desk:
        reader = Reader(desk.folder, desk.vkey)
        with witness(tmp_path / "witness", desk.vkey.vkey) as process:
            policy = process.policy(desk.vkey.vkey)
            async with sealing(desk.sealer(pace=PACE, policy=policy)):
                await put(environment, voice.say(300))
                await until(
                    lambda: _witnessed(reader, policy) == 300, "the witnessed head catches up"
                )
                await until(
                    lambda: _judged(reader, policy, "checkpoint"), "so does the checkpoint itself"
                )
                process.end(signal.SIGKILL)
                await put(environment, voice.say(50))
                await until(lambda: reader.size() == 350, "the plain head waits for nobody")
                assert _witnessed(reader, policy) == 300

                async def silent() -> bool:
                    (shown,) = (await desk.running.readiness())["log"]["witnesses"]
                    return bool(shown["size"] == 300 and shown["problem"])

                await until(silent, "the dead witness is shown")
                process.start()
                await until(lambda: _witnessed(reader, policy) == 350, "it is back, and remembers")

                async def noted() -> bool:
                    return bool((await desk.running.readiness())["log"]["witnessed_size"] == 350)

                await until(noted, "readiness tells it, too")
            shown = await asyncio.to_thread(
                httpx.get, f"{process.url}/{monitoring_path(desk.vkey.name)}"
            )
            assert Policy.parse(policy).require(shown.content).checkpoint.size == 350
        assert len(reader.leaves()) == 350


def _witnessed(reader: Reader, policy: bytes) -> int:
    with contextlib.suppress(FileNotFoundError):
        return (
            Policy.parse(policy).require((reader.folder / "witnessed").read_bytes()).checkpoint.size
        )
    return -1


def _judged(reader: Reader, policy: bytes, name: str) -> bool:
    return Policy.parse(policy).judge((reader.folder / name).read_bytes()).quorum


def _ask(process: Process, old: int, size: int, leaves: list[bytes] = LEAVES) -> httpx.Response:
    note = sign_checkpoint(Checkpoint(LOG.name, size, root_of(leaves[:size])), LOG)
    proof = consistency_proof(old, leaves[:size]) if old <= size else []
    return httpx.post(
        f"{process.url}/add-checkpoint", content=AddCheckpoint.of(old, proof, note).encode()
    )


def test_it_refuses_a_rollback_a_fork_a_wrong_proof_and_strangers(tmp_path: Path) -> None:
    other = [*LEAVES[:3], *(leaf_hash(bytes([number])) for number in range(100, 105))]
    with witness(tmp_path / "witness", LOG.vkey) as process:
        assert _ask(process, 0, 5).status_code == 200
        rollback = _ask(process, 0, 3)
        assert (rollback.status_code, rollback.text, rollback.headers["content-type"]) == (
            409,
            "5\n",
            "text/x.tlog.size",
        )
        assert _ask(process, 5, 5).status_code == 200
        assert _ask(process, 5, 8, other).status_code == 422
        assert _ask(process, 5, 5, other).status_code == 422
        stranger = sign_checkpoint(
            Checkpoint("log.example/two", 1, root_of(LEAVES[:1])),
            Signer("log.example/two", b"x" * 32),
        )
        unknown = httpx.post(
            f"{process.url}/add-checkpoint", content=AddCheckpoint.of(0, [], stranger).encode()
        )
        assert unknown.status_code == 404
        impostor = sign_checkpoint(
            Checkpoint(LOG.name, 8, root_of(LEAVES)), Signer(LOG.name, b"x" * 32)
        )
        forged = httpx.post(
            f"{process.url}/add-checkpoint", content=AddCheckpoint.of(5, [], impostor).encode()
        )
        assert forged.status_code == 403
        assert (
            httpx.post(f"{process.url}/add-checkpoint", content=b"x" * 300_000).status_code == 400
        )
        assert httpx.get(f"{process.url}/{'0' * 64}/checkpoint").status_code == 404
        assert _ask(process, 5, 8).status_code == 200


def test_it_remembers_what_it_cosigned_whenever_it_is_killed(tmp_path: Path) -> None:
    with witness(tmp_path / "witness", LOG.vkey) as process:
        first = process.line
        for size in range(1, 9):
            with contextlib.suppress(httpx.HTTPError):
                httpx.post(
                    f"{process.url}/add-checkpoint",
                    content=_request(size - 1, size),
                    timeout=0.0001 * size,
                )
            process.end(signal.SIGKILL)
            process.start()
            assert process.line == first
            # Whether or not it had decided: from what it says it remembers, it goes on, and never
            # back.
            answer = _ask(process, size - 1, size)
            if answer.status_code == 409:
                assert answer.text == f"{size}\n"
                assert _ask(process, size, size).status_code == 200


def _request(old: int, size: int) -> bytes:
    note = sign_checkpoint(Checkpoint(LOG.name, size, root_of(LEAVES[:size])), LOG)
    return AddCheckpoint.of(old, consistency_proof(old, LEAVES[:size]), note).encode()


def test_it_never_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    with witness(folder, LOG.vkey) as process:
        assert _ask(process, 0, 5).status_code == 200
        second = Process(folder, LOG.vkey, free_port())
        second.start()
        assert second.line == ""
        second.end()
    (state,) = folder.glob("*.checkpoint")
    state.write_bytes(state.read_bytes().replace(b"\n5\n", b"\n4\n"))
    damaged = Process(folder, LOG.vkey, free_port())
    damaged.start()
    assert damaged.line == ""
    damaged.end()
    (folder / "key").unlink()
    keyless = Process(folder, LOG.vkey, free_port())
    keyless.start()
    assert keyless.line == ""
    keyless.end()


def test_the_help_teaches() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from deploy.ledger.main import app; app()", "witness", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for word in ("log.vkey", "quorum", "LEDGER_LOG_POLICY_FILE", "--state"):
        assert word in done.stdout
