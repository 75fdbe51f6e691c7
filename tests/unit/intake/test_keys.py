"""What makes a report the same report, and what of it is kept."""

import hashlib
import json

from hypothesis import assume, given
from hypothesis import strategies as st

from services.intake.keys import ANONYMOUS_KEYS, Key
from shared.contract.pseudonym import keyed
from shared.runtime.say.people import People

SECRET = b"a secret of this test that has 32"
PEOPLE, OTHERS = People(b"a" * 32), People(b"b" * 32)

owners = st.one_of(st.none(), st.text())


def kept(key: Key, asked: bytes = b"") -> str:
    return key.on_anonymous(asked, SECRET).key


class TestOfANamedReport:
    @given(st.text(), owners, st.text(), owners)
    def test_is_the_same_only_for_the_same_caller_and_name(
        self, a: str, b: str | None, c: str, d: str | None
    ) -> None:
        assert (Key(a, b).on(b"", PEOPLE).key == Key(c, d).on(b"", PEOPLE).key) == (
            (a, b) == (c, d)
        )

    @given(st.text(), owners, st.binary())
    def test_cannot_be_guessed_without_the_secret(
        self, name: str, owner: str | None, asked: bytes
    ) -> None:
        kept, other = Key(name, owner).on(asked, PEOPLE), Key(name, owner).on(asked, OTHERS)
        assert kept.key != other.key
        assert kept.digest not in {other.digest, hashlib.sha256(asked).digest()}

    @given(st.binary(), st.binary())
    def test_holds_what_was_asked(self, one: bytes, other: bytes) -> None:
        key = Key("k", "maria")
        assert (key.on(one, PEOPLE).digest == key.on(other, PEOPLE).digest) == (one == other)


class TestOfAnAnonymousReport:
    @given(st.text(), st.text(), st.text())
    def test_holds_nothing_of_the_caller(self, name: str, one: str, other: str) -> None:
        assert kept(Key(name, one)) == kept(Key(name, other))

    @given(st.text(), st.text(), st.text(), st.text())
    def test_tells_reports_apart_by_name_and_by_what_they_say(
        self, a: str, b: str, c: str, d: str
    ) -> None:
        same = kept(Key(a, "x"), b.encode()) == kept(Key(c, "y"), d.encode())
        assert same == ((a, b) == (c, d))

    @given(st.text(), st.text(), st.binary())
    def test_of_an_event_is_its_source_and_id_whatever_it_says(
        self, source: str, id_: str, asked: bytes
    ) -> None:
        key = Key.of_event(source, id_)
        assert kept(key, b"one") == kept(key, asked)
        assert key.on_anonymous(asked, SECRET).digest == keyed(SECRET, asked)

    @given(st.text(), st.text(), st.binary(min_size=32), st.binary(min_size=32))
    def test_cannot_be_guessed_without_the_secret(
        self, name: str, caller: str, one: bytes, other: bytes
    ) -> None:
        assume(one != other)
        key = Key(name, caller)
        assert key.on_anonymous(b"", one).key != key.on_anonymous(b"", other).key
        guessed = {
            hashlib.sha256(text.encode()).hexdigest()
            for text in (name, json.dumps([name]), json.dumps(["key", name, ""]))
        }
        assert key.on_anonymous(b"", one).key.removeprefix(ANONYMOUS_KEYS) not in guessed

    def test_can_be_told_from_all_others_in_order_to_be_forgotten(self) -> None:
        assert kept(Key("k", "maria")).startswith(ANONYMOUS_KEYS)
        assert not Key("k", "maria").on(b"", PEOPLE).key.startswith(ANONYMOUS_KEYS)
