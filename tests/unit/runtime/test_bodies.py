"""What callers may send: nothing is taken for what it is not."""

import json
import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contract.characters import has_visible
from shared.contract.vocabulary import Seat
from shared.runtime.web.bodies import (
    Body,
    Flag,
    Id,
    Line,
    Listed,
    Name,
    OneLine,
    Sent,
    Text,
    Url,
    example,
    whole_number,
)
from shared.runtime.web.moments import Day, Moment, WrittenMoment
from shared.runtime.web.strict import Unreadable
from tests.unit.contract.test_characters import BLANKS

ID = "01960000-0000-7000-8000-000000000001"


class Inner(Body):
    text: Text


class Sample(Body):
    model_config = example({"text": "said"})

    text: Text = "said"
    at: Moment | None = None
    written: WrittenMoment | None = None
    on: Day | None = None
    id: Id | None = None
    sure: bool = False
    copies: int | None = None
    seat: Seat = Seat.LEGAL
    inner: Inner | None = None
    several: Listed[Inner] = ()


def read(**fields: Any) -> Sample:
    return Sample.read(json.dumps(fields).encode())


def wrong(**fields: Any) -> list[tuple[int | str, ...]]:
    with pytest.raises(ValidationError) as caught:
        read(**fields)
    return [error["loc"] for error in caught.value.errors()]


class TestABody:
    def test_is_what_its_json_says(self) -> None:
        body = read(
            text="said",
            at="2026-03-02T10:00:00+01:00",
            on="2026-03-02",
            id=ID,
            sure=True,
            seat="it",
            copies=7,
            inner={"text": "within"},
            several=[{"text": "one"}, {"text": "two"}],
        )
        assert body == Sample(
            text="said",
            at=datetime(2026, 3, 2, 9, tzinfo=UTC),
            on=date(2026, 3, 2),
            id=UUID(ID),
            sure=True,
            seat=Seat.IT,
            copies=7,
            inner=Inner(text="within"),
            several=(Inner(text="one"), Inner(text="two")),
        )

    def test_is_closed_to_what_it_does_not_know(self) -> None:
        assert wrong(txt="said") == [("txt",)]
        assert wrong(inner={"text": "x", "more": 1}) == [("inner", "more")]

    @pytest.mark.parametrize("value", ["no", "false", "0", 0, 1, 0.0, [], {}, None])
    def test_takes_nothing_for_a_boolean(self, value: Any) -> None:
        assert wrong(sure=value) == [("sure",)]

    @pytest.mark.parametrize("value", ["7", "", 7.5, True, [], {}])
    def test_takes_nothing_for_a_number(self, value: Any) -> None:
        assert wrong(copies=value) == [("copies",)]

    @pytest.mark.parametrize("field", ["at", "written", "on"])
    @pytest.mark.parametrize(
        "value",
        [
            20260302,
            1772438400,
            1772438400000,
            0,
            -1,
            1.5,
            "20260302",
            "1772438400",
            "0",
            True,
            [],
            {},
        ],
    )
    def test_takes_no_number_for_a_time(self, field: str, value: Any) -> None:
        assert wrong(**{field: value}) == [(field,)]

    @pytest.mark.parametrize("value", [7, True, [], {}, None])
    def test_takes_nothing_for_a_text(self, value: Any) -> None:
        assert wrong(text=value) == [("text",)]

    @pytest.mark.parametrize("value", [7, 0, True, "LEGAL", " legal", [], None])
    def test_takes_nothing_for_a_word_of_the_vocabulary(self, value: Any) -> None:
        assert wrong(seat=value) == [("seat",)]

    @pytest.mark.parametrize(
        "value",
        [
            ID.replace("-", ""),
            f"{{{ID}}}",
            f"urn:uuid:{ID}",
            f" {ID}",
            f"{ID}\n",
            "17",
            17,
            0,
            [],
            "",
        ],
    )
    def test_takes_one_spelling_of_an_id(self, value: Any) -> None:
        assert wrong(id=value) == [("id",)]

    def test_takes_an_id_in_capitals(self) -> None:
        assert read(id=ID.upper()).id == UUID(ID)

    @pytest.mark.parametrize("blank", BLANKS.values(), ids=BLANKS)
    def test_takes_no_blank_for_a_text(self, blank: str) -> None:
        if "\ud800" in blank:
            assert wrong(text=blank) == [()]
        else:
            assert wrong(text=blank * 3) == [("text",)]
            assert wrong(inner={"text": blank}) == [("inner", "text")]
            assert wrong(several=[{"text": blank}]) == [("several", 0, "text")]

    def test_tells_of_a_list_its_first_wrong_item_alone(self) -> None:
        assert wrong(several=[{"text": ""}] * 500) == [("several", 0, "text")]

    def test_is_read_the_same_by_a_framework(self) -> None:
        adapter = TypeAdapter(Sample | None)
        sent = Sent(b'{"at": "2026-03-02T10:00:00+01:00", "several": [{"text": "one"}]}')
        assert adapter.validate_python(sent) == Sample.read(sent.data)
        with pytest.raises(ValidationError) as caught:
            adapter.validate_python(Sent(b'{"at": 20260302, "several": [{"text": 7}]}'))
        assert [error["loc"] for error in caught.value.errors()] == [
            ("at",),
            ("several", 0, "text"),
        ]

    def test_refuses_what_is_not_json(self) -> None:
        with pytest.raises(Unreadable, match="character 1"):
            Sample.read(b"{")

    def test_shows_its_example(self) -> None:
        assert Sample.model_json_schema()["example"] == {"text": "said"}
        assert Sample.model_config["extra"] == "forbid"


@pytest.mark.parametrize(
    ("kind", "most"), [(Name, 200), (Line, 500), (OneLine, 500), (Text, 8000), (Url, 2000)]
)
class TestAText:
    def test_has_a_length(self, kind: Any, most: int) -> None:
        adapter = TypeAdapter(kind)
        assert adapter.validate_python("x" * most)
        for text in ("", "x" * (most + 1)):
            with pytest.raises(ValidationError):
                adapter.validate_python(text)

    def test_has_no_nul(self, kind: Any, most: int) -> None:
        with pytest.raises(ValidationError, match=r"NUL|one line"):
            TypeAdapter(kind).validate_python("a\x00b"[:most])

    @given(text=st.text(min_size=1, max_size=30))
    def test_is_taken_exactly_where_its_document_allows_it(
        self, kind: Any, most: int, text: str
    ) -> None:
        adapter = TypeAdapter(kind)
        allowed = re.search(adapter.json_schema()["pattern"].replace("$", r"\Z"), text) is not None
        try:
            assert adapter.validate_python(text) == text
            taken = True
        except ValidationError:
            taken = False
        assert taken is allowed
        if taken:
            assert has_visible(text)
            assert len(text) <= most


@pytest.mark.parametrize("break_", ["\n", "\r", "\t", "\x0b", "\x1b", "\x7f", "\x85", "\u2028"])
def test_a_line_is_one(break_: str) -> None:
    with pytest.raises(ValidationError, match="one line"):
        TypeAdapter(OneLine).validate_python(f"Subject{break_}Bcc: everybody")
    assert TypeAdapter(Text).validate_python(f"a{break_}b")


class TestAQuery:
    @pytest.mark.parametrize(("text", "flag"), [("true", True), ("false", False)])
    def test_has_two_words_for_a_flag(self, text: str, flag: bool) -> None:
        assert TypeAdapter(Flag).validate_python(text) is flag

    @pytest.mark.parametrize("text", ["", "no", "yes", "0", "1", "on", "True", "FALSE", " true"])
    def test_has_no_other(self, text: str) -> None:
        with pytest.raises(ValidationError, match="true or false"):
            TypeAdapter(Flag).validate_python(text)

    @given(st.integers(-(10**18) + 1, 10**18 - 1))
    def test_has_numbers_in_digits(self, number: int) -> None:
        assert whole_number(str(number)) == number

    @pytest.mark.parametrize(
        "text", ["", " 5", "5 ", "5.0", "1_0", "+5", "0x5", "٥", "1e1", "9" * 19]
    )
    def test_has_no_other_numbers(self, text: str) -> None:
        with pytest.raises(ValueError, match="whole number"):
            whole_number(text)
