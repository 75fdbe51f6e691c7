"""The auditing commands as an auditor types them, on files and addresses: no stack runs."""

import functools
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.ledger.main import app
from shared.audit.files import TEXTS
from shared.audit.texts.lines import write_file
from shared.contract.catalogue.base import IncidentEvent
from shared.contract.disclosure import fill
from shared.contract.vocabulary import ServiceName
from shared.tlog.keys import Signer
from tests.unit.audit.world import (
    LOG,
    NOTIFY,
    TRIAGE,
    Ledger,
    contain,
    incident_number,
    publish_log,
    put,
    two_stories,
)

STORY = incident_number(1)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return two_stories()


@pytest.fixture(scope="module")
def clean(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    publish_log(folder, ledger, steps=(10, 30))
    for service in ServiceName:
        put(folder, f"heads/{service}", ledger.subject_head(service, STORY))
    return folder


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("LEDGER_TOKEN", raising=False)


@pytest.fixture
def log(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "log"))


class Guarded(SimpleHTTPRequestHandler):
    """Lets in whoever brings the token."""

    def do_GET(self) -> None:
        if self.headers["Authorization"] == "Bearer let-me-in":
            super().do_GET()
        else:
            self.send_error(401)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def url(clean: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Guarded, directory=str(clean)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ledger_command(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def verified(*arguments: object, code: int) -> dict[str, Any]:
    said = ledger_command("verify", *arguments, "--json")
    assert said.exit_code == code, said.output
    about: dict[str, Any] = json.loads(said.stdout)
    return about


def test_a_clean_folder_is_clean_and_says_whom_it_believed(clean: Path) -> None:
    about = verified(clean, code=0)
    assert (about["clean"], about["findings"], about["log"]["incidents"]) == (True, [], 2)
    assert about["log"]["believed"] == dict.fromkeys(("vkey", "trust", "policy"), "the log itself")
    pinned = verified(clean, "--vkey", clean / "log.vkey", "--trust", clean / "trust", code=0)
    assert pinned["log"]["believed"]["vkey"] == str(clean / "log.vkey")
    said = ledger_command("verify", clean)
    assert said.exit_code == 0
    assert "Clean." in said.output
    assert "--vkey" in said.output


def test_an_address_is_read_with_a_token(url: str) -> None:
    refused = ledger_command("verify", url)
    assert refused.exit_code == 2
    assert "LEDGER_TOKEN" in refused.output
    assert (
        verified(url, "--token", "let-me-in", "--every-signature", code=0)["log"]["source"] == url
    )


def test_findings_are_told_with_code_event_and_meaning(log: Path, ledger: Ledger) -> None:
    bundle = next(
        path
        for path in (log / "tile/entries/000.p").iterdir()
        if int(path.name) == len(ledger.entries)
    )
    bundle.write_bytes(
        bundle.read_bytes().replace(b'"audience_tier":"D"', b'"audience_tier":"C"', 1)
    )
    about = verified(log, code=1)
    (first,) = (one for one in about["findings"] if one["code"] == "entry_differs")
    assert first["where"] == "leaf 0"
    assert "sealed" in first["meaning"]
    said = ledger_command("verify", log)
    assert said.exit_code == 1
    assert "entry_differs" in said.output


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("log.vkey", b"no key"),
        ("trust", b"intake * 1 nothing\n"),
        ("policy", b"\xff"),
        ("trust", b"\xff"),
    ],
)
def test_a_key_file_that_is_none_is_could_not_check(log: Path, name: str, text: bytes) -> None:
    put(log, name, text)
    assert ledger_command("verify", log).exit_code == 2


@pytest.mark.parametrize("source", ["nowhere", "http://127.0.0.1:9/log", "http://[", "https://"])
def test_a_source_that_is_none_is_could_not_check(source: str) -> None:
    said = ledger_command("verify", source)
    assert said.exit_code == 2, said.output
    assert said.exception is None or isinstance(said.exception, SystemExit)


def test_the_state_file_refuses_a_log_that_went_back_or_forked(
    log: Path, tmp_path: Path, ledger: Ledger
) -> None:
    state = tmp_path / "seen.json"
    assert verified(log, "--state", state, code=0)["clean"]
    earlier = Path(shutil.copytree(log, tmp_path / "earlier"))
    larger = two_stories()
    contain(larger, incident_number(2))
    publish_log(log, larger)
    assert verified(log, "--state", state, code=0)["clean"]
    assert [one["code"] for one in verified(earlier, "--state", state, code=1)["findings"]] == [
        "log_went_back"
    ]
    fork = two_stories()
    contain(fork, STORY)
    publish_log(tmp_path / "fork", fork)
    assert [
        one["code"] for one in verified(tmp_path / "fork", "--state", state, code=1)["findings"]
    ] == ["log_forked"]
    assert verified(log, "--state", state, code=0)["clean"], "what was refused was not remembered"
    state.write_text("{")
    assert ledger_command("verify", log, "--state", state).exit_code == 2


def test_what_an_enemy_wrote_is_shown_as_it_is(tmp_path: Path) -> None:
    """A terminal's markup in an actor's name neither crashes a command nor colours its answer."""
    ledger = two_stories()
    ledger.say(TRIAGE, STORY, ledger.events[0].data, "[/red][bold]mallory[/]")
    publish_log(tmp_path / "log", ledger)
    said = ledger_command("verify", tmp_path / "log")
    assert (said.exit_code, said.exception is None or isinstance(said.exception, SystemExit)) == (
        1,
        True,
    )
    assert "[/red]" in ledger_command("replay", tmp_path / "log").output.replace("\n", "")
    assert ledger_command("replay", tmp_path / "log", "--known").exit_code == 0


def test_the_links_alone(clean: Path) -> None:
    about = verified(clean, "--links-only", code=0)
    assert (about["events"], about["log"]["incidents"]) == ({}, 0)


def test_an_export_is_the_same_log_and_goes_on_where_it_ended(
    url: str, clean: Path, tmp_path: Path
) -> None:
    said = ledger_command("export", tmp_path / "copy", url, "--token", "let-me-in")
    assert said.exit_code == 0, said.output
    assert verified(tmp_path / "copy", code=0)["clean"]
    for path in (path for path in (tmp_path / "copy").rglob("*") if path.is_file()):
        assert path.read_bytes() == (clean / path.relative_to(tmp_path / "copy")).read_bytes()
    again = ledger_command("export", tmp_path / "copy", clean)
    assert "0 files fetched" in again.output


def test_an_export_that_lacks_a_file_says_so_and_promises_nothing(
    log: Path, tmp_path: Path
) -> None:
    shutil.rmtree(log / "signatures")
    said = ledger_command("export", tmp_path / "copy", log)
    assert said.exit_code == 2
    assert "lacks signatures/" in said.output
    assert not (tmp_path / "copy/checkpoint").exists()


def test_an_export_never_mixes_two_logs(log: Path, tmp_path: Path) -> None:
    put(tmp_path / "copy", "log.vkey", Signer(LOG.name, bytes([5]) * 32).vkey.encode())
    assert "another log" in ledger_command("export", tmp_path / "copy", log).output


def test_a_dossier_is_made_and_verified_without_a_stack(clean: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    for path in (one, two):
        said = ledger_command("dossier", STORY, "-o", path, clean, "--heads", clean / "heads")
        assert said.exit_code == 0, said.output
    assert one.read_bytes() == two.read_bytes()
    about = verified(one, code=0)
    assert about["dossier"]["incident"] == str(STORY)
    assert about["dossier"]["unpinned"] == ["log.vkey", "trust", "policy"]
    assert verified(one, "--vkey", clean / "log.vkey", code=0)["dossier"]["unpinned"] == [
        "trust",
        "policy",
    ]
    assert "Clean." in ledger_command("verify", one).output
    with zipfile.ZipFile(one, "a") as archive:
        archive.writestr("note.txt", "Trust me.")
    assert [found["code"] for found in verified(one, code=1)["findings"]] == ["archive_damaged"]
    one.write_bytes(b"no archive")
    assert ledger_command("verify", one).exit_code == 1


def test_a_dossier_of_nothing_is_refused(clean: Path, tmp_path: Path, ledger: Ledger) -> None:
    for service in ServiceName:
        put(tmp_path / "heads", service.value, ledger.subject_head(service, incident_number(9)))
    said = ledger_command(
        "dossier",
        incident_number(9),
        "-o",
        tmp_path / "x.zip",
        clean,
        "--heads",
        tmp_path / "heads",
    )
    assert said.exit_code == 2
    assert "no service has said anything" in said.output
    assert not (tmp_path / "x.zip").exists()


def test_a_replay_from_a_folder_is_the_timeline(clean: Path, ledger: Ledger) -> None:
    said = ledger_command("replay", clean, "--incident", STORY, "--json")
    assert said.exit_code == 0, said.output
    assert said.stdout.encode().splitlines() == [event.envelope for event in ledger.of(STORY)]
    assert f"{len(ledger.events)} events" in ledger_command("replay", clean).output
    assert len(ledger_command("replay", clean, "--until", 10, "--json").stdout.splitlines()) == 10
    moment = ledger.events[20].time.isoformat()
    assert (
        len(ledger_command("replay", clean, "--until", moment, "--json").stdout.splitlines()) == 21
    )
    assert ledger_command("replay", clean, "--until", 10**6).exit_code == 2
    assert ledger_command("replay", clean, "--until", "yesterday").exit_code == 2


def test_a_replay_puts_every_event_in_words(clean: Path, ledger: Ledger) -> None:
    rows = ledger_command("replay", clean, "--incident", STORY).output
    for event in ledger.of(STORY):
        assert isinstance(event.data, IncidentEvent)
        says, _ = fill(event.data, lambda _part, name: f"[{name}]").in_words()
        assert says[:100] in rows
    assert "The report was published with" in rows


def test_a_replay_quotes_the_texts_that_lie_beside_the_log(
    clean: Path, ledger: Ledger, tmp_path: Path
) -> None:
    shown = tmp_path / "shown"
    shutil.copytree(clean, shown)
    put(shown, TEXTS, write_file(ledger.texts.items()))
    assert "“A whiteboard.”" in ledger_command("replay", shown).output
    forged = {event: ledger.texts[ledger.of(STORY)[0].id] for event in ledger.texts}
    put(shown, TEXTS, write_file(forged.items()))
    said = ledger_command("replay", shown).output
    assert said.count("“A whiteboard.”") == 1, "of no event whose digest it is not"
    assert "“A whiteboard.”" not in ledger_command("replay", clean).output


def test_what_was_known_at_a_moment(clean: Path, ledger: Ledger) -> None:
    def known(until: int) -> dict[str, Any]:
        said = ledger_command(
            "replay", clean, "--known", "--incident", STORY, "--until", until, "--json"
        )
        about: dict[str, Any] = json.loads(said.stdout)
        return about

    assessed = next(
        n
        for n, event in enumerate(ledger.events)
        if event in ledger.of(STORY) and "assessed" in event.type
    )
    before, after, last = known(assessed), known(assessed + 1), known(len(ledger.events))
    assert (before["triage"]["determination"], after["triage"]["determination"]) == (
        None,
        "confirmed",
    )
    assert (after["review"]["status"], last["review"]["status"]) == ("notopened", "published")
    assert last["notify"]["owed"] == []
    assert last["notify"]["told"] == ["executives"]
    assert "1 incidents" in ledger_command("replay", clean, "--known", "--incident", STORY).output


def test_a_replay_of_a_damaged_log_is_refused(log: Path) -> None:
    next(
        path for path in (log / "tile/entries/000.p").iterdir() if int(path.name) > 30
    ).write_bytes(b"")
    said = ledger_command("replay", log)
    assert said.exit_code == 2
    assert "ledger verify" in said.output


def test_a_difference_names_event_and_gate(ledger: Ledger) -> None:
    from deploy.ledger.check.diff import Shown, compare
    from shared.audit.subjects import Sealed

    history = [
        Sealed(number, event)
        for number, event in enumerate(ledger.events)
        if event in ledger.of(STORY)
    ]
    events = {one.event.hash.hex(): one.event.type for one in history}
    assert list(compare(str(STORY), NOTIFY, history, Shown(events, ()))) == []
    known = history[:-12]
    kinds = {one.kind for one in compare(str(STORY), TRIAGE, known, Shown(events, ()))}
    assert "only_service" in kinds
    fewer = dict(list(events.items())[:-1])
    (one,) = compare(str(STORY), NOTIFY, history, Shown(fewer, ()))
    assert (one.kind, one.what.split()[0]) == ("only_log", "incident.reviewed.v1")
    gate = {"gate": "legal", "subject": "an action", "open": True}
    (one,) = compare(str(STORY), TRIAGE, history, Shown(events, (*_gates(history), gate)))
    assert one.what == "legal of an action: not there by the log, open by the service"


def _gates(history: list[Any]) -> list[dict[str, Any]]:
    from services.triage.audit import known

    gates: list[dict[str, Any]] = known([one.event for one in history])["gates"]
    return gates
