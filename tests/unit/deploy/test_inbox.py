"""The local stack's inbox: it takes what is signed with its secret, once, and nothing else."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from deploy.local.inbox import LARGEST, inbox
from shared.runtime.process import clock

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
ID = "msg_01938c2e-6f6b-7c3a-9d0e-2f4b8a1c5d7e"
BODY = json.dumps({"data": {"title": "Ein Foto – öffentlich"}}, ensure_ascii=False)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One inbox, for it takes half a second to end."""
    folder = tmp_path_factory.mktemp("started") / "inbox"
    with inbox(0, folder, SECRET) as port:
        yield f"http://127.0.0.1:{port}/inbox", folder


@pytest.fixture
def folder(started: tuple[str, Path]) -> Path:
    """Where its messages arrive; nothing is there yet."""
    for message in started[1].iterdir():
        message.unlink()
    return started[1]


@pytest.fixture
def url(started: tuple[str, Path], folder: Path) -> str:
    return started[0]


def signed(
    body: str = BODY, id_: str = ID, secret: str = SECRET, ago: timedelta = timedelta()
) -> dict[str, str]:
    at = clock.now() - ago
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, at, body),
    }


def post(url: str, headers: dict[str, str], body: str = BODY) -> int:
    with httpx.Client(trust_env=False) as client:
        return client.post(url, content=body.encode(), headers=headers).status_code


def test_it_keeps_a_message_as_a_file_of_its_owner(url: str, folder: Path) -> None:
    assert post(url, signed()) == 200
    (file,) = folder.iterdir()
    assert file.read_text(encoding="utf-8") == BODY
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.name.endswith(f"-{ID}.json")


def test_it_keeps_a_repeated_message_once(url: str, folder: Path) -> None:
    assert [post(url, signed()), post(url, signed())] == [200, 200]
    assert len(list(folder.iterdir())) == 1


def test_a_message_is_known_again_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        with inbox(0, tmp_path / "inbox", SECRET) as port:
            assert post(f"http://127.0.0.1:{port}/inbox", signed()) == 200
    assert len(list((tmp_path / "inbox").iterdir())) == 1


OTHER = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    "made",
    [
        dict,
        lambda: signed(secret=OTHER),
        lambda: signed(body=BODY + " "),
        lambda: signed() | {"webhook-id": "msg_" + "0" * 36},
        lambda: signed() | {"webhook-signature": "v1"},
        lambda: signed() | {"webhook-signature": "v1,é"},
        lambda: signed(ago=timedelta(minutes=6)),
        lambda: signed(ago=-timedelta(minutes=6)),
        lambda: signed(id_="../../elsewhere"),
        lambda: signed(id_="msg_*" + "0" * 35),
    ],
    ids=[
        "no signature",
        "another secret",
        "another body",
        "another id",
        "no comma",
        "no base64",
        "old",
        "of the future",
        "a path",
        "a pattern",
    ],
)
def test_it_keeps_nothing_that_is_not_signed(
    url: str, folder: Path, made: Callable[[], dict[str, str]]
) -> None:
    headers = made()  # now: collected long before, it would be too old
    with httpx.Client(trust_env=False) as client:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        assert client.post(url, content=BODY.encode(), headers=raw).status_code == 401
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("length", "status"),
    [(str(LARGEST + 1), 413), ("9" * 40, 413), ("-1", 411), ("x", 411), ("²", 411), (None, 411)],
)
def test_it_reads_no_more_than_a_message_can_have(
    url: str, folder: Path, length: str | None, status: int
) -> None:
    connection = HTTPConnection(httpx.URL(url).host, httpx.URL(url).port, timeout=5)
    connection.putrequest("POST", "/inbox")
    if length is not None:
        connection.putheader("Content-Length", length.encode("latin-1"))
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()
    assert list(folder.iterdir()) == []
