"""Names in tokens: one spelling each, and none that looks like somebody else's."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.decision import Actor
from shared.contract.vocabulary import ServiceName
from shared.runtime.web.persons.subjects import MOST, flaw

PRINTABLE = "must be 1 to 200 printable characters"
BLANKS = "must not begin or end with a blank, nor have two in a row"
COMPOSED = "must be in Unicode's normal form C"
OURS = "must not begin with service: which the services' own subjects do"
NOBODY = "must be a name: this word stands for nobody"


@pytest.mark.parametrize(
    "subject",
    [
        "u",
        "u-4711",
        "maria.muster@example.org",
        "Maria Muster",
        "Zoë Ångström",
        "李小龍",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "x" * MOST,
        "services: a team of that name",
        "my service: a suffix",
        "nobody in particular",
    ],
)
def test_a_name_is_taken_as_it_is(subject: str) -> None:
    assert flaw(subject) is None


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        (None, PRINTABLE),
        (7, PRINTABLE),
        (b"maria", PRINTABLE),
        (["maria"], PRINTABLE),
        ("", PRINTABLE),
        ("x" * (MOST + 1), PRINTABLE),
        ("maria\n", PRINTABLE),
        ("maria\x00", PRINTABLE),
        ("mar\u200bia", PRINTABLE),
        ("\u202emaria", PRINTABLE),
        ("maria\u00a0muster", PRINTABLE),
        ("\ud800", PRINTABLE),
        (" maria", BLANKS),
        ("maria ", BLANKS),
        ("maria  muster", BLANKS),
        (" ", BLANKS),
        ("Zoe\u0308", COMPOSED),
        ("service:triage", OURS),
        ("Service:triage", OURS),
        ("SERVICE :triage", OURS),
        ("\uff53ervice:triage", OURS),
        ("service\uff1atriage", OURS),
        ("nobody", NOBODY),
        ("Anonymous", NOBODY),
        ("ANYBODY", NOBODY),
        ("\uff55nknown", NOBODY),
    ],
)
def test_a_flaw_is_named(subject: object, why: str) -> None:
    assert flaw(subject) == why


@pytest.mark.parametrize("service", ServiceName)
def test_no_caller_has_the_name_of_a_service(service: ServiceName) -> None:
    assert flaw(Actor.service(service).subject) == OURS


@given(st.text(max_size=MOST + 5))
def test_a_taken_name_has_one_spelling_and_can_be_shown(text: str) -> None:
    if flaw(text) is None:
        assert unicodedata.normalize("NFC", text) == text
        assert text == " ".join(text.split(" ")).strip()
        assert text.isprintable()
        assert 1 <= len(text) <= MOST
        assert not text.casefold().startswith("service:")


@given(st.text(max_size=40))
def test_no_capital_letter_makes_a_reserved_word_free(text: str) -> None:
    for reserved in (f"service:{text}", "nobody", "unknown"):
        if flaw(reserved) in (OURS, NOBODY):
            assert flaw(reserved.swapcase()) is not None
            assert flaw(reserved.title()) is not None
