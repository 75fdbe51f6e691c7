"""`ledger erase` asks with one person's token and confirms with another's, and says what was
refused."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final
from uuid import UUID

import pytest
from typer.testing import CliRunner

from deploy.ledger.forget.asking import Refused, Review, review_of
from deploy.ledger.main import app
from deploy.local.errors import StackError
from shared.audit.files import Unreachable

INCIDENT: Final = UUID("01960000-0000-7000-8000-000000000001")
PATH: Final = f"/incidents/{INCIDENT}/erasures"
BODY: Final = {"ground": "objection", "reason": "They asked."}
REFUSAL: Final = {"rule": "legal_hold", "detail": "A hold keeps every text."}


class Desk(HTTPServer):
    """Takes requests as review does: two ids for what is asked, three texts for each."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, Any]] = []
        self.refuses = ""
        self.nonsense = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Desk

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = json.loads(text) if text else None
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        if self.server.refuses and self.server.refuses in self.path:
            self._answer(409, REFUSAL)
        elif self.path == PATH:
            self._answer(201, {"events": [{"data": {"erasure_id": one}} for one in "ab"]})
        else:
            self._answer(201, {"events": [{"data": {"texts": [1, 2, 3]}}]})

    def _answer(self, status: int, value: Any) -> None:
        data = b"<html>" if self.server.nonsense else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_one_asks_and_another_confirms_each_part(desk: Desk) -> None:
    assert Review(desk.url, "one", "other").erase(INCIDENT, BODY) == 6
    assert desk.asked == [
        (PATH, "Bearer one", BODY),
        (f"{PATH}/a/confirmation", "Bearer other", None),
        (f"{PATH}/b/confirmation", "Bearer other", None),
    ]


@pytest.mark.parametrize("refuses", ["erasures", "confirmation"])
def test_a_refusal_names_its_rule(desk: Desk, refuses: str) -> None:
    desk.refuses = refuses
    with pytest.raises(Refused, match="A hold keeps") as refused:
        Review(desk.url, "one", "other").erase(INCIDENT, BODY)
    assert refused.value.rule == "legal_hold"


def test_what_is_no_answer_of_review_is_told(desk: Desk) -> None:
    desk.nonsense = True
    with pytest.raises(StackError, match="review does not answer"):
        Review(desk.url, "one", "other").erase(INCIDENT, BODY)


def test_a_token_goes_nowhere_in_the_clear() -> None:
    with pytest.raises(Unreachable, match="in the clear"):
        Review("http://review.example", "one", "other").erase(INCIDENT, BODY)


def test_no_token_is_shown() -> None:
    assert "one" not in repr(Review("https://review.example", "one", "other")).split("url=")[0]
    assert "secret" not in repr(Review("https://review.example", "secret", "secret"))


class TestByTheEnvironment:
    @pytest.fixture(autouse=True)
    def environment(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LEDGER_REVIEW_URL", desk.url)
        monkeypatch.setenv("LEDGER_TOKEN", "one")
        monkeypatch.setenv("LEDGER_CONFIRMING_TOKEN", "other")

    def test_both_tokens_are_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("LEDGER_CONFIRMING_TOKEN")
        with pytest.raises(KeyError, match="LEDGER_CONFIRMING_TOKEN"):
            review_of(None, "pia", "lou")

    def erase(self, *more: str) -> Any:
        words = ["erase", "texts", str(INCIDENT), "--ground", "objection", "--reason", "They asked"]
        return CliRunner().invoke(app, [*words, "--by", "pia", "--confirmed-by", "lou", *more])

    def test_fields_of_an_event_are_asked_for(self, desk: Desk) -> None:
        said = self.erase("--event", str(INCIDENT), "--field", "description", "--field", "url")
        assert (said.exit_code, said.stdout) == (0, "6 texts are erased.\n")
        _, _, body = desk.asked[0]
        assert body == {
            "ground": "objection",
            "reason": "They asked",
            "side": "privacy",
            "event_id": str(INCIDENT),
            "fields": ["description", "url"],
        }

    def test_words_are_asked_for(self, desk: Desk) -> None:
        assert self.erase("--mentions", "Ana", "--mentions", "Ben").exit_code == 0
        assert desk.asked[0][2]["mentions"] == ["Ana", "Ben"]

    def test_a_refusal_ends_with_one_and_says_why(self, desk: Desk) -> None:
        desk.refuses = "confirmation"
        said = self.erase("--mentions", "Ana")
        assert said.exit_code == 1
        assert "A hold keeps every text." in said.stderr
