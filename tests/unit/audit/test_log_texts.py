"""A log's folder with texts beside it: each is held against its event, what is not shown is
counted, and an export hands over what its reader may see."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from deploy.ledger.main import app
from shared.audit.files import MAX_TEXTS, TEXTS
from shared.audit.texts import lines
from shared.audit.texts.check import TextCount, digests_of
from shared.audit.texts.lines import read_file, read_lines, write_file, write_lines
from shared.contract.disclosure import conceal, read_disclosure
from shared.contract.envelope import Unknown
from shared.contract.vocabulary import ServiceName
from tests.unit.audit.test_dossier_texts import forget
from tests.unit.audit.world import (
    Ledger,
    audit,
    codes,
    incident_number,
    publish_log,
    put,
    two_stories,
)
from tests.unit.concealing import salts
from tests.unit.contract.record import examples

STORY = incident_number(1)
DISCLOSURES = [
    one for _, _, data in examples().values() for one in conceal(data, salts(data.TYPE))[1]
]
some_texts = st.lists(st.sampled_from(DISCLOSURES), unique=True, max_size=6)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return two_stories()


@pytest.fixture
def log(ledger: Ledger, tmp_path: Path) -> Path:
    publish_log(tmp_path / "log", ledger)
    return tmp_path / "log"


def total(ledger: Ledger) -> int:
    return sum(map(len, ledger.texts.values()))


def test_a_log_without_texts_is_clean_and_counts_what_is_withheld(
    log: Path, ledger: Ledger
) -> None:
    found = audit(log)
    assert (found.findings, found.texts) == ([], TextCount(withheld=total(ledger)))


def test_a_log_with_all_texts_is_clean_and_counts_them(log: Path, ledger: Ledger) -> None:
    put(log, TEXTS, write_file(ledger.texts.items()))
    found = audit(log)
    assert (found.findings, found.texts) == ([], TextCount(shown=total(ledger)))


def test_links_alone_read_no_text(log: Path, ledger: Ledger) -> None:
    put(log, TEXTS, b"nonsense\n")
    assert audit(log, rules=None).findings == []
    assert codes(audit(log)) == {"disclosure_malformed"}


def test_after_an_erasure_what_is_gone_is_counted_and_what_was_kept_is_found(
    tmp_path: Path, ledger: Ledger
) -> None:
    after = two_stories()
    events = [event for event in after.of(STORY) if "fact" in event.type]
    gone = sum(len(after.texts[event.id]) for event in events)
    forget(after, events)
    publish_log(tmp_path, after)
    put(tmp_path, TEXTS, write_file(after.texts.items()))
    found = audit(tmp_path)
    assert codes(found) <= {"against_the_rules"}, "nobody had asked for the erasure"
    assert found.texts == TextCount(total(ledger) - gone, 0, gone)
    put(tmp_path, TEXTS, write_file(ledger.texts.items()))
    assert "disclosure_erased" in codes(audit(tmp_path))


def test_a_text_of_another_event_or_of_none_is_a_finding(log: Path, ledger: Ledger) -> None:
    events = [event for event, several in ledger.texts.items() if several]
    swapped = {**ledger.texts, events[0]: ledger.texts[events[1]]}
    put(log, TEXTS, write_file(swapped.items()))
    assert codes(audit(log)) == {"disclosure_unfounded"}
    put(log, TEXTS, write_file([(UUID(int=7), ledger.texts[events[0]])]))
    found = audit(log)
    assert [(one.code, one.event_id) for one in found.findings] == [
        ("disclosure_unfounded", UUID(int=7))
    ]


LINE = json.dumps({"event": str(UUID(int=1)), "disclosures": [DISCLOSURES[0].text]})


@pytest.mark.parametrize(
    ("data", "findings"),
    [
        ("", 0),
        (LINE, 0),
        (f"{LINE}\n{LINE}", 1),
        ("{}", 1),
        ("[]", 1),
        ("null", 1),
        ("not JSON", 1),
        ("[" * 100_000, 1),
        ('{"event": 7, "disclosures": []}', 1),
        ('{"event": "nobody", "disclosures": []}', 1),
        (LINE.replace("[", "{").replace("]", ": 1}"), 1),
        (LINE.replace("[", "[7, "), 1),
        (LINE.replace("[", '["e30", '), 1),
        (LINE.replace("[", f'["{DISCLOSURES[0].text}", '), 1),
    ],
    ids=range(14),
)
def test_a_file_of_texts_is_read_line_by_line(data: str, findings: int) -> None:
    _, found = read_file(data.encode())
    assert [one.code for one in found] == ["disclosure_malformed"] * findings


def test_a_file_that_no_reader_takes_is_neither_read_nor_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "MAX_TEXTS", 100)
    assert MAX_TEXTS > 100
    assert [one.detail for one in read_file(b"x" * 101)[1]] == ["longer than 100 bytes"]
    with pytest.raises(ValueError, match="at most 100 fit"):
        write_file([(UUID(int=1), DISCLOSURES[:3])])


@given(some_texts.filter(bool))
def test_lines_come_back(chosen: list[Any]) -> None:
    assert read_lines(write_lines(chosen), "here") == (tuple(chosen), [])


@given(st.lists(st.tuples(st.uuids(), some_texts), unique_by=lambda one: one[0], max_size=5))
def test_a_file_comes_back_without_events_of_which_nothing_is_shown(several: Any) -> None:
    told, findings = read_file(write_file(several))
    assert findings == []
    assert told == {event: tuple(chosen) for event, chosen in several if chosen}


@given(st.binary(max_size=200))
def test_any_bytes_are_texts_or_findings_and_nothing_else_happens(data: bytes) -> None:
    told, findings = read_file(data)
    assert told or findings or not data.strip()
    good, found = read_lines(data, "here")
    assert all(read_disclosure(one.text) == one for one in good)
    assert good or found


def test_digests_are_found_in_events_that_this_reader_does_not_know(ledger: Ledger) -> None:
    event = ledger.of(STORY)[0]
    data = json.loads(event.envelope)["data"]
    assert sorted(digests_of(event._replace(data=Unknown(data, "new")))) == sorted(
        digests_of(event)
    )
    odd = {"_sd": "no list", "inner": [{"_sd": [7, "a"]}, {"_sd": None}]}
    assert digests_of(event._replace(data=Unknown(odd, "new"))) == ["a"]


class TestExporting:
    def run(self, *arguments: object) -> Result:
        return CliRunner().invoke(app, [str(one) for one in arguments])

    @pytest.fixture
    def texts_file(self, tmp_path: Path, ledger: Ledger) -> Path:
        path = tmp_path / "texts.jsonl"
        path.write_bytes(write_file(ledger.texts.items()))
        return path

    def counted(self, folder: Path) -> dict[str, int]:
        verified = self.run("verify", folder, "--json", "--state", folder / "state")
        about = json.loads(verified.stdout)
        assert about["clean"], about["findings"]
        counted: dict[str, int] = about["log"]["texts"]
        return counted

    @pytest.mark.parametrize(
        ("options", "shown"),
        [
            ((), 0),
            (("--for", "auditor"), 0),
            (("--for", "court"), None),
            (("--for", "employee", "--person", "monitor"), 4),
        ],
        ids=str,
    )
    def test_brings_what_the_reader_may_see(
        self,
        log: Path,
        ledger: Ledger,
        tmp_path: Path,
        texts_file: Path,
        options: tuple[str, ...],
        shown: int | None,
    ) -> None:
        folder = tmp_path / "out"
        done = self.run("export", folder, log, "--texts", texts_file, *options)
        assert done.exit_code == 0, done.output
        expected = total(ledger) if shown is None else shown
        counted = self.counted(folder)
        assert counted["shown"] == expected
        assert counted["withheld"] == total(ledger) - expected
        assert (folder / TEXTS).exists() == bool(counted["shown"])
        assert f"{counted['shown']} texts beside them" in done.output

    def test_takes_the_texts_that_lie_in_the_folder_it_copies(
        self, log: Path, ledger: Ledger, tmp_path: Path, texts_file: Path
    ) -> None:
        put(log, TEXTS, texts_file.read_bytes())
        assert self.run("export", tmp_path / "out", log, "--for", "court").exit_code == 0
        assert self.counted(tmp_path / "out")["shown"] == total(ledger)

    def test_says_where_texts_could_come_from_where_there_are_none(
        self, log: Path, tmp_path: Path
    ) -> None:
        nowhere = ("--data", tmp_path / "no stack")
        done = self.run("export", tmp_path / "out", log, "--for", "court", *nowhere)
        assert done.exit_code == 2
        assert "stack" in done.output

    def test_takes_away_what_an_earlier_reader_could_see(
        self, log: Path, tmp_path: Path, texts_file: Path
    ) -> None:
        folder = tmp_path / "out"
        self.run("export", folder, log, "--texts", texts_file, "--for", "court")
        assert (folder / TEXTS).stat().st_mode & 0o077 == 0
        assert self.run("export", folder, log).exit_code == 0
        assert not (folder / TEXTS).exists()

    def test_leaves_nothing_of_an_earlier_reader_where_it_fails(
        self, log: Path, tmp_path: Path, texts_file: Path
    ) -> None:
        folder = tmp_path / "out"
        self.run("export", folder, log, "--texts", texts_file, "--for", "court")
        texts_file.write_bytes(b"damaged\n")
        done = self.run("export", folder, log, "--texts", texts_file, "--for", "guest")
        assert done.exit_code == 2
        assert "line 1" in done.output
        assert not (folder / TEXTS).exists()

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            (("--for", "court", "--withhold", "nothing"), "--withhold nothing names no text"),
            (("--for", "employee"), "--person PSEUDONYM belongs to"),
            (("--person", "p"), "--person PSEUDONYM belongs to"),
            (("--for", "nobody"), "nobody"),
        ],
        ids=str,
    )
    def test_refuses_what_makes_no_sense_before_it_writes(
        self, log: Path, tmp_path: Path, options: tuple[str, ...], why: str
    ) -> None:
        folder = tmp_path / "out"
        done = self.run("export", folder, log, *options)
        assert done.exit_code == 2
        assert why in " ".join(done.output.split())
        assert not folder.exists()

    def test_and_what_is_exported_can_be_packed_for_another_reader(
        self, log: Path, ledger: Ledger, tmp_path: Path, texts_file: Path
    ) -> None:
        heads = tmp_path / "heads"
        heads.mkdir()
        for service in ServiceName:
            (heads / service).write_bytes(ledger.subject_head(service, STORY))
        dossier = tmp_path / "d.zip"
        packed = self.run(
            "dossier", STORY, log, "-o", dossier, "--heads", heads, "--for", "internal",
            "--texts", texts_file, "--withhold", "description",
        )  # fmt: skip
        assert packed.exit_code == 0, packed.output
        verified = self.run("verify", dossier, "--json")
        about = json.loads(verified.stdout)
        assert about["clean"], about["findings"]
        assert about["dossier"]["texts"]["shown"] > 0
        assert about["dossier"]["texts"]["withheld"] > 0
        assert "Texts: of" in self.run("verify", dossier).output
