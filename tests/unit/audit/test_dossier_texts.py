"""A dossier for a reader: what it shows was said, what it does not show is proved withheld, and an
erasure takes nothing from what it proves."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit.texts.check import TextCount
from shared.audit.texts.readers import Reader, shown_of
from shared.contract.catalogue.review import ContentErased, ErasedText, ErasureGround
from shared.contract.envelope import Event
from tests.examples import examples
from tests.unit.audit.readers_world import showing
from tests.unit.audit.test_dossier import STORY, Parts, by_hand, check, names, parts_of, unpacked
from tests.unit.audit.world import REVIEW, Ledger, two_stories

WORDS: Final = ("A whiteboard.", "yes, as far as we know", "No label.", "It was removed.")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return two_stories()


@pytest.fixture(scope="module")
def whole(ledger: Ledger) -> Parts:
    return parts_of(ledger, shown=ledger.texts)


@pytest.fixture(scope="module")
def erased(ledger: Ledger) -> Ledger:
    """The same after the report's description and all facts are forgotten."""
    after = two_stories()
    forget(after, [one for one in after.of(STORY) if "reported" in one.type or "fact" in one.type])
    return after


def forget(ledger: Ledger, events: Sequence[Event]) -> Event:
    texts = tuple(
        ErasedText(event_id=event.id, name=one.named()[0], digest=one.digest)
        for event in events
        for one in ledger.texts[event.id]
    )
    data = ContentErased(
        erasure_id=ledger.new_id(),
        ground=ErasureGround.CONSENT_WITHDRAWN,
        texts=texts,
        requested_by="ppia",
        confirmed_by="nora",
    )
    said = ledger.say(REVIEW, STORY, data, "nora")
    for event in events:
        ledger.texts[event.id] = ()
    return said


def told(parts: Parts) -> str:
    """Every text that the parts hold in a form that one reads."""
    read = b"".join(
        base64.urlsafe_b64decode(line + b"==")
        for name in names(parts, ".disclosures")
        for line in parts[name].split()
    )
    return (read + b"".join(parts.values())).decode("utf-8", "replace")


def found(parts: Parts) -> list[tuple[str, str]]:
    return [
        (one.code, one.where) for one in check(parts).findings if one.code != "against_the_rules"
    ]


def test_a_whole_dossier_shows_every_text_and_verifies(whole: Parts, ledger: Ledger) -> None:
    audit = check(whole)
    count = sum(len(ledger.texts[event.id]) for event in ledger.of(STORY))
    assert (audit.findings, audit.texts) == ([], TextCount(shown=count))
    assert all(word in told(whole) for word in WORDS)
    assert "A whiteboard." in whole["report.md"].decode()


def test_a_bare_dossier_shows_none_and_verifies(whole: Parts, ledger: Ledger) -> None:
    bare = parts_of(ledger)
    audit = check(bare)
    assert (audit.findings, audit.texts) == ([], TextCount(withheld=check(whole).texts.shown))
    assert not any(word in told(bare) for word in WORDS)
    assert names(bare, ".disclosures") == []
    assert "[withheld]" in bare["report.json"].decode()
    assert "NOT WHOLE" in bare["report.md"].decode()
    assert bare["report.skeleton.json"] == whole["report.skeleton.json"]


@settings(max_examples=examples(15), deadline=None)
@given(st.data())
def test_any_part_of_the_texts_verifies_and_is_counted(
    ledger: Ledger, whole: Parts, draw: st.DataObject
) -> None:
    every = [one for event in ledger.of(STORY) for one in ledger.texts[event.id]]
    chosen = draw.draw(st.sets(st.sampled_from(every)))
    shown = {
        event: tuple(one for one in texts if one in chosen) for event, texts in ledger.texts.items()
    }
    audit = check(parts_of(ledger, shown=shown))
    assert audit.findings == []
    assert audit.texts == TextCount(len(chosen), len(every) - len(chosen))


@pytest.mark.parametrize("reader", Reader)
def test_a_dossier_for_each_reader_verifies(reader: Reader, ledger: Ledger) -> None:
    chosen = showing(reader)
    parts = parts_of(ledger, shown=shown_of(ledger.of(STORY), ledger.texts, chosen))
    audit = check(parts)
    assert audit.findings == []
    assert (audit.texts.shown == 0) == (reader is Reader.AUDITOR)
    assert (audit.texts.withheld == 0) == (reader is Reader.COURT)


def test_a_field_that_is_withheld_shows_nowhere(ledger: Ledger) -> None:
    chosen = showing(Reader.COURT, "finding_recorded.contributing_factor", "fact_recorded")
    parts = parts_of(ledger, shown=shown_of(ledger.of(STORY), ledger.texts, chosen))
    assert check(parts).findings == []
    assert "No label." not in told(parts)
    assert "yes, as far as we know" not in told(parts)
    assert "A whiteboard." in told(parts)


class TestAfterAnErasure:
    def test_a_new_dossier_verifies_and_counts_what_is_gone(self, erased: Ledger) -> None:
        parts = parts_of(erased, shown=erased.texts)
        audit = check(parts)
        assert found(parts) == []
        assert audit.texts.erased == len(last_erasure(erased).texts)
        assert audit.texts.withheld == 0
        assert audit.texts.shown > 0
        assert "A whiteboard." not in told(parts)
        assert "[erased on" in parts["report.md"].decode()

    def test_a_withheld_one_counts_both(self, erased: Ledger) -> None:
        audit = check(parts_of(erased))
        assert audit.texts.erased == len(last_erasure(erased).texts)
        assert audit.texts.withheld > 0
        assert audit.texts.shown == 0

    def test_a_dossier_from_before_verifies_as_it_did(self, whole: Parts, erased: Ledger) -> None:
        assert check(whole).findings == []
        assert check(whole).texts.erased == 0
        after = parts_of(erased)
        assert all(after[name] == whole[name] for name in names(whole, ".json")), (
            "no byte of an event is another"
        )

    def test_the_skeleton_is_the_same(self, whole: Parts, erased: Ledger) -> None:
        assert parts_of(erased)["report.skeleton.json"] == whole["report.skeleton.json"]

    def test_a_text_that_was_kept_back_from_the_erasure_is_a_finding(
        self, ledger: Ledger, erased: Ledger
    ) -> None:
        parts = parts_of(erased, shown=ledger.texts)
        codes = [code for code, _ in found(parts)]
        assert codes.count("disclosure_erased") == len(last_erasure(erased).texts)
        assert set(codes) == {"disclosure_erased"}


def last_erasure(ledger: Ledger) -> ContentErased:
    data = ledger.of(STORY)[-1].data
    assert isinstance(data, ContentErased)
    return data


def with_texts(parts: Parts, *texts: str) -> Parts:
    """The first event with these disclosures."""
    name = names(parts, ".json")[0].removesuffix(".json")
    return {**parts, f"{name}.disclosures": "".join(f"{one}\n" for one in texts).encode()}


def codes(parts: Parts) -> set[str]:
    """Without what follows from it for the pages."""
    return {one.code for one in check(parts).findings} - {"file_differs"}


def test_a_text_that_nobody_said_is_a_finding(whole: Parts, ledger: Ledger) -> None:
    own = ledger.texts[ledger.of(STORY)[0].id]
    salt, name, _ = json.loads(base64.urlsafe_b64decode(own[0].text + "=="))
    lie = json.dumps([salt, name, "Nothing to see."]).encode()
    forged = base64.urlsafe_b64encode(lie).rstrip(b"=").decode()
    assert codes(with_texts(whole, forged)) == {"disclosure_unfounded"}


def test_a_text_of_another_event_is_a_finding(whole: Parts, ledger: Ledger) -> None:
    other = next(
        texts[0].text for event, texts in ledger.texts.items() if texts and event != first(ledger)
    )
    assert "disclosure_unfounded" in codes(with_texts(whole, other))


def first(ledger: Ledger) -> object:
    return ledger.of(STORY)[0].id


@pytest.mark.parametrize("text", ["", "nonsense", "e30", "W10", "ä", "white space", "A" * 140_000])
def test_what_is_no_text_is_a_finding(whole: Parts, text: str) -> None:
    assert codes(with_texts(whole, text)) == {"disclosure_malformed"}


def test_a_text_that_stands_there_twice_is_a_finding(whole: Parts, ledger: Ledger) -> None:
    own = ledger.texts[ledger.of(STORY)[0].id][0].text
    assert codes(with_texts(whole, own, own)) == {"disclosure_malformed"}


def test_a_file_of_no_texts_is_a_finding(whole: Parts) -> None:
    assert codes(with_texts(whole)) == {"disclosure_malformed"}
    name = names(whole, ".disclosures")[0]
    assert "disclosure_malformed" in codes({**whole, name: whole[name][:-1]})


def test_texts_of_no_event_and_of_a_key_are_no_part(whole: Parts) -> None:
    assert "file_missing" in codes({**whole, "events/0999-intake-7.disclosures": b"W10\n"})
    assert "file_unexpected" in codes({**whole, "keys/0001-intake-7.disclosures": b"W10\n"})


def test_a_report_that_shows_more_than_the_texts_is_a_finding(whole: Parts, ledger: Ledger) -> None:
    bare = parts_of(ledger)
    audit = check({**bare, "report.md": whole["report.md"]})
    assert [(one.code, one.where) for one in audit.findings] == [("file_differs", "report.md")]


class TestByHand:
    def test_each_text_is_shown_to_be_said(
        self, whole: Parts, ledger: Ledger, tmp_path: Path
    ) -> None:
        unpacked(whole, tmp_path)
        event = names(whole, ".disclosures")[0].removesuffix(".disclosures")
        said = by_hand(tmp_path, event)
        lines = whole[f"{event}.disclosures"].split()
        assert said.count("it was said:") == len(lines)
        assert "NOBODY SAID" not in said
        for line in lines:
            assert base64.urlsafe_b64decode(line + b"==").decode() in said

    def test_a_forged_text_is_seen(self, whole: Parts, ledger: Ledger, tmp_path: Path) -> None:
        lie = base64.urlsafe_b64encode(b'["AAAAAAAAAAAAAAAAAAAAAA","description","Nothing."]')
        forged = with_texts(whole, lie.decode().rstrip("="))
        unpacked(forged, tmp_path)
        said = by_hand(tmp_path, names(forged, ".disclosures")[0].removesuffix(".disclosures"))
        assert "NOBODY SAID:" in said
        assert "it was said:" not in said

    def test_an_event_without_texts_says_nothing(self, ledger: Ledger, tmp_path: Path) -> None:
        unpacked(parts_of(ledger), tmp_path)
        said = by_hand(tmp_path)
        assert "SAID" not in said
        assert "it was said" not in said
