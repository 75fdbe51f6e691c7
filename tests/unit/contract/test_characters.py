"""Which characters show something: by property, so that nobody has to list them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.characters import has_visible, invisible_ranges, shows

BLANKS = {
    "space": " ",
    "no-break space": "\u00a0",
    "line feed": "\n",
    "null": "\x00",
    "delete": "\x7f",
    "soft hyphen": "\u00ad",
    "combining grapheme joiner": "\u034f",
    "Arabic letter mark": "\u061c",
    "Hangul choseong filler": "\u115f",
    "Hangul jungseong filler": "\u1160",
    "Mongolian vowel separator": "\u180e",
    "zero width space": "\u200b",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "braille pattern blank": "\u2800",
    "ideographic space": "\u3000",
    "Hangul filler": "\u3164",
    "variation selector": "\ufe0f",
    "byte order mark": "\ufeff",
    "halfwidth Hangul filler": "\uffa0",
    "object replacement": "\ufffc",
    "noncharacter": "\uffff",
    "half of a surrogate pair": "\ud800",
    "musical null notehead": "\U0001d159",
    "language tag": "\U000e0001",
}


@pytest.mark.parametrize("blank", BLANKS.values(), ids=BLANKS)
def test_a_blank_shows_nothing_however_often(blank: str) -> None:
    assert not shows(blank)
    assert not has_visible(blank * 100)
    assert has_visible(f"{blank}a{blank}")


@pytest.mark.parametrize("text", ["a", "0", ".", "é", "語", "ا", "🙂", "—", "\u0301"])
def test_what_a_font_draws_shows(text: str) -> None:
    assert has_visible(text)


def test_an_empty_text_shows_nothing() -> None:
    assert not has_visible("")


@given(st.characters(categories=["L", "N", "P", "S"]), st.text(st.sampled_from(list(" \u200b"))))
def test_one_letter_among_blanks_is_seen(letter: str, blanks: str) -> None:
    assert has_visible(blanks + letter + blanks) is shows(letter)


@given(st.characters(categories=["Z", "Cc", "Cf", "Cs"]))
def test_no_separator_control_or_format_character_shows(character: str) -> None:
    assert not shows(character)


@pytest.mark.slow
def test_the_ranges_are_exactly_what_does_not_show() -> None:
    within = {point for first, last in invisible_ranges() for point in range(first, last + 1)}
    assert within == {
        point
        for point in range(0x110000)
        if unicodedata.category(chr(point)) != "Cs" and not shows(chr(point))
    }
