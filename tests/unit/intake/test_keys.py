"""What makes a report the same report, and what of it is kept."""

import hashlib
import json

from hypothesis import assume, given
from hypothesis import strategies as st

from services.intake.keys import ANONYMOUS_KEYS, Key

SECRET = b"a secret of this test that has 32"

owners = st.one_of(st.none(), st.text())


def kept(key: Key, asked: bytes = b"") -> str:
    return key.on_anonymous(asked, SECRET).key


class TestOfANamedReport:
    @given(st.text(), owners, st.text(), owners)
    def test_is_the_same_only_for_the_same_caller_and_name(
        self, a: str, b: str | None, c: str, d: str | None
    ) -> None:
        assert (Key(a, b).on(b"").key == Key(c, d).on(b"").key) == ((a, b) == (c, d))

    def test_is_kept_as_it_was_before_anonymous_ones_were_told_apart(self) -> None:
        """A retry that comes after an upgrade is still one."""
        own = hashlib.sha256(json.dumps(["caller maria", "k"]).encode()).hexdigest()
        of_event = hashlib.sha256(
            json.dumps(["cloudevents", json.dumps(["//dlp", "17"])]).encode()
        ).hexdigest()
        assert Key("k", "maria").on(b"").key == f"report {own}"
        assert Key.of_event("//dlp", "17").on(b"").key == f"report {of_event}"

    @given(st.binary(), st.binary())
    def test_holds_what_was_asked(self, one: bytes, other: bytes) -> None:
        key = Key("k", "maria")
        assert (key.on(one).digest == key.on(other).digest) == (one == other)


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
        assert key.on_anonymous(asked, SECRET).digest == hashlib.sha256(asked).digest()

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
        assert not Key("k", "maria").on(b"").key.startswith(ANONYMOUS_KEYS)
