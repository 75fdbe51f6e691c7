"""How many items each list of a body takes, and at which item a longer one is refused."""

import json
from typing import Any, Final
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from services.intake.bodies import ReportBody
from services.notify.bodies import DraftBody
from services.review.bodies import ActionItemBody, FindingBody
from services.triage.bodies import AssessmentBody

pytestmark = pytest.mark.usefixtures("within_a_request")

ITEM: Final = {"description": "Say it", "owner": "tom", "due": "2027-06-01"}
FINDING: Final = {
    "contributing_factor": "Nobody said so.",
    "control_layer": "training_missing",
    "training_adequate": "no",
    "policy_understood": "unknown",
}
DRAFT: Final = {"audience": "press", "channel": "mail", "title": "A photo", "text": "It is gone."}
ASSESSMENT: Final = {"determination": "confirmed", "exposure": {}}

LISTS: Final = [
    (ReportBody, {}, "information_types", "pii", 100),
    (AssessmentBody, ASSESSMENT, "information_types", "pii", 100),
    (DraftBody, DRAFT, "facts", str(UUID(int=1)), 100),
    (FindingBody, FINDING, "action_items", ITEM, 50),
]


def read(model: type[BaseModel], sent: dict[str, Any]) -> Any:
    """As a route does: from JSON, strictly."""
    return model.model_validate_json(json.dumps(sent))


Case = tuple[type[BaseModel], dict[str, Any], str, Any, int]


@pytest.mark.parametrize("case", LISTS, ids=lambda case: f"{case[0].__name__}.{case[2]}")
class TestAList:
    def test_may_be_empty(self, case: Case) -> None:
        model, beside, name, _, _ = case
        assert getattr(read(model, {**beside, name: []}), name) == ()

    @pytest.mark.parametrize("fewer", [0, 1])
    def test_takes_as_many_as_it_says(self, case: Case, fewer: int) -> None:
        model, beside, name, item, most = case
        taken = read(model, {**beside, name: [item] * (most - fewer)})
        assert 1 <= len(getattr(taken, name)) <= most

    @pytest.mark.parametrize("more", [1, 2, 1000])
    def test_takes_no_more(self, case: Case, more: int) -> None:
        model, beside, name, item, most = case
        with pytest.raises(ValidationError) as refused:
            read(model, {**beside, name: [item] * (most + more)})
        (error,) = refused.value.errors()
        assert (error["loc"], error["type"]) == ((name,), "too_long")
        assert error["ctx"]["max_length"] == most

    def test_with_a_wrong_item_names_its_place(self, case: Case) -> None:
        model, beside, name, item, _ = case
        with pytest.raises(ValidationError) as refused:
            read(model, {**beside, name: [item, item, 7, 8]})
        assert [error["loc"][:2] for error in refused.value.errors()] == [(name, 2)]

    def test_is_no_single_item(self, case: Case) -> None:
        model, beside, name, item, _ = case
        with pytest.raises(ValidationError) as refused:
            read(model, {**beside, name: item})
        assert {error["loc"][0] for error in refused.value.errors()} == {name}


def test_each_kind_of_information_counts_once_in_a_report() -> None:
    body = read(ReportBody, {"information_types": ["pii", "phi", "pii"]})
    assert [str(one) for one in body.information_types] == ["pii", "phi"]


@pytest.mark.parametrize("missing", sorted(ITEM))
def test_an_action_item_has_all_its_parts(missing: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(ActionItemBody, {key: ITEM[key] for key in ITEM if key != missing})
    assert [(one["loc"], one["type"]) for one in refused.value.errors()] == [
        ((missing,), "missing")
    ]
