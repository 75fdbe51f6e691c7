"""Servers, folders and archives that mean harm: an audit of them ends, soon, in little memory, and
gives nothing away."""

import gzip
import io
import os
import socket
import struct
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.ledger.check import web
from deploy.ledger.check.web import Web
from deploy.ledger.main import app
from shared.audit.dossier.archive import MAX_PARTS, MAX_SIZE, pack, unpack
from shared.audit.files import MAX_TEXT, Folder, Unreachable, longest, read_regular
from shared.contract.vocabulary import ServiceName
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.keys import Signer
from tests.unit.audit.world import LOG, incident_number, publish_log, put, two_stories

STORY = incident_number(1)
TOKEN = "let-me-in"
PATIENCE = 0.7
LITTLE_PATIENCE, SOON = 0.25, 10.0
"""Seconds for one answer where none will come, and for a whole audit on a busy machine."""
OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Server:
    """Answers every connection in one way, and keeps what it was asked."""

    answer: Callable[[socket.socket], None]
    asked: list[bytes] = field(default_factory=list)

    def __enter__(self) -> "Server":
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self.asked.append(connection.recv(65536))
            self.answer(connection)


def drip(begin: bytes, each: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            time.sleep(0.05)
            connection.sendall(each)

    return answer


def flood(begin: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(bytes(65536))

    return answer


def silence(connection: socket.socket) -> None:
    connection.recv(1)


def say(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


BOMB = gzip.compress(bytes(50_000_000))
HOSTILE: dict[str, Callable[[socket.socket], None]] = {
    "never answers": silence,
    "drips its status": drip(b"HTTP/1.1 200 OK", b" "),
    "drips headers": drip(OK, b"X-A: b\r\n"),
    "drips a body": drip(OK + b"Content-Length: 1000000\r\n\r\n", b"x"),
    "drips chunks": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "drips a body without an end": drip(OK + b"\r\n", b"x"),
    "hangs up": say(b""),
    "hangs up in the middle": say(OK + b"Content-Length: 100\r\n\r\nx"),
    "is no web server": say(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "sends a bomb": say(
        OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB
    ),
    "sends on": say(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n"),
    "fails": say(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
    "floods headers": flood(OK + b"X-A: "),
}
FLOODS: dict[str, Callable[[socket.socket], None]] = {
    "floods": flood(OK + b"\r\n"),
    "floods and states a size": flood(OK + b"Content-Length: 99999999999999\r\n\r\n"),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(web, "PATIENCE", PATIENCE)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("LEDGER_TOKEN", raising=False)


@pytest.fixture
def very_impatient(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PATIENCE", LITTLE_PATIENCE)


def ledger(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    told, folder = two_stories(), tmp_path_factory.mktemp("heads")
    for service in ServiceName:
        put(folder, service.value, told.subject_head(service, STORY))
    return folder


@pytest.fixture(params=["verify", "export", "replay", "known", "dossier"])
def reading(request: pytest.FixtureRequest, heads: Path, tmp_path: Path) -> Iterator[object]:
    """Every command that reads somebody's log."""
    commands = {
        "verify": ("verify", "SOURCE"),
        "export": ("export", tmp_path / "copy", "SOURCE"),
        "replay": ("replay", "SOURCE"),
        "known": ("replay", "SOURCE", "--known"),
        "dossier": ("dossier", STORY, "-o", tmp_path / "out.zip", "SOURCE", "--heads", heads),
    }
    yield commands[request.param]
    assert not (tmp_path / "out.zip").exists()
    assert not (tmp_path / "copy" / "checkpoint").exists()


def at(reading: tuple[object, ...], source: object) -> list[object]:
    return [source if part == "SOURCE" else part for part in reading]


@pytest.mark.parametrize("name", {**HOSTILE, **FLOODS})
@pytest.mark.usefixtures("very_impatient")
def test_no_server_keeps_an_auditor_waiting(name: str, reading: tuple[object, ...]) -> None:
    begun = time.monotonic()
    with Server({**HOSTILE, **FLOODS}[name]) as server:
        said = ledger(*at(reading, server.url))
    assert (said.exit_code, isinstance(said.exception, SystemExit)) == (2, True), said.output
    assert time.monotonic() - begun < SOON
    assert len(said.output.splitlines()) == 1


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "signatures/000"])
def test_a_flood_is_read_up_to_what_such_a_file_can_hold(name: str, path: str) -> None:
    with Server(FLOODS[name]) as server:
        tracemalloc.start()
        data = Web(server.url).read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert data is not None
    assert len(data) == longest(path) + 1
    assert peak < 6 * longest(path) + 3_000_000


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.usefixtures("very_impatient")
def test_reading_ahead_gives_up_as_well(name: str) -> None:
    with Server(HOSTILE[name]) as server, pytest.raises(Unreachable):
        list(Web(server.url).read_all(f"tile/0/{number:03d}" for number in range(200)))
    assert len(server.asked) <= web.AHEAD * 4


def test_an_honest_server_may_take_its_time_for_a_long_file() -> None:
    size = 90_000

    def slowly(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(9):
            time.sleep(PATIENCE / 6)
            connection.sendall(bytes(size // 9))

    with Server(slowly) as server:
        assert Web(server.url).read("checkpoint") == bytes(size)


def test_a_token_goes_to_the_address_that_was_given_and_no_further() -> None:
    with Server(silence) as other:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {other.url}/checkpoint\r\n\r\n".encode()
        with Server(say(moved)) as server:
            said = ledger("verify", server.url, "--token", TOKEN)
    assert said.exit_code == 2
    assert "not followed" in said.output
    assert other.asked == []
    assert TOKEN.encode() in server.asked[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://log.example/log",
        "http://10.0.0.1/log",
        "http://localhost.example/log",
        "http://127.0.0.1@log.example/",
        "http://0.0.0.0:1/",
        "http://[2001:db8::1]/",
        "http://127.0.0.1.example/",
        "HTTP://log.example/",
    ],
)
@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_token_never_goes_in_the_clear(
    url: str, how: str, monkeypatch: pytest.MonkeyPatch, reading: tuple[object, ...]
) -> None:
    arguments = at(reading, url)
    if how == "option":
        arguments += ["--token", TOKEN]
    else:
        monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    said = ledger(*arguments)
    assert said.exit_code == 2
    assert "in the clear" in said.output or "user" in said.output
    assert TOKEN not in said.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://[::1]:9", "http://localhost:9"])
def test_a_token_may_go_to_this_machine(url: str) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        Web(url, TOKEN).read("checkpoint")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
def test_no_proxy_of_the_environment_is_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(silence) as proxy, Server(say(OK + b"Content-Length: 2\r\n\r\nhi")) as server:
        monkeypatch.setenv(name, proxy.url)
        assert Web(server.url, TOKEN).read("checkpoint") == b"hi"
    assert proxy.asked == []


def paths_of(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "sparse"])
def test_each_file_of_a_folder_may_be_anything(
    kind: str, tmp_path: Path, reading: tuple[object, ...]
) -> None:
    """Each read of a log's folder meets something in a file's place, one after the other."""
    log = tmp_path / "log"
    publish_log(log, two_stories())
    for name in paths_of(log):
        if name.startswith("chains/") and reading[0] != "verify":
            continue
        good = (log / name).read_bytes()
        (log / name).unlink()
        replace(log / name, kind)
        begun = time.monotonic()
        said = ledger(*at(reading, log))
        assert isinstance(said.exception, SystemExit | None), (name, said.exception)
        assert time.monotonic() - begun < 10, name
        (log / name).unlink()
        (log / name).write_bytes(good)
        for made in (tmp_path / "out.zip", tmp_path / "copy" / "checkpoint"):
            made.unlink(missing_ok=True)


def replace(path: Path, kind: str) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "socket":
            with socket.socket(socket.AF_UNIX) as made:
                os.chdir(path.parent)
                made.bind(path.name)
        case _:
            with path.open("wb") as file:
                file.truncate(1 << 40)


@pytest.fixture(autouse=True)
def stay() -> Iterator[None]:
    """A socket's name is short, so it is made from its own folder."""
    here = Path.cwd()
    yield
    os.chdir(here)


def test_a_regular_file_alone_is_read_and_not_beyond_its_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abcdef")
    assert read_regular(tmp_path / "file", 10) == b"abcdef"
    assert read_regular(tmp_path / "file", 3) == b"abcd"
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path / "pipe", tmp_path, tmp_path / "nothing", Path("/dev/zero")):
        with pytest.raises(OSError, match=r"."):
            read_regular(other, 10)
    with pytest.raises(Unreachable, match="not a regular file"):
        Folder(tmp_path).read("pipe")


@pytest.mark.parametrize("size", [10**6, 10**12, 2**62])
def test_no_size_is_believed_that_the_logs_key_has_not_signed(
    size: int, tmp_path: Path, reading: tuple[object, ...]
) -> None:
    log = tmp_path / "log"
    publish_log(log, two_stories())
    forger = Signer(LOG.name, bytes([13]) * 32)
    put(log, "checkpoint", sign_checkpoint(Checkpoint(LOG.name, size, bytes(32)), forger))
    begun = time.monotonic()
    said = ledger(*at(reading, log))
    assert said.exit_code == (1 if reading[0] == "verify" else 2)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("size", [10**6, 2**62])
def test_a_signed_size_without_its_files_ends_at_the_first_that_is_missing(
    size: int, tmp_path: Path, reading: tuple[object, ...]
) -> None:
    log = tmp_path / "log"
    publish_log(log, two_stories())
    put(log, "checkpoint", sign_checkpoint(Checkpoint(LOG.name, size, bytes(32)), LOG))
    begun = time.monotonic()
    assert ledger(*at(reading, log)).exit_code in {1, 2}
    assert time.monotonic() - begun < 10


def overlapping(parts: int, size: int) -> bytes:
    """A zip file whose directory names one stored part again and again."""
    name = b"events/0001-intake-1.json"
    crc = zipfile.crc32(bytes(size))  # type: ignore[attr-defined]
    sizes = struct.pack("<3L2H", crc, size, size, len(name), 0)
    head = b"PK\3\4" + struct.pack("<5H", 20, 0, 0, 0, 33) + sizes + name
    entries = b""
    for number in range(parts):
        other = f"events/{number:04d}-intake-1.json".encode()
        sizes = struct.pack("<3L3H", crc, size, size, len(other), 0, 0)
        entries += b"PK\1\2" + struct.pack("<6H", 788, 20, 0, 0, 0, 33) + sizes
        entries += struct.pack("<2H2L", 0, 0, 0o644 << 16, 0) + other
    place = len(head) + size
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, parts, parts, len(entries), place, 0)
    return head + bytes(size) + entries + end


def zipped(*names: str, method: int = zipfile.ZIP_STORED, data: bytes = b"x") -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        for name in names:
            file.writestr(name, data)
    return archive.getvalue()


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "overlapping parts": lambda: overlapping(500, 2_000_000),
    "a compressed bomb": lambda: zipped("a", method=zipfile.ZIP_DEFLATED, data=bytes(200_000_000)),
    "another compression": lambda: zipped("a", method=zipfile.ZIP_LZMA, data=bytes(1000)),
    "a comment": lambda: pack({"a": b"x"})[:-2] + b"\x05\x00hello",
    "a million parts": lambda: pack({})[:-22] + _end(MAX_PARTS + 1),
    "a long directory": lambda: bytes(30_000_000) + _end(1, size=30_000_000),
    "something before": lambda: b"#!/bin/sh\n" + pack({"a": b"x"}),
    "something behind": lambda: pack({"a": b"x"}) + b"more",
    "nothing": lambda: b"",
    "an end alone": lambda: b"PK\5\6" + bytes(18),
}


def _end(entries: int, size: int = 0) -> bytes:
    count = min(entries, 65535)
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, 0, 0)


@pytest.mark.parametrize("name", sorted(set(ARCHIVES) - {"an end alone"}))
def test_an_archive_that_is_no_dossier_is_refused_in_little_memory(name: str) -> None:
    data = ARCHIVES[name]()
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"."):
        unpack(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * len(data) + 5_000_000


def test_an_empty_archive_is_one() -> None:
    assert unpack(ARCHIVES["an end alone"]()) == {} == unpack(pack({}))


def test_a_file_of_any_length_is_no_dossier_before_it_is_in_memory(tmp_path: Path) -> None:
    with (tmp_path / "dossier.zip").open("wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    said = ledger("verify", tmp_path / "dossier.zip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said.exit_code == 1
    assert "archive_damaged" in said.output
    assert peak < MAX_SIZE * 2.5


@pytest.mark.parametrize("option", ["--vkey", "--trust", "--policy"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "nothing", "sparse", "noise"])
def test_a_pin_that_cannot_be_read_is_could_not_check(
    option: str, kind: str, tmp_path: Path
) -> None:
    publish_log(tmp_path / "log", two_stories())
    pin = tmp_path / "pin"
    match kind:
        case "folder":
            pin.mkdir()
        case "noise":
            pin.write_bytes(b"\xff\xfe no key\n")
        case "nothing":
            pass
        case _:
            replace(pin, kind)
    (tmp_path / "dossier.zip").write_bytes(pack({"a": b"x"}))
    for source in ("log", "dossier.zip"):
        said = ledger("verify", tmp_path / source, option, pin)
        assert said.exit_code == 2, said.output
        assert str(pin) in said.output
    assert MAX_TEXT < 1 << 40
