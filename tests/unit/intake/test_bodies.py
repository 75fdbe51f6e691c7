"""What a report may say: everything may be unknown, nothing may be misspelt."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
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

    def test_gives_times_in_utc(self) -> None:
        noticed_at = report(noticed_at="2026-03-02T10:15:00+02:00").noticed_at
        assert noticed_at is not None
        assert noticed_at.isoformat() == "2026-03-02T08:15:00+00:00"

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


class TestALine:
    def test_is_a_report_with_a_key(self) -> None:
        assert BatchLine.model_validate({"idempotency_key": "a-1"}).idempotency_key == "a-1"

    @pytest.mark.parametrize("key", ["", "a b", "ä", "a\n", "x" * 256])
    def test_has_a_key_of_visible_ascii(self, key: str) -> None:
        with pytest.raises(ValidationError, match="idempotency_key"):
            BatchLine.model_validate({"idempotency_key": key})
