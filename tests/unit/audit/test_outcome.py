"""What an audit keeps of its findings, and which head an auditor may remember."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.heads import Seen
from shared.audit.outcome import MOST_FINDINGS, LogAudit
from shared.audit.seen import BadState, SeenFile, default_path
from shared.chain.findings import MEANING, Finding
from shared.tlog.checkpoint import Checkpoint
from tests.unit.audit.world import LOG

GAP = Finding("gap", "leaf 1", "intake/0 goes from 1 to 3")
HEAD = Checkpoint(LOG.name, 9, b"\x09" * 32)

findings = st.builds(
    Finding, st.sampled_from(sorted(MEANING)), st.integers(0, 5).map("leaf {}".format), st.text()
)


@given(st.lists(st.lists(findings, max_size=8), max_size=5))
def test_a_finding_is_told_once_whatever_its_words(batches: list[list[Finding]]) -> None:
    audit = LogAudit("a log")
    for batch in batches:
        audit.add(batch)
    first: dict[tuple[str, str], Finding] = {}
    for one in (one for batch in batches for one in batch):
        first.setdefault((one.code, one.where), one)
    assert audit.findings == list(first.values())
    assert audit.more_findings == 0


@pytest.mark.parametrize("over", [-1, 0, 1, 500])
def test_what_is_too_much_to_tell_is_counted(over: int) -> None:
    audit = LogAudit("a log")
    audit.add([Finding("gap", f"leaf {at}", "") for at in range(MOST_FINDINGS + over)])
    assert len(audit.findings) == min(MOST_FINDINGS, MOST_FINDINGS + over)
    assert audit.more_findings == max(0, over)


def test_what_is_drained_is_taken_away_from_where_it_was() -> None:
    one, two, none = [GAP], [Finding("gap", "leaf 2", ""), GAP], list[Finding]()
    audit = LogAudit("a log")
    audit.drain(one, none, two)
    assert (one, two, none) == ([], [], [])
    assert [finding.where for finding in audit.findings] == ["leaf 1", "leaf 2"]


@pytest.mark.parametrize(
    ("head", "found", "remembered"),
    [
        (HEAD, [], Seen(9, b"\x09" * 32)),
        (HEAD, [GAP], None),
        (None, [], None),
        (None, [GAP], None),
    ],
)
def test_a_head_is_remembered_only_without_any_doubt(
    head: Checkpoint | None, found: list[Finding], remembered: Seen | None
) -> None:
    audit = LogAudit("a log", checkpoint=head)
    audit.add(found)
    assert audit.to_remember == remembered
    assert audit.may_be_remembered is (remembered is not None)


def test_every_code_has_a_meaning_in_words() -> None:
    for code, meaning in MEANING.items():
        assert Finding(code, "", "").meaning == meaning
        assert meaning.strip() == meaning
        assert not meaning.endswith(".")
    assert len(set(MEANING.values())) == len(MEANING)
    with pytest.raises(KeyError):
        _ = Finding("no_such_code", "", "").meaning


seen = st.builds(Seen, st.integers(0, 2**62), st.binary(min_size=32, max_size=32))


@given(st.dictionaries(st.text(min_size=1, max_size=20), seen, min_size=1, max_size=4))
def test_every_log_has_a_memory_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, logs: dict[str, Seen]
) -> None:
    file = SeenFile(tmp_path_factory.mktemp("seen") / "below" / "seen.json")
    for vkey, head in logs.items():
        file.save(vkey, head)
    assert {vkey: file.load(vkey) for vkey in logs} == logs
    assert file.load("".join(logs) + "another") is None


def test_the_last_head_of_a_log_replaces_the_one_before(tmp_path: Path) -> None:
    file = SeenFile(tmp_path / "seen.json")
    for size in (1, 5, 3):
        file.save(LOG.vkey, Seen(size, bytes([size]) * 32))
        assert file.load(LOG.vkey) == Seen(size, bytes([size]) * 32)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "null",
        "7",
        '{"other": {}}',
        '{"logs": []}',
        '{"logs": {"key": null}}',
        '{"logs": {"key": {"root": "AAAA"}}}',
        '{"logs": {"key": {"size": 1, "root": "AAAA"}}}',
        '{"logs": {"key": {"size": "many", "root": ""}}}',
    ],
)
def test_a_damaged_memory_names_the_file_and_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "seen.json"
    path.write_text(text)
    with pytest.raises(BadState, match="look for a backup before you remove it") as refused:
        SeenFile(path).load("key")
    assert str(refused.value).startswith(f"{path} is damaged")
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["{", '{"logs": []}'])
def test_a_damaged_memory_is_not_written_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "seen.json"
    path.write_text(text)
    with pytest.raises(BadState):
        SeenFile(path).save("key", Seen(1, bytes(32)))
    assert path.read_text() == text


def test_the_memory_lies_in_the_users_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_path() == Path("/state/incident-ledger/seen.json")
    monkeypatch.setenv("HOME", "/home/maria")
    for empty in ("", None):
        if empty is None:
            monkeypatch.delenv("XDG_STATE_HOME")
        else:
            monkeypatch.setenv("XDG_STATE_HOME", empty)
        assert default_path() == Path("/home/maria/.local/state/incident-ledger/seen.json")
