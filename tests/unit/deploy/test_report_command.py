"""`ledger report`, against a server that answers in the place of review."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final
from uuid import UUID

import pytest
from typer.testing import CliRunner

from deploy.ledger.main import app
from deploy.local.keys import Keys
from deploy.local.state import LocalService, Process, Stack
from shared.contract.vocabulary import ServiceName

INCIDENT: Final = UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0001)
PLACE: Final = f"/incidents/{INCIDENT}/report"


@dataclass
class Review:
    """What it was asked for, and what it answers."""

    data: Path
    asked: list[str] = field(default_factory=list)
    answer: tuple[int, bytes] = (200, b"# Lessons-learned report\n")


@pytest.fixture
def review(tmp_path: Path) -> Iterator[Review]:
    known = Review(tmp_path)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(self.path)
            status, body = known.answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    Keys.of(tmp_path).make()
    one = LocalService(
        url=f"http://127.0.0.1:{server.server_port}",
        env={},
        auditor_dsn="",
        owner_dsn="",
        log=tmp_path / "log",
    )
    Stack(
        data=tmp_path,
        port_base=18000,
        supervisor=Process.of(os.getpid()),
        services={name.value: one for name in ServiceName},
        admin_dsn="",
        kafka_bootstrap="",
        topic="",
        trust_file=tmp_path / "trust",
        log_vkey=tmp_path / "log.vkey",
        jwks_file=tmp_path / "jwks",
        token_key_file=tmp_path / "token.key",
    ).save()
    yield known
    server.shutdown()
    server.server_close()


def report(review: Review, *args: str) -> tuple[int, str]:
    result = CliRunner().invoke(
        app, ["report", str(INCIDENT), "--data", str(review.data), *args], catch_exceptions=False
    )
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ("markdown", f"{PLACE}?format=markdown"),
        ("html", f"{PLACE}?format=html"),
        ("json", f"{PLACE}?format=json"),
        ("skeleton", f"{PLACE}/skeleton"),
    ],
)
def test_each_form_is_asked_for_and_written_to_the_byte(
    review: Review, form: str, asked: str, tmp_path: Path
) -> None:
    review.answer = 200, b'{"format": 1, "text": "\xe2\x80\xae"}\n'
    file = tmp_path / "report"
    assert report(review, "--format", form, "--output", str(file)) == (0, "")
    assert review.asked == [asked]
    assert file.read_bytes() == review.answer[1]
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_form_it_is_markdown_for_the_terminal(review: Review) -> None:
    code, shown = report(review)
    assert (code, review.asked) == (0, [f"{PLACE}?format=markdown"])
    assert "Lessons-learned report" in shown


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, b'{"detail": "incident is not known here"}'), "incident is not known here"),
        ((500, json.dumps({"detail": "another skeleton"}).encode()), "another skeleton"),
        ((503, b"<html>"), "review answered 503"),
        ((503, b'{"detail": 7}'), "review answered 503"),
    ],
)
def test_a_refusal_is_told_and_writes_no_file(
    review: Review, answer: tuple[int, bytes], says: str, tmp_path: Path
) -> None:
    review.answer = answer
    file = tmp_path / "report"
    code, shown = report(review, "--output", str(file))
    assert code != 0
    assert says in " ".join(shown.split())
    assert not file.exists()


def test_a_form_that_there_is_none_of_is_refused_with_those_that_there_are(review: Review) -> None:
    code, shown = report(review, "--format", "pdf")
    assert code == 2
    assert "skeleton" in shown
    assert review.asked == []
