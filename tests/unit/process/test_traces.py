"""Trace contexts without an exporter: every event can still tell the story that it belongs to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.process import clock, telemetry

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


def parts() -> tuple[str, str, str]:
    said = telemetry.traceparent()
    assert said is not None
    version, trace, span, flags = said.split("-")
    assert version == "00"
    assert trace == telemetry.trace_id()
    return trace, span, flags


def test_outside_of_all_spans_there_is_no_trace() -> None:
    assert telemetry.trace_id() is None
    assert telemetry.traceparent() is None


def test_a_span_without_a_parent_begins_a_trace() -> None:
    traces = set()
    for _ in range(20):
        with telemetry.named():
            trace, span, flags = parts()
            assert int(trace, 16) > 0
            assert int(span, 16) > 0
            assert flags == "01"
            traces.add(trace)
    assert len(traces) == 20
    assert telemetry.trace_id() is None


@pytest.mark.parametrize("flags", ["00", "01"])
def test_a_span_with_a_parent_goes_on_in_its_trace(flags: str) -> None:
    parent = f"00-{TRACE}-{SPAN}-{flags}"
    for span in (telemetry.named(parent), telemetry.span_from(parent, "triage reacts")):
        with span:
            trace, own, told = parts()
            assert (trace, told) == (TRACE, flags)
            assert own != SPAN, "a span of its own"


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "garbage",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
    ],
)
def test_a_parent_that_is_none_begins_another_trace(parent: str) -> None:
    with telemetry.named(parent):
        assert telemetry.trace_id() not in (None, TRACE, "0" * 32)
    with telemetry.span_from(parent, "reacts"):
        assert telemetry.trace_id() not in (None, TRACE, "0" * 32)


@given(st.text(max_size=60))
def test_no_text_that_an_event_carries_brings_its_hearer_down(parent: str) -> None:
    with telemetry.span_from(parent, "reacts"):
        assert telemetry.traceparent() is not None


def test_spans_lie_within_each_other() -> None:
    with telemetry.named(PARENT):
        outer = telemetry.traceparent()
        with telemetry.named():
            assert telemetry.traceparent() != outer
        assert telemetry.traceparent() == outer


def test_a_command_within_a_request_stays_in_its_trace() -> None:
    with telemetry.named(PARENT):
        outer = telemetry.traceparent()
        with telemetry.linked_span("FillSeat", [PARENT, "garbage", ""]):
            assert telemetry.traceparent() == outer


def test_a_command_of_nobodys_request_has_a_trace_of_its_own() -> None:
    with telemetry.linked_span("FillSeat", [PARENT]):
        assert telemetry.trace_id() not in (None, TRACE)


def test_apart_from_a_request_nothing_leads_back_to_it() -> None:
    with telemetry.named(PARENT):
        outer = telemetry.traceparent()
        with telemetry.apart():
            assert telemetry.traceparent() is None
            with telemetry.named():
                assert telemetry.trace_id() != TRACE
        assert telemetry.traceparent() == outer


def test_what_fails_apart_comes_back_too() -> None:
    with telemetry.named(PARENT):
        with pytest.raises(ValueError, match="boom"), telemetry.apart():
            raise ValueError("boom")
        assert telemetry.trace_id() == TRACE


def test_ids_are_sorted_by_when_they_were_drawn_and_never_twice() -> None:
    drawn = [clock.new_id() for _ in range(2000)]
    assert len(set(drawn)) == len(drawn)
    assert sorted(drawn) == drawn
    assert {one.version for one in drawn} == {7}


def test_now_is_in_utc_and_an_id_carries_it() -> None:
    before, drawn, after = clock.now(), clock.new_id(), clock.now()
    assert before.tzinfo is UTC
    at = datetime.fromtimestamp((drawn.int >> 80) / 1000, UTC)
    assert before - timedelta(milliseconds=1) <= at <= after
