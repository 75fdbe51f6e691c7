"""Spans of time in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.web.spans import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (0.5, "0.5 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (90, "1 minute 30 seconds"),
        (3600, "1 hour"),
        (86_400, "1 day"),
        (1_036_800, "12 days"),
        (1_293_000, "14 days 23 hours"),
    ],
)
def test_a_span_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(1, 1e12))
def test_no_span_has_an_exponent(seconds: float) -> None:
    assert "e+" not in duration(seconds)
