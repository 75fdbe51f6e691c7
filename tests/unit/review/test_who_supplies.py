"""Every refusal and every closed gate names exactly the roles that may do what is missing."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import pytest

from services.review import domain
from services.review.domain.commands import OpenReview, Publish
from services.review.domain.gates import LOOKS_FOR, closure
from services.review.domain.state import Incident, UnderReview
from services.review.domain.tables import CLOSURE, WHO_CAN_SUPPLY, Item
from shared.contract.authority import Role, who_may
from shared.contract.catalogue.review import ReportDigest, ReviewTrigger
from shared.contract.decision import Actor, Rejected
from shared.contract.vocabulary import Audience, Determination
from tests.unit.given import given
from tests.unit.review.world import LEAD, REPORTED, UNDER_REVIEW

DOING: Final[Mapping[Item, str]] = {
    Item.CONTAINED: "carry_out",
    Item.COMMUNICATIONS: "request_send",
    Item.BREAK_GLASS: "confirm_break_glass",
    Item.FINDING: "record_finding",
    Item.PUBLISHER: "publish",
}
LACKING_ALL: Final = Incident(
    carried_out_by=frozenset({"one who acted"}),
    required=frozenset({Audience.EXECUTIVES}),
    words_owed=frozenset({UUID(int=1)}),
    review=UnderReview(),
)
ACTED: Final = Actor("one who acted", frozenset({Role.LEAD}))
PUBLISHED_REPORT: Final = ReportDigest(format=1, skeleton_sha256="1" * 64)


@pytest.mark.parametrize("item", Item)
def test_what_an_item_lacks_is_supplied_by_those_whom_the_table_of_authority_names(
    item: Item,
) -> None:
    lack = LOOKS_FOR[item](LACKING_ALL, UnderReview(), ACTED)
    assert lack is not None
    assert lack.who == who_may(DOING[item]) == WHO_CAN_SUPPLY[item]
    assert lack.missing
    assert lack.detail


@pytest.mark.parametrize("determination", [None, *Determination])
def test_each_determination_is_asked_for_its_row_in_order(
    determination: Determination | None,
) -> None:
    incident = Incident(
        determination=determination,
        carried_out_by=LACKING_ALL.carried_out_by,
        required=LACKING_ALL.required,
        words_owed=LACKING_ALL.words_owed,
        review=UnderReview(),
    )
    found = closure(incident, UnderReview(), ACTED)
    assert list(found) == list(CLOSURE[determination or Determination.CONFIRMED])
    assert all(found.values())
    shown = domain.gates(incident, ACTED)
    assert [(gate.subject, gate.missing, gate.who) for gate in shown] == [
        (item.value, lack.missing, lack.who) for item, lack in found.items() if lack
    ]


def test_a_refusal_to_publish_names_all_that_is_missing_and_each_role_once() -> None:
    now = given(domain, *UNDER_REVIEW)
    with pytest.raises(Rejected) as refused:
        now.when(Publish(PUBLISHED_REPORT, ()), by=LEAD).decide()
    closed = [gate for gate in domain.gates(now.state, LEAD) if not gate.open]
    assert closed
    assert refused.value.missing == tuple(name for gate in closed for name in gate.missing)
    assert set(refused.value.who) == {role for gate in closed for role in gate.who}
    assert len(refused.value.who) == len(set(refused.value.who))


def test_opening_before_the_assessment_names_those_who_assess() -> None:
    asked = given(domain, REPORTED).when(OpenReview(ReviewTrigger.REQUESTED), by=LEAD)
    assert asked.then_rejected("opens_on_assessment").who == who_may("assess")
