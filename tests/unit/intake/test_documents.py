"""What the document says of the routes that are read by hand: its examples are taken as they
stand, by the readers that the routes use."""

import base64
import json
from typing import Any, Final

import pytest

from services.intake import bounds, cloudevents
from services.intake.bodies import BatchLine, ReportBody, ReportReceipt
from services.intake.documents import (
    BATCH,
    BATCH_ANSWERS,
    EVENT_ANSWERS,
    EVENTS,
    NDJSON,
)

SENT: Final[dict[str, Any]] = EVENTS["requestBody"]["content"]
STRUCTURED: Final = SENT["application/cloudevents+json"]["example"]


def test_every_line_of_the_example_is_a_report() -> None:
    body = BATCH["requestBody"]["content"][NDJSON]["example"].encode()
    texts = [body[line.start : line.end] for line in bounds.lines(body, 10)]
    assert [BatchLine.model_validate_json(text).exercise for text in texts] == [False, True]


def test_the_event_is_read_and_its_data_is_a_report() -> None:
    event = cloudevents.read_structured(json.dumps(STRUCTURED).encode())
    assert (event.foreign.source, event.foreign.id, event.foreign.type) == (
        "//dlp.example/scanner",
        "finding-4711",
        "com.example.dlp.finding",
    )
    assert ReportBody.model_validate_json(event.data).information_types


def test_the_batch_of_events_is_of_the_same_event() -> None:
    assert SENT["application/cloudevents-batch+json"]["example"] == [STRUCTURED]


@pytest.mark.parametrize("name", SENT["application/cloudevents+json"]["schema"]["required"])
def test_what_is_named_as_required_is(name: str) -> None:
    without = {key: value for key, value in STRUCTURED.items() if key != name}
    with pytest.raises(cloudevents.NotACloudEvent, match=f"^{name} is missing"):
        cloudevents.read_structured(json.dumps(without).encode())


def test_each_attribute_has_its_header_and_none_is_required_in_every_mode() -> None:
    headers = {one["name"]: one for one in EVENTS["parameters"]}
    assert set(headers) == {"ce-specversion", "ce-id", "ce-source", "ce-type"}
    for name, one in headers.items():
        assert (one["in"], one["required"]) == ("header", False)
        assert one["example"] == STRUCTURED[name.removeprefix("ce-")]


@pytest.mark.parametrize(
    ("answers", "place", "first"),
    [
        (
            [
                json.loads(one)
                for one in BATCH_ANSWERS[200]["content"][NDJSON]["example"].split("\n")[:-1]
            ],
            "line",
            1,
        ),
        (EVENT_ANSWERS[200]["content"]["application/json"]["example"], "index", 0),
    ],
    ids=["lines", "events"],
)
def test_an_answer_names_its_place_and_holds_a_receipt_or_a_problem(
    answers: list[dict[str, Any]], place: str, first: int
) -> None:
    taken, refused = answers
    assert (taken[place], refused[place]) == (first, first + 1)
    ReportReceipt.model_validate(taken["receipt"])
    assert refused["status"] == refused["problem"]["status"] == 422


def test_the_signature_of_the_receipt_has_the_length_of_one() -> None:
    receipt = EVENT_ANSWERS[200]["content"]["application/json"]["example"][0]["receipt"]
    assert len(bytes.fromhex(receipt["hash"])) == 32
    assert len(base64.b64decode(receipt["signature"], validate=True)) == 64
    assert len(bytes.fromhex(receipt["keyid"])) == 4
