"""Whom a process puts into the directory, how often, and what is kept of idempotency keys."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.say import people
from shared.runtime.say.people import People, keeping
from tests.unit.runtime.callers import SECRET

OTHERS = b"another deployment's secret, as long"


def test_a_person_is_new_once() -> None:
    known = People(SECRET)
    ana, bo = known.person("ana@corp"), known.person("bo@corp")
    assert known.new([ana, bo, ana]) == (ana, bo)
    assert known.new([ana]) == (ana,), "not before its entry is committed"
    known.remember([ana])
    assert known.new([ana, bo]) == (bo,)


def test_a_name_makes_a_person_new_again() -> None:
    known = People(SECRET)
    known.remember([known.person("ana@corp")])
    named = known.person("ana@corp", "Ana Example")
    assert known.new([named]) == (named,)


def test_the_memory_is_bounded() -> None:
    known = People(SECRET)
    for number in range(people.REMEMBERED + 2):
        known.remember([known.person(f"u-{number}")])
    assert len(known._kept) <= people.REMEMBERED + 1


def test_who_is_named_by_pseudonym_is_not_named_anew() -> None:
    known = People(SECRET)
    ana = known.person("Ana@Corp")
    assert known.named(ana.pseudonym, "Ana@Corp") == [ana]
    assert known.pseudonym_of(ana.pseudonym) == known.pseudonym_of("ana@corp") == ana.pseudonym


def test_nothing_is_written_of_nobody() -> None:
    assert list(keeping([])) == []


def test_a_person_who_is_named_twice_is_one_row_with_the_name() -> None:
    known = People(SECRET)
    plain, named = known.person("ana@corp"), known.person("ana@corp", "Ana Example")
    for persons in ([plain, named], [named, plain]):
        (write,) = keeping(persons)
        assert write.args == ([plain.pseudonym], ["ana@corp"], ["Ana Example"])


def test_neither_subject_nor_name_nor_secret_is_shown() -> None:
    known = People(SECRET)
    known.remember([person := known.person("ana@corp", "Ana Example")])
    for shown in (repr(known), repr(person)):
        assert not any(secret in shown for secret in ("ana@corp", "Ana Example", "0123456789"))


@given(st.text(), st.text(), st.binary())
def test_a_key_is_recognised_and_not_read(owner: str, key: str, asked: bytes) -> None:
    kept = People(SECRET).key(owner, key, asked)
    assert kept == People(SECRET).key(owner, key, asked)
    assert People(OTHERS).key(owner, key, asked).key != kept.key
    assert People(OTHERS).key(owner, key, asked).digest != kept.digest


@given(st.text(), st.text(), st.text(), st.text())
def test_keys_of_two_callers_are_two(a: str, b: str, c: str, d: str) -> None:
    same = People(SECRET).key(a, b, b"").key == People(SECRET).key(c, d, b"").key
    assert same == ((a, b) == (c, d))
