"""A round of cosigning over real HTTP: the quorum decides, and a witness that is silent, lies or
refuses is named and holds up no other."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from shared.seal import witnesses as module
from shared.seal.store import StoreAway
from shared.seal.witnesses import Round, Witnesses, read_tile
from shared.tlog.checkpoint import open_checkpoint
from shared.tlog.cosignature import Cosigner
from shared.tlog.keys import Signer
from shared.tlog.note import add_signatures, parse_note
from shared.tlog.policy import Policy
from shared.tlog.tiles import Tile
from shared.tlog.witness import SIZE_TYPE, AddCheckpoint, Answer, Latest, decide
from tests.unit.seal.given import LOG, LogFolder

NOW = 1_700_000_000
LONG = 30.0
"""Seconds; a round that lasts as long as this has waited for somebody."""


def cosigner(name: str) -> Cosigner:
    return Cosigner(Signer(f"witness.example/{name}", name.encode().ljust(32, b".")))


@dataclass
class Site:
    """A witness behind HTTP; `behaviour` may answer in its place."""

    name: str
    behaviour: "Callable[[Site, bytes], Answer] | None" = None
    latest: Latest = field(default_factory=Latest)
    asked: list[bytes] = field(default_factory=list)
    received: threading.Event = field(default_factory=threading.Event)
    cosigned: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(self, body: bytes) -> Answer:
        self.asked.append(body)
        self.received.set()
        if self.behaviour is not None:
            return self.behaviour(self, body)
        return self.honest(body)

    def honest(self, body: bytes) -> Answer:
        request = AddCheckpoint.parse(body)
        answer = decide(request, {LOG.name: [LOG.verifier]}, self.latest, cosigner(self.name), NOW)
        self.latest = answer.latest or self.latest
        self.cosigned.set()
        return answer

    @property
    def old_sizes(self) -> list[int]:
        return [AddCheckpoint.parse(body).old_size for body in self.asked]


@contextlib.contextmanager
def serving(*sites: Site) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for site in sites:
            stack.enter_context(_serving(site))
        yield


@contextlib.contextmanager
def _serving(site: Site) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.path != "/prefix/add-checkpoint":
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = site.answer(body)
            with contextlib.suppress(OSError):
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/prefix/"
    try:
        yield
    finally:
        site.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def policy(threshold: str, *sites: Site, urls: bool = True) -> Policy:
    lines = [
        f"witness {site.name} {cosigner(site.name).vkey} {site.url if urls else ''}"
        for site in sites
    ]
    names = " ".join(site.name for site in sites)
    lines += [f"group all-of-them {threshold} {names}", "quorum all-of-them"]
    return Policy.parse("".join(f"{line.strip()}\n" for line in lines).encode())


@contextlib.asynccontextmanager
async def witnesses(
    log: LogFolder, wanted: Policy, within: float = LONG
) -> AsyncIterator[Witnesses]:
    async with httpx.AsyncClient(timeout=within, trust_env=False) as client:
        yield Witnesses(wanted, log.store, within, client)


async def ask(log: LogFolder, asking: Witnesses) -> Round:
    return await asking.ask(log.note(), log.checkpoint)


def problems(round_: Round) -> dict[str, str | None]:
    return {name: problem for name, _, problem in round_.answers}


@pytest.fixture
async def log(tmp_path: Path) -> LogFolder:
    made = LogFolder(tmp_path)
    await made.grow(5)
    return made


async def test_every_witness_cosigns_the_checkpoint_that_it_was_shown(log: LogFolder) -> None:
    sites = [Site("w1"), Site("w2"), Site("w3")]
    with serving(*sites):
        async with witnesses(log, policy("all", *sites)) as asking:
            round_ = await ask(log, asking)
    assert round_.quorum
    assert round_.answers == (("w1", 5, None), ("w2", 5, None), ("w3", 5, None))
    text, signatures = parse_note(log.note())
    note = add_signatures(text, [*signatures, *round_.cosignatures])
    verifiers = [cosigner(site.name).verifier for site in sites]
    assert len(open_checkpoint(note, [LOG.verifier], verifiers)[1].verified) == 4


async def test_growth_is_proven_from_the_size_that_each_witness_knows(log: LogFolder) -> None:
    early, late = Site("early"), Site("late")
    with serving(early, late):
        async with witnesses(log, policy("all", early, late)) as asking:
            for more in (0, 1, 250, 1, 300):
                await log.grow(more)
                assert (await ask(log, asking)).quorum
    assert early.old_sizes == late.old_sizes == [0, 5, 6, 256, 257]
    assert early.latest == Latest(557, log.tree.edge.root)


async def test_a_client_that_forgot_learns_the_size_from_the_witness(log: LogFolder) -> None:
    site = Site("w1")
    with serving(site):
        async with witnesses(log, policy("all", site)) as asking:
            await ask(log, asking)
        await log.grow(300)
        async with witnesses(log, policy("all", site)) as asking:
            round_ = await ask(log, asking)
    assert (round_.quorum, round_.answers) == (True, (("w1", 305, None),))
    assert site.old_sizes == [0, 0, 5]


async def test_the_same_checkpoint_is_cosigned_again_without_a_proof(log: LogFolder) -> None:
    site = Site("w1")
    with serving(site):
        async with witnesses(log, policy("all", site)) as asking:
            assert (await ask(log, asking)).quorum
            assert (await ask(log, asking)).quorum
    assert AddCheckpoint.parse(site.asked[1]).proof == ()


def silent(site: Site, _: bytes) -> Answer:
    site.release.wait()
    return Answer(500, b"too late\n")


def lying(_: Site, body: bytes) -> Answer:
    text = AddCheckpoint.parse(body).checkpoint.text
    return Answer(200, cosigner("w1").cosign(text + "more\n", NOW).line.encode())


def impostor(_: Site, body: bytes) -> Answer:
    text = AddCheckpoint.parse(body).checkpoint.text
    return Answer(200, cosigner("somebody").cosign(text, NOW).line.encode())


def contradictory(site: Site, body: bytes) -> Answer:
    return Answer(200, site.honest(body).body + lying(site, body).body)


def moody(site: Site, _: bytes) -> Answer:
    """Names another size than the one it was just asked from, each time."""
    return Answer(409, b"%d\n" % (len(site.asked) % 3), SIZE_TYPE)


MISBEHAVIOUR: dict[str, tuple[Callable[[Site, bytes], Answer], str]] = {
    "false cosignature": (lying, "the signature of witness.example/w1 is false"),
    "true and false cosignature": (contradictory, "the signature of witness.example/w1 is false"),
    "another's cosignature": (impostor, "no cosignature of a known witness"),
    "empty answer": (lambda *_: Answer(200, b""), "ends with a newline"),
    "nonsense": (lambda *_: Answer(200, b"\xff\xfe\n"), "not UTF-8"),
    "a page": (lambda *_: Answer(200, b"<html>\n"), "em dash"),
    "an endless answer": (lambda *_: Answer(200, b"x" * 1_000_001), "too long"),
    "unknown origin": (lambda *_: Answer(404, b"unknown\n"), "(404): unknown"),
    "untrusted key": (lambda *_: Answer(403, b"no key\n"), "(403): no key"),
    "broken": (lambda *_: Answer(500, b"<long>" * 1000), "(500): <long>"),
    "redirect": (lambda *_: Answer(302, b"elsewhere\n"), "(302): elsewhere"),
    "a size that is no number": (lambda *_: Answer(409, b"08\n", SIZE_TYPE), "decimal"),
    "always another size": (moody, "refuses a proof from there"),
    "a size above ours": (lambda *_: Answer(409, b"6\n", SIZE_TYPE), "was this log restored?"),
}


@pytest.mark.parametrize(("behaviour", "problem"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR.keys())
async def test_a_witness_that_misbehaves_is_named_and_does_not_count(
    log: LogFolder, behaviour: Callable[[Site, bytes], Answer], problem: str
) -> None:
    bad, good = Site("w1", behaviour), Site("w2")
    with serving(bad, good):
        async with witnesses(log, policy("all", bad, good)) as asking:
            round_ = await ask(log, asking)
        async with witnesses(log, policy("any", bad, good)) as asking:
            enough = await ask(log, asking)
    assert not round_.quorum
    assert enough.quorum
    assert [signature.name for signature in round_.cosignatures] == ["witness.example/w2"]
    told = problems(round_)
    assert problem in (told["w1"] or "")
    assert len(told["w1"] or "") < 300
    assert told["w2"] is None


async def test_a_witness_that_nobody_serves_is_named(log: LogFolder) -> None:
    gone, good = Site("w1"), Site("w2")
    with serving(gone):
        pass
    with serving(good):
        async with witnesses(log, policy("any", gone, good)) as asking:
            round_ = await ask(log, asking)
    assert round_.quorum
    assert problems(round_) == {"w1": "does not answer: ConnectError", "w2": None}


async def test_a_witness_without_an_address_cannot_be_asked(log: LogFolder) -> None:
    async with witnesses(log, policy("all", Site("w1"), urls=False)) as asking:
        round_ = await ask(log, asking)
    assert (round_.quorum, round_.cosignatures) == (False, ())
    assert problems(round_) == {"w1": "the policy gives no address for it"}


async def test_a_silent_witness_does_not_hold_up_a_quorum(log: LogFolder) -> None:
    sites = [Site("w1"), Site("w2", silent), Site("w3")]
    with serving(*sites):
        async with witnesses(log, policy("2", *sites)) as asking:
            began = time.monotonic()
            round_ = await ask(log, asking)
            took = time.monotonic() - began
    assert round_.quorum
    assert problems(round_) == {"w1": None, "w2": "did not answer in time", "w3": None}
    assert took < LONG / 2


async def test_without_a_quorum_the_round_ends_when_its_time_is_up(log: LogFolder) -> None:
    sites = [Site("w1"), Site("w2", silent)]
    with serving(*sites):
        async with witnesses(log, policy("all", *sites), within=1.0) as asking:
            round_ = await ask(log, asking)
    assert not round_.quorum
    told = problems(round_)
    assert told["w1"] is None
    assert told["w2"] in {"did not answer in time", "does not answer: ReadTimeout"}


async def test_a_witness_that_answers_soon_after_the_quorum_is_counted(
    log: LogFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Site("w1"), Site("w2")

    def after_the_first(site: Site, body: bytes) -> Answer:
        first.cosigned.wait()
        return site.honest(body)

    second.behaviour = after_the_first
    monkeypatch.setattr(module, "GRACE", LONG)
    with serving(first, second):
        async with witnesses(log, policy("any", first, second)) as asking:
            round_ = await ask(log, asking)
    assert problems(round_) == {"w1": None, "w2": None}
    assert len(round_.cosignatures) == 2


@pytest.mark.parametrize(
    ("threshold", "honest", "quorum"),
    [
        ("1", 0, False),
        ("1", 1, True),
        ("2", 1, False),
        ("2", 2, True),
        ("3", 2, False),
        ("3", 3, True),
        ("all", 3, True),
        ("any", 1, True),
    ],
)
async def test_k_of_three(log: LogFolder, threshold: str, honest: int, quorum: bool) -> None:
    sites = [Site(f"w{number}", None if number < honest else impostor) for number in range(3)]
    with serving(*sites):
        async with witnesses(log, policy(threshold, *sites)) as asking:
            round_ = await ask(log, asking)
    assert round_.quorum is quorum
    # A witness may be cut short once the quorum has answered, but never be counted twice.
    assert len(round_.cosignatures) <= honest


async def test_a_log_that_was_restored_is_not_proven_to_a_witness_that_saw_more(
    log: LogFolder, tmp_path: Path
) -> None:
    restored = LogFolder(tmp_path / "restored")
    await restored.grow(3)
    site = Site("w1")
    with serving(site):
        async with witnesses(log, policy("all", site)) as asking:
            await ask(log, asking)
        async with witnesses(restored, policy("all", site)) as asking:
            round_ = await ask(restored, asking)
    assert not round_.quorum
    assert "has cosigned a tree of 5 leaves, ours has 3" in (problems(round_)["w1"] or "")
    assert site.latest.size == 5


async def test_a_store_without_the_tiles_of_the_proof_is_a_problem_of_that_round(
    log: LogFolder,
) -> None:
    site = Site("w1")
    with serving(site):
        async with witnesses(log, policy("all", site)) as asking:
            await ask(log, asking)
            await log.grow(3)
            await log.store.discard("tile/0")
            round_ = await ask(log, asking)
    assert not round_.quorum
    assert "the log store has no tile/0/000.p/8" in (problems(round_)["w1"] or "")


async def test_a_round_that_is_cancelled_leaves_no_task_behind(log: LogFolder) -> None:
    site = Site("w1", silent)
    with serving(site):
        async with witnesses(log, policy("all", site)) as asking:
            before = asyncio.all_tasks()
            asked = asyncio.create_task(ask(log, asking))
            await asyncio.to_thread(site.received.wait)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            assert asyncio.all_tasks() <= before


async def test_a_policy_without_a_quorum_wants_nobody(log: LogFolder) -> None:
    async with witnesses(log, Policy.parse(b"quorum none\n")) as asking:
        assert not asking.wanted
    async with witnesses(log, policy("any", Site("w1"), urls=False)) as asking:
        assert asking.wanted


async def test_a_partial_tile_is_cut_from_the_full_one_that_replaced_it(log: LogFolder) -> None:
    await log.grow(300)
    await log.store.discard("tile/0/000.p")
    full = await read_tile(log.store, Tile(0, 0))
    assert await read_tile(log.store, Tile(0, 0, 5)) == full[: 5 * 32]
    assert await read_tile(log.store, Tile(0, 1, 49)) == await log.store.read("tile/0/001.p/49")
    for missing in (Tile(0, 1), Tile(0, 9, 3), Tile(5, 0)):
        with pytest.raises(StoreAway, match=missing.path):
            await read_tile(log.store, missing)
