"""Text made safe to show: by the properties of Unicode, the same under every version of it."""

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.characters import shows
from shared.contract.visible import UNSEEN, visible

MARK = "\ufffd"
LINE_ENDS = "\r\x0b\x0c\x85\u2028\u2029"
IN_THE_TABLE = frozenset(point for first, last in UNSEEN for point in range(first, last + 1))


@pytest.mark.slow
def test_the_table_is_what_shows_nothing_except_blanks_tab_and_line_feed() -> None:
    seen_as_nothing = {
        point
        for point in range(0x110000)
        if (not shows(chr(point)) or unicodedata.category(chr(point)) == "Co")
        and unicodedata.category(chr(point)) != "Zs"
    }
    assert seen_as_nothing - IN_THE_TABLE == {ord("\t"), ord("\n")}
    assigned_since = {
        point for point in IN_THE_TABLE if unicodedata.category(chr(point)) == "Cn"
    }  # unassigned to this Python: the table may know more of them
    assert IN_THE_TABLE - seen_as_nothing <= assigned_since


def test_the_ranges_are_in_order_and_apart() -> None:
    for (_, last), (first, _) in itertools.pairwise(UNSEEN):
        assert last < first - 1


@given(st.characters(categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp"], exclude_characters="\t\n"))
def test_between_latin_letters_everything_unseen_is_marked(character: str) -> None:
    expected = "\n" if character in LINE_ENDS else MARK
    assert visible(f"a{character}b") == f"a{expected}b"


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_what_is_seen_stays_as_it_is(text: str) -> None:
    if all(shows(character) or character == " " for character in text):
        assert visible(text) == text


@given(st.text())
def test_it_is_done_after_once_and_can_always_be_encoded(text: str) -> None:
    once = visible(text)
    assert visible(once) == once
    once.encode()


@given(st.text(st.sampled_from("aب\u0915👨❤\ufe0f\u200c\u200d\u202e\u061c\ue000")))
def test_no_two_unseen_characters_that_are_kept_follow_each_other_but_an_emojis(text: str) -> None:
    shown = visible(text)
    for before, character in itertools.pairwise(shown):
        if ord(character) in IN_THE_TABLE:
            assert character in "\ufe0e\ufe0f\u200c\u200d"
            assert ord(before) not in IN_THE_TABLE or before == "\ufe0f"


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "❤\ufe0f",
        "❤\ufe0f\u200d🔥",
        "👩\u200d👩\u200d👧",
        "1\ufe0f⃣",
        "two\tcolumns\nand a line",
        "no\u00a0break, \u3000wide",
        "\U0001fae8",
    ],
)
def test_what_changes_the_drawing_is_kept(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pass\u200dword", f"pass{MARK}word"),
        ("a\ufe0f", f"a{MARK}"),
        ("\u200dا", f"{MARK}ا"),
        ("ا\u200d", f"ا{MARK}"),
        ("ا\u200d\u200dا", f"ا{MARK}{MARK}ا"),
        ("ا\u200d\u202eا", f"ا{MARK}{MARK}ا"),
        ("❤\ufe0f\ufe0f", f"❤\ufe0f{MARK}"),
        ("\u061c", MARK),
        ("\u3164\u2800\u115f", MARK * 3),
        ("\U000e0061\U000e0062", MARK * 2),
        ("\ud800", MARK),
        ("one\r\ntwo\rthree\u2028four\x85five", "one\ntwo\nthree\nfour\nfive"),
        ("", ""),
    ],
)
def test_what_hides_is_marked(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_the_mark_is_the_callers_choice() -> None:
    assert visible("a\u202eb", mark="?") == "a?b"
