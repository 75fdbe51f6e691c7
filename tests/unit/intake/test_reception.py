"""What makes a report the same report, however it is written; where a wrong field stands."""

import json
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st

from services.intake.bodies import BatchLine, ReportBody
from services.intake.reception import BODY, asked_for, validated
from shared.contract.catalogue.intake import ForeignEvent
from shared.runtime.say.conflicts import Malformed
from shared.runtime.web.problems import field_problems

FOREIGN = ForeignEvent(source="//dlp", id="17", type="com.example.dlp.finding")

fields = st.fixed_dictionaries(
    {},
    optional={
        "exercise": st.booleans(),
        "description": st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
            min_size=1,
            max_size=20,
        ).map("said: {}".format),
        "discovery": st.sampled_from(["dlp", "unknown"]),
        "exposure": st.fixed_dictionaries(
            {}, optional={"platform": st.just("x"), "copies": st.integers(0, 3)}
        ),
        "reporter": st.fixed_dictionaries({"name": st.sampled_from(["Robin", "Kim"])}),
    },
)


class TestTheSameReport:
    @given(fields)
    def test_is_the_same_however_it_is_written(self, body: dict[str, Any]) -> None:
        spelt = json.dumps(dict(reversed(body.items())), indent=2, ensure_ascii=False)
        spelt_out = ReportBody.model_validate_json(json.dumps(body)).model_dump_json()
        first = asked_for(ReportBody.model_validate_json(json.dumps(body)), None)
        assert asked_for(ReportBody.model_validate_json(spelt), None) == first
        assert asked_for(ReportBody.model_validate_json(spelt_out), None) == first
        assert (
            asked_for(
                BatchLine.model_validate_json(json.dumps({**body, "idempotency_key": "a"})), None
            )
            == first
        )

    @given(fields, fields)
    def test_is_another_when_it_says_something_else(
        self, one: dict[str, Any], other: dict[str, Any]
    ) -> None:
        first, second = (
            ReportBody.model_validate_json(json.dumps(one)),
            ReportBody.model_validate_json(json.dumps(other)),
        )
        assert (asked_for(first, None) == asked_for(second, None)) == (first == second)

    def test_is_another_when_the_event_has_another_type(self) -> None:
        other = FOREIGN.model_copy(update={"type": "com.example.dlp.retraction"})
        assert asked_for(ReportBody(), FOREIGN) != asked_for(ReportBody(), other)


class TestValidated:
    def test_reads_a_report(self) -> None:
        assert validated(BODY, b'{"exercise": true}').exercise is True

    @pytest.mark.parametrize(
        ("within", "pointer"), [((), "#/exposure/copies"), (("data",), "#/data/exposure/copies")]
    )
    def test_points_from_the_body_at_what_is_wrong(
        self, within: tuple[str, ...], pointer: str
    ) -> None:
        with pytest.raises(RequestValidationError) as refused:
            validated(BODY, b'{"exposure": {"copies": -1}}', within)
        assert [problem["pointer"] for problem in field_problems(refused.value)] == [pointer]

    @pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"exercise": tru}', b"NaN"])
    def test_tells_what_is_not_json_from_what_is_no_report(self, data: bytes) -> None:
        with pytest.raises(Malformed):
            validated(BODY, data)

    def test_shows_nothing_of_what_was_sent(self) -> None:
        with pytest.raises(RequestValidationError) as refused:
            validated(BODY, json.dumps({"discovery": "a secret"}).encode())
        assert "a secret" not in json.dumps(field_problems(refused.value))
