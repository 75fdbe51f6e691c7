"""What a report may say: everything may be unknown, nothing may be misspelt."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.intake.bodies import REPORT_EXAMPLE, BatchLine, ExposureBody, ReportBody
from shared.contract.vocabulary import DiscoveryMethod, InformationType


def report(**fields: Any) -> ReportBody:
    return ReportBody.model_validate_json(json.dumps(fields))


class TestAReport:
    def test_may_know_nothing(self) -> None:
        assert report() == ReportBody()

    def test_may_know_everything(self) -> None:
        body = report(**REPORT_EXAMPLE)
        assert body.noticed_at == datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
        assert body.exposure.copies is None

    @pytest.mark.parametrize(
        "field",
        [
            "discovery",
            "noticed_at",
            "noticed_at_fidelity",
            "description",
            "exposure",
            "information_types",
        ],
    )
    def test_may_say_unknown_to_everything(self, field: str) -> None:
        value = getattr(report(**{field: "unknown"}), field)
        assert value in (None, DiscoveryMethod.UNKNOWN, ExposureBody(), (InformationType.UNKNOWN,))

    @pytest.mark.parametrize("field", ExposureBody.model_fields)
    def test_may_say_unknown_to_everything_about_exposure(self, field: str) -> None:
        assert report(exposure={field: "unknown"}).exposure == ExposureBody()

    @pytest.mark.parametrize(
        ("written", "fidelity", "noticed"),
        [
            ("2026-03-02T10:15:00+02:00", None, "2026-03-02T08:15:00+00:00"),
            ("2026-03-02T10:15:00+02:00", "minute", "2026-03-02T08:15:00+00:00"),
            ("2026-03-02T00:15:00+02:00", "day", "2026-03-02T00:15:00+00:00"),
            ("2026-01-01T00:00:00+01:00", "month", "2026-01-01T00:00:00+00:00"),
            ("2026-01-01T00:00:00+01:00", "year", "2026-01-01T00:00:00+00:00"),
            ("2026-12-31T23:59:59-11:00", "year", "2026-12-31T23:59:59+00:00"),
        ],
    )
    def test_states_a_moment_in_utc_and_a_date_as_it_is_written(
        self, written: str, fidelity: str | None, noticed: str
    ) -> None:
        body = report(noticed_at=written, noticed_at_fidelity=fidelity)
        assert body.noticed is not None
        assert body.noticed.isoformat() == noticed

    def test_may_have_been_noticed_nobody_knows_when(self) -> None:
        assert report().noticed is None

    @pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u200b", "\u061c", "\u2800", "\u3164"])
    @pytest.mark.parametrize(
        "where", ["description", "platform", "url", "name", "contact"], ids=lambda name: name
    )
    def test_says_nothing_with_blanks(self, where: str, blank: str) -> None:
        parts = {
            "platform": "exposure",
            "url": "exposure",
            "name": "reporter",
            "contact": "reporter",
        }
        value = {where: blank}
        with pytest.raises(ValidationError, match=where):
            report(**({parts[where]: value} if where in parts else value))

    def test_names_each_kind_of_information_once(self) -> None:
        body = report(information_types=["pii", "secrets", "pii"])
        assert body.information_types == (InformationType.PII, InformationType.SECRETS)

    @pytest.mark.parametrize(
        ("fields", "where"),
        [
            ({"platfrom": "x"}, "platfrom"),
            ({"exposure": {"uri": "x"}}, "uri"),
            ({"exposure": {"copies": -1}}, "copies"),
            ({"exposure": {"still_live": "perhaps"}}, "still_live"),
            ({"exposure": 7}, "exposure"),
            ({"noticed_at": "2026-03-02T10:15:00"}, "noticed_at"),
            ({"noticed_at": "0001-01-01T00:00:00+14:00"}, "noticed_at"),
            ({"noticed_at": "9999-12-31T23:59:59-14:00"}, "noticed_at"),
            ({"noticed_at": 20260302}, "noticed_at"),
            ({"noticed_at": "20260302"}, "noticed_at"),
            ({"noticed_at": "2026-03-02"}, "noticed_at"),
            ({"noticed_at": True}, "noticed_at"),
            ({"exercise": "no"}, "exercise"),
            ({"exercise": 0}, "exercise"),
            ({"anonymous": "true"}, "anonymous"),
            ({"exposure": {"copies": "3"}}, "copies"),
            ({"exposure": {"copies": 3.0}}, "copies"),
            ({"exposure": {"copies": True}}, "copies"),
            ({"incident_id": "0196000000007000800000000000000a"}, "incident_id"),
            ({"description": "NUL \x00"}, "description"),
            ({"description": "x" * 8001}, "description"),
            ({"information_types": ["roadmap"]}, "information_types"),
            ({"incident_id": "17"}, "incident_id"),
            ({"reporter": {}}, "reporter"),
            ({"reporter": {"name": "Robin", "email": "robin@example.org"}}, "email"),
            ({"reporter": {"name": "Robin"}, "anonymous": True}, "leave out one of the two"),
        ],
    )
    def test_is_refused_where_it_is_wrong(self, fields: dict[str, Any], where: str) -> None:
        with pytest.raises(ValidationError, match=where):
            report(**fields)

    @given(st.integers(2, 3000))
    def test_with_many_wrong_kinds_of_information_is_refused_by_the_first(self, count: int) -> None:
        with pytest.raises(ValidationError) as refused:
            report(information_types=["roadmap"] * count)
        assert refused.value.error_count() == 1


class TestALine:
    def test_is_a_report_with_a_key(self) -> None:
        assert BatchLine.model_validate({"idempotency_key": "a-1"}).idempotency_key == "a-1"

    @pytest.mark.parametrize("key", ["", "a b", "ä", "a\n", "x" * 256])
    def test_has_a_key_of_visible_ascii(self, key: str) -> None:
        with pytest.raises(ValidationError, match="idempotency_key"):
            BatchLine.model_validate({"idempotency_key": key})
