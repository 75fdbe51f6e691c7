"""What is unknown of an exposure is said to triage as it is said to intake."""

import json

import pytest

from services.triage.bodies import ExposureBody
from shared.runtime.web import exposure


@pytest.mark.parametrize("body", [ExposureBody, exposure.ExposureBody])
@pytest.mark.parametrize("name", ExposureBody.model_fields)
def test_every_field_may_be_unknown(body: type[ExposureBody], name: str) -> None:
    assert body.model_validate_json(json.dumps({name: "unknown"})) == body()


def test_both_have_the_same_fields() -> None:
    assert list(ExposureBody.model_fields) == list(exposure.ExposureBody.model_fields)
