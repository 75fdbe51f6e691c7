"""CloudEvents over HTTP: what the SDKs write is read, what is not one is refused with a word on
why."""

import base64
import json
import string
from contextlib import suppress
from typing import Any

import pytest
from cloudevents.core.bindings import http as sdk_http
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent as SdkV1Event
from hypothesis import given
from hypothesis import strategies as st

from services.intake.cloudevents import (
    LARGEST,
    CloudEvent,
    Mode,
    NotACloudEvent,
    UnknownFormat,
    mode_of,
    read_binary,
    read_structured,
)
from shared.contract.catalogue.intake import ForeignEvent

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "17",
    "source": "//dlp",
    "type": "com.example.dlp.finding",
}
HEADERS = {f"ce-{name}": value for name, value in EVENT.items()}
FOREIGN = ForeignEvent(source="//dlp", id="17", type="com.example.dlp.finding")
DATA = {"exposure": {"platform": "mastodon"}}


def read(headers: dict[str, str], body: bytes) -> CloudEvent:
    """As the route reads a single event."""
    lowered = {name.lower(): value for name, value in headers.items()}
    mode = mode_of(lowered)
    assert mode is not Mode.BATCHED
    return read_binary(lowered, body) if mode is Mode.BINARY else read_structured(body)


class TestMode:
    @pytest.mark.parametrize(
        ("content_type", "mode"),
        [
            ("application/cloudevents+json", Mode.STRUCTURED),
            ("Application/CloudEvents+JSON; charset=UTF-8", Mode.STRUCTURED),
            ("application/cloudevents-batch+json; charset=UTF-8", Mode.BATCHED),
            ("application/json", Mode.BINARY),
            ("", Mode.BINARY),
        ],
    )
    def test_follows_the_content_type(self, content_type: str, mode: Mode) -> None:
        assert mode_of({**HEADERS, "content-type": content_type}) is mode

    @pytest.mark.parametrize(
        "headers",
        [
            {"content-type": "application/json"},
            {},
            {**HEADERS, "content-type": "application/cloudevents+avro"},
            {"content-type": "application/cloudevents-batch+xml"},
        ],
    )
    def test_is_unknown_for_what_is_no_event(self, headers: dict[str, str]) -> None:
        with pytest.raises(UnknownFormat, match="ce-specversion"):
            mode_of(headers)


class TestBinary:
    def test_has_its_attributes_in_headers(self) -> None:
        assert read_binary(HEADERS, b"{}") == CloudEvent(FOREIGN, b"{}")

    @pytest.mark.parametrize(
        ("sent", "meant"),
        [
            ("Euro%20%E2%82%AC", "Euro €"),
            ("100%25", "100%"),
            ("100%", "100%"),
            ("%2525", "%25"),
            ('"quoted \\"and\\" escaped"', 'quoted "and" escaped'),
            ('"%41"', "A"),
            ("plain", "plain"),
        ],
    )
    def test_decodes_headers_once(self, sent: str, meant: str) -> None:
        assert read_binary({**HEADERS, "ce-id": sent}, b"{}").foreign.id == meant

    def test_refuses_what_is_not_utf_8(self) -> None:
        with pytest.raises(NotACloudEvent, match="ce-id is not percent-encoded UTF-8"):
            read_binary({**HEADERS, "ce-id": "%C0%A0"}, b"{}")

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50))
    def test_reads_every_id_that_the_sdk_writes(self, event_id: str) -> None:
        event = SdkEvent({"type": "t", "source": "s", "id": event_id}, dict(DATA))
        assert read(sdk_http.to_binary_event(event).headers, b"{}").foreign.id == event_id


class TestStructured:
    def test_is_one_object(self) -> None:
        event = read_structured(json.dumps({**EVENT, "data": DATA}).encode())
        assert (event.foreign, json.loads(event.data)) == (FOREIGN, DATA)

    def test_may_have_its_data_in_base64(self) -> None:
        encoded = base64.b64encode(b'{"exercise": true}').decode()
        assert (
            read_structured(json.dumps({**EVENT, "data_base64": encoded}).encode()).data
            == b'{"exercise": true}'
        )

    def test_may_have_no_data_and_null_attributes(self) -> None:
        assert (
            read_structured(json.dumps({**EVENT, "time": None, "data": None}).encode()).data == b""
        )

    def test_may_have_its_data_as_a_json_text(self) -> None:
        event = read_structured(json.dumps({**EVENT, "data": json.dumps(DATA)}).encode())
        assert json.loads(event.data) == DATA

    def test_keeps_a_text_that_is_no_json_for_the_reader_to_refuse(self) -> None:
        assert read_structured(json.dumps({**EVENT, "data": "hello"}).encode()).data == b"hello"

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"specversion": "0.3"}, "specversion '0.3' is not known here; send 1.0"),
            ({"specversion": 1.0}, "specversion '1.0' is not known"),
            ({"specversion": None}, "specversion is missing"),
            ({"id": None}, "id is missing"),
            ({"id": ""}, "id is missing"),
            ({"id": 17}, "id is missing or not a text"),
            ({"source": "a\nb"}, "source has control characters"),
            ({"type": "t" * 501}, "type: String should have at most 500"),
            ({"type": "\ud800"}, "type: "),
            ({"data": {}, "data_base64": "e30="}, "not both"),
            ({"data_base64": "!"}, "not base64"),
            ({"data_base64": "€"}, "not base64"),
            ({"data_base64": 7}, "data_base64 is not a text"),
        ],
    )
    def test_is_refused_with_a_reason(self, change: dict[str, Any], why: str) -> None:
        with pytest.raises(NotACloudEvent, match=why):
            read_structured(json.dumps({**EVENT, **change}).encode())

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 20, b"[]", b"7"])
    def test_is_refused_when_it_is_no_object(self, body: bytes) -> None:
        with pytest.raises(NotACloudEvent, match=r"JSON|UTF-8"):
            read_structured(body)


class TestTooMuch:
    """What no report can be is refused before it is built, in whatever it is wrapped."""

    DEEP = json.loads("[" * 300 + "]" * 300)
    WIDE = [0] * 5000

    @pytest.mark.parametrize("data", [DEEP, WIDE], ids=["deep", "wide"])
    @pytest.mark.parametrize("member", ["data", "other"])
    def test_in_an_event(self, data: Any, member: str) -> None:
        with pytest.raises(NotACloudEvent, match=r"deep|many"):
            read_structured(json.dumps({**EVENT, member: data}).encode())

    def test_in_bytes(self) -> None:
        with pytest.raises(NotACloudEvent, match="bytes"):
            read_structured(json.dumps({**EVENT, "data": "x" * LARGEST}).encode())
        with pytest.raises(NotACloudEvent, match="bytes"):
            read_binary(HEADERS, b" " * (LARGEST + 1))


class TestOddSpellings:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ('"id": "18", "id": "17"', "twice"),
            ('"data": NaN', "JSON does not have"),
            ('"data": -Infinity', "JSON does not have"),
            ('"data": ' + "1" * 5000, "number"),
            ('"id": "\\u0007"', "control"),
            ('"source": "a\\u007f"', "control"),
            ('"id": "\\ud800"', "id"),
            ('"id": true', "id"),
            ('"source": ""', "source"),
            ('"type": ["t"]', "type"),
            ('"id": "' + "x" * 501 + '"', "id"),
            ('"specversion": 1.0', "specversion"),
            ('"specversion": "1.0 "', "specversion"),
        ],
    )
    def test_are_refused_with_a_reason(self, text: str, why: str) -> None:
        members = [
            f'"{name}": "{value}"' for name, value in EVENT.items() if f'"{name}"' not in text
        ]
        with pytest.raises(NotACloudEvent, match=why):
            read_structured(("{" + ", ".join([*members, text]) + "}").encode())

    def test_a_byte_order_mark_is_passed_over(self) -> None:
        event = json.dumps({**EVENT, "data": DATA}).encode()
        assert read_structured(b"\xef\xbb\xbf" + event) == read_structured(event)

    @pytest.mark.parametrize(
        ("sent", "meant"), [(" 17", " 17"), ("a%20b", "a b"), ('"a\\"b"', 'a"b'), ("%2F", "/")]
    )
    def test_an_id_is_taken_as_it_is_meant(self, sent: str, meant: str) -> None:
        assert read_binary({**HEADERS, "ce-id": sent}, b"{}").foreign.id == meant


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
values = st.dictionaries(
    texts, st.one_of(st.none(), st.booleans(), st.integers(), texts), max_size=4
)
extensions = st.dictionaries(
    st.text(string.ascii_lowercase, min_size=5, max_size=10), texts, max_size=3
)


class TestTheSdk:
    """The public `cloudevents` package: what it writes is read as it was meant, in both modes, by
    both of its interfaces."""

    @given(source=texts, event_id=texts, event_type=texts, data=values, more=extensions)
    def test_version_2(
        self,
        source: str,
        event_id: str,
        event_type: str,
        data: dict[str, Any],
        more: dict[str, str],
    ) -> None:
        attributes = {
            **more,
            "source": source,
            "id": event_id,
            "type": event_type,
            "datacontenttype": "application/json",
        }
        event = SdkEvent(attributes, data)
        for message in (sdk_http.to_binary_event(event), sdk_http.to_structured_event(event)):
            self._check(read(message.headers, message.body), event_id, source, event_type, data)

    def test_version_2_with_bytes(self) -> None:
        event = SdkEvent({"source": "s", "id": "1", "type": "t"}, b'{"exercise": true}')
        for message in (sdk_http.to_binary_event(event), sdk_http.to_structured_event(event)):
            self._check(read(message.headers, message.body), "1", "s", "t", {"exercise": True})

    @given(
        event_id=st.text(string.ascii_letters + string.digits + "-./:%", min_size=1).filter(
            lambda text: "%" not in text
        ),
        data=values.filter(bool),
    )
    def test_version_1(self, event_id: str, data: dict[str, Any]) -> None:
        event = SdkV1Event({"source": "//dlp", "id": event_id, "type": "t"}, data)
        for headers, body in (to_binary(event), to_structured(event)):
            self._check(read(headers, body), event_id, "//dlp", "t", data)

    def test_version_1_with_a_text(self) -> None:
        event = SdkV1Event({"source": "s", "id": "1", "type": "t"}, json.dumps(DATA))
        for headers, body in (to_binary(event), to_structured(event)):
            self._check(read(headers, body), "1", "s", "t", DATA)

    def _check(
        self, event: CloudEvent, event_id: str, source: str, event_type: str, data: Any
    ) -> None:
        assert event.foreign == ForeignEvent(source=source, id=event_id, type=event_type)
        assert json.loads(event.data) == data


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(NotACloudEvent):
        read_structured(body)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*EVENT, "data", "data_base64", "time", "other"]), json_values),
    st.booleans(),
)
def test_any_object_is_read_or_refused(value: dict[str, Any], complete: bool) -> None:
    body = json.dumps({**EVENT, **value} if complete else value).encode()
    with suppress(NotACloudEvent):
        read_structured(body)


@given(
    st.dictionaries(
        st.sampled_from(list(HEADERS)), st.text(st.characters(max_codepoint=255), max_size=30)
    )
)
def test_any_headers_are_read_or_refused(headers: dict[str, str]) -> None:
    with suppress(NotACloudEvent):
        read_binary({**HEADERS, **headers}, b"{}")
