"""What the status of an answer says, what is posted, and that a receiver that does as CHANNELS.md
shows takes it."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from services.notify.channels.results import Delivered, NobodyKnows, NotDelivered, Payload, Result
from services.notify.channels.webhook import answered, body_of, id_of
from shared.runtime.process import clock

DOCUMENT = Path(__file__).parents[3] / "services" / "notify" / "CHANNELS.md"
SECRET = "whsec_" + base64.b64encode(bytes(range(40))).decode()
MESSAGE = Payload(UUID(int=7), "Ein Foto – öffentlich", 'It\'s "gone".\nReally.')

GATEWAY = {408, 502, 504, *range(520, 528)}


def expected(status: int) -> type[Result]:
    if status in GATEWAY or not 200 <= status < 600:
        return NobodyKnows
    return Delivered if status < 300 else NotDelivered


def test_only_a_2xx_is_an_acceptance() -> None:
    statuses = range(100, 1000)
    assert [type(answered(status)) for status in statuses] == [expected(s) for s in statuses]


def test_the_body_is_the_same_each_time_and_holds_the_text() -> None:
    assert body_of(MESSAGE) == body_of(MESSAGE)
    assert json.loads(body_of(MESSAGE)) == {
        "type": "incident.message",
        "data": {"id": str(MESSAGE.id), "title": MESSAGE.title, "text": MESSAGE.text},
    }


def headers(secret: str = SECRET, ago: timedelta = timedelta()) -> dict[str, str]:
    at = clock.now() - ago
    return {
        "Webhook-Id": id_of(MESSAGE),
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": "v1,b3RoZXI= "
        + Webhook(secret).sign(id_of(MESSAGE), at, body_of(MESSAGE)),
    }


def code(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


OTHER = "whsec_" + base64.b64encode(bytes(40)).decode()
CALLS = pytest.mark.parametrize(
    ("made", "taken"),
    [
        (headers, True),
        (lambda: headers(ago=timedelta(minutes=4)), True),
        (lambda: headers(secret=OTHER), False),
        (lambda: headers(ago=timedelta(minutes=6)), False),
        (lambda: headers(ago=timedelta(minutes=-6)), False),
        (lambda: headers() | {"Webhook-Id": "msg_x"}, False),
    ],
    ids=["ours", "a while ago", "of another", "too long ago", "of the future", "another id"],
)


@CALLS
def test_the_documents_receiver_in_python(made: Callable[[], dict[str, str]], taken: bool) -> None:
    given = made()  # now: collected long before, it would be too old
    names: dict[str, object] = {}
    exec(code("python"), names)  # noqa: S102  the document
    receive, seen = names["receive"], set[str]()
    for _ in range(2):
        answer = receive(SECRET, given, body_of(MESSAGE).encode(), seen)  # type: ignore[operator]
        assert answer == (204 if taken else 401)
    assert seen == ({id_of(MESSAGE)} if taken else set())


@CALLS
def test_the_documents_receiver_in_a_shell(
    tmp_path: Path, made: Callable[[], dict[str, str]], taken: bool
) -> None:
    given = made()
    (tmp_path / "body").write_bytes(body_of(MESSAGE).encode())
    told = {name.upper().replace("-", "_"): value for name, value in given.items()}
    done = subprocess.run(
        ["sh", "-eu", "-c", code("sh")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "SECRET": SECRET} | told,
        capture_output=True,
        check=False,
    )
    assert (done.returncode == 0) is taken, done.stderr
