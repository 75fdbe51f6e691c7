"""Pseudonyms: one for each person, however the subject is spelt, and none that can be guessed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.pseudonym import PSEUDONYM, is_pseudonym, keyed, normalised, pseudonym

SECRET, OTHER = b"s" * 32, b"t" * 32


def test_of_a_known_subject() -> None:
    """From the formula by other means: printf ana@corp | openssl dgst -sha256 -hmac …"""
    assert pseudonym(SECRET, "ana@corp") == "pxhdw7twju42ssbb7b3kudz7zy4"


@pytest.mark.parametrize(
    "spelling",
    ["Ana@Corp", "ana@corp ", " ANA@CORP\n", "ａｎａ＠ｃｏｒｐ", "Ａｎａ＠ｃｏｒｐ　", "ªnª@corp"],
)
def test_spellings_of_one_subject_are_one_person(spelling: str) -> None:
    assert pseudonym(SECRET, spelling) == pseudonym(SECRET, "ana@corp")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße", "STRASSE"), ("ﬁn", "FIN"), ("Zoe\u0308", "zoë"), ("ΟΔΟΣ", "οδος"), ("ſam", "Sam")],
)
def test_so_are_those_that_differ_only_by_case_or_form(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ana", "anna"), ("u-1", "u-11"), ("ana corp", "anacorp"), ("аna", "ana"), ("i", "ı")],
)
def test_others_are_others(one: str, other: str) -> None:
    assert pseudonym(SECRET, one) != pseudonym(SECRET, other)


@given(st.text())
def test_normalising_twice_changes_nothing(subject: str) -> None:
    assert normalised(normalised(subject)) == normalised(subject)


@given(st.text(), st.binary(min_size=32), st.binary(min_size=32))
def test_only_the_secret_leads_to_it(subject: str, one: bytes, other: bytes) -> None:
    first, second = pseudonym(one, subject), pseudonym(other, subject)
    assert re.fullmatch(PSEUDONYM, first)
    # HMAC fills a key with zeros up to its block.
    assert (first == second) == (one.rstrip(b"\0") == other.rstrip(b"\0") or one == other)


@given(st.text())
def test_nobody_is_taken_for_a_key(subject: str) -> None:
    """What is hashed under the secret for another purpose is no pseudonym's hash."""
    assert keyed(SECRET, subject.encode())[:16] != keyed(OTHER, subject.encode())[:16]
    assert pseudonym(SECRET, subject) != pseudonym(SECRET, "idempotency\x00" + subject)


@pytest.mark.parametrize(
    "text", ["", "p", "ana", "p" + "a" * 25, "p" + "a" * 27, "P" + "a" * 26, "p" + "1" * 26,
             "p" + "a" * 26 + "\n", "service:intake"]
)  # fmt: skip
def test_what_is_no_pseudonym(text: str) -> None:
    assert not is_pseudonym(text)
    assert is_pseudonym("p" + "a2" * 13)
