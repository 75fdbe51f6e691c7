"""What reviewers tell review: each route with what it makes true and with a refusal that names
rule, missing and who."""

import asyncio
from datetime import timedelta
from typing import Any

from shared.contract.authority import Role
from shared.contract.catalogue.notify import Communicated, CommunicationRequired
from shared.contract.catalogue.triage import BreakGlassConfirmed, BreakGlassUsed
from shared.contract.vocabulary import Audience, Determination, GateName, ServiceName
from shared.runtime.process import clock
from tests.integration.conftest import Environment
from tests.integration.review.conftest import CONTAINED, LATER, Review, assessed, finding
from tests.integration.serving import NOBODY, others

ROUTES: dict[str, dict[str, Any] | None] = {
    "/review": None,
    "/findings": finding(),
    "/observations": {"kind": "went_well", "text": "The evidence was kept first."},
    "/lessons": {"text": "Look behind you."},
    "/policy-clauses": {"policy": "Social media", "clause": "4.2"},
    "/next-review": {"on": LATER},
    "/publication": None,
}


async def test_every_route_says_that_it_does_not_know_the_incident(review: Review) -> None:
    for path, body in ROUTES.items():
        answer = await review.asks(NOBODY, path, body)
        assert (answer.status_code, answer.headers["content-type"]) == (
            404,
            "application/problem+json",
        ), path
        assert str(NOBODY) in answer.json()["detail"], path


async def test_every_route_refuses_fields_that_it_does_not_have_by_their_names(
    review: Review,
) -> None:
    for path, body in ROUTES.items():
        if body is not None:
            answer = await review.asks(NOBODY, path, {**body, "misspelt": 1})
            assert answer.status_code == 422, path
            assert [error["pointer"] for error in answer.json()["errors"]] == ["#/misspelt"], path


async def test_nothing_is_recorded_before_a_review_is_open(review: Review) -> None:
    incident = await review.known()
    for path, body in ROUTES.items():
        if path != "/review":
            problem = await review.refused(incident, path, body)
            assert (problem["rule"], problem["missing"]) == ("review_opened", ["review"]), path
            assert problem["who_can_supply"] == ["lead", "reviewer"]


async def test_a_confirmed_incident_opens_its_review_by_itself(review: Review) -> None:
    incident = await review.opened()
    view = await review.views(incident)
    assert (view["status"], view["determination"], view["severity"]) == (
        "open",
        "confirmed",
        "high",
    )
    assert (await review.refused(incident, "/review", None))["rule"] == "opened_once"


async def test_a_near_miss_is_reviewed_when_somebody_asks_for_it(review: Review) -> None:
    incident = await review.known()
    problem = await review.refused(incident, "/review", None)
    assert problem["rule"] == "opens_on_assessment"
    assert "assessed_as_near_miss" in problem["missing"]
    assert problem["who_can_supply"] == ["responder", "lead"]
    await review.hears(incident, assessed(Determination.NEAR_MISS))
    assert (await review.gives(incident, "/review", None))["trigger"] == "requested"


async def test_what_was_found_is_recorded(review: Review) -> None:
    incident = await review.opened()
    for path in ("/findings", "/observations", "/lessons", "/policy-clauses", "/next-review"):
        assert await review.gives(incident, path, ROUTES[path])
    view = await review.views(incident)
    assert (view["findings"], view["action_items"], view["lessons"], view["next_review_on"]) == (
        1,
        1,
        1,
        LATER,
    )


async def test_a_finding_says_what_will_be_done_or_why_nothing(review: Review) -> None:
    incident = await review.opened()
    for more in ({"action_items": []}, {"no_action_reason": "none"}):
        problem = await review.refused(incident, "/findings", finding(**more))
        assert (problem["rule"], problem["missing"]) == (
            "finding_has_actions_or_reason",
            ["action_items or no_action_reason"],
        )
    await review.gives(
        incident, "/findings", finding(action_items=[], no_action_reason="It was moved.")
    )
    late = [{"description": "x", "owner": "u", "due": str(clock.now().date() - timedelta(days=1))}]
    problem = await review.refused(incident, "/findings", finding(action_items=late))
    assert (problem["rule"], problem["missing"]) == ("due_not_in_the_past", ["due"])


async def test_the_next_review_is_still_to_come(review: Review) -> None:
    incident = await review.opened()
    problem = await review.refused(incident, "/next-review", {"on": str(clock.now().date())})
    assert (problem["rule"], problem["missing"]) == ("next_review_in_the_future", ["on"])


async def test_publishing_waits_for_everything_at_once_and_names_it(
    review: Review, environment: Environment
) -> None:
    incident = await review.opened()
    glass = BreakGlassUsed(
        break_glass_id=NOBODY, gate=GateName.LEGAL, action_id=CONTAINED.action_id, reason="spreads"
    )
    await review.hears(incident, glass)
    word = f"second_word_on_break_glass_{NOBODY}"
    async with others(environment, ServiceName.NOTIFY) as notify:
        told = Review(review.served, notify)
        await told.hears(
            incident, CommunicationRequired(audience=Audience.EXECUTIVES, rule="a_row")
        )
        problem = await review.refused(incident, "/publication", None)
        assert problem["rule"] == "closure"
        assert problem["missing"] == [
            "contained_or_decision_not_to_act",
            "communication_to_executives",
            word,
            "finding",
        ]
        assert problem["who_can_supply"] == [
            "responder",
            "lead",
            "legal",
            "communications",
            "it",
            "reviewer",
        ]
        view = await review.views(incident, Role.REVIEWER)
        assert view["missing"] == problem["missing"]
        assert {gate["subject"]: gate["open"] for gate in view["gates"]} == {
            "contained": False,
            "communications": False,
            "break_glass": False,
            "finding": False,
            "publisher": True,
        }
        assert "publish" not in view["next_commands"]
        await told.hears(incident, COMMUNICATED)
    await review.hears(incident, CONTAINED, by="lea")
    await review.hears(
        incident, BreakGlassConfirmed(break_glass_id=NOBODY, upheld=True, note="right")
    )
    await review.gives(incident, "/findings", finding())
    own = await review.refused(incident, "/publication", None, Role.LEAD, "lea")
    assert (own["missing"], own["who_can_supply"]) == (["another_publisher"], ["lead", "reviewer"])
    assert "publish" not in (await review.views(incident, Role.LEAD, "lea"))["next_commands"]
    assert "publish" in (await review.views(incident, Role.REVIEWER))["next_commands"]
    assert (await review.asks(incident, "/publication", None)).status_code == 201


async def test_what_is_published_takes_nothing_more(review: Review) -> None:
    incident = await review.published()
    view = await review.views(incident, Role.REVIEWER)
    assert (view["status"], view["gates"], view["next_commands"]) == ("published", [], [])
    for path, body in ROUTES.items():
        assert (await review.refused(incident, path, body))["rule"] == "published", path


async def test_reports_that_are_made_at_once_are_published_once(review: Review) -> None:
    incident = await review.publishable()
    answers = await asyncio.gather(*(review.asks(incident, "/publication", None) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_publishing_leaves_nothing_out_that_is_recorded_meanwhile(review: Review) -> None:
    incident = await review.publishable()
    answers = await asyncio.gather(
        review.asks(incident, "/publication", None),
        *(review.asks(incident, "/lessons", {"text": f"Lesson {number}"}) for number in range(10)),
    )
    taken = sum(answer.status_code == 201 for answer in answers[1:])
    (reviewed,) = answers[0].json()["events"]
    assert answers[0].status_code == 201
    assert reviewed["data"]["lessons"] == taken
    assert (await review.report(incident)).json()["lessons"].__len__() == taken


async def test_the_same_publication_again_gets_the_same_answer(review: Review) -> None:
    incident = await review.publishable()
    answers = [
        await review.asks(incident, "/publication", None, **{"Idempotency-Key": "p-1"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].text == answers[1].text


async def test_a_command_holds_only_on_the_version_that_it_was_decided_on(review: Review) -> None:
    incident = await review.opened()
    tag = f'"{(await review.views(incident))["version"]}"'
    body = {"text": "Look behind you."}
    assert (await review.asks(incident, "/lessons", body, **{"If-Match": tag})).status_code == 201
    stale = await review.asks(incident, "/lessons", body, **{"If-Match": tag})
    assert (stale.status_code, stale.headers["content-type"]) == (412, "application/problem+json")
    assert (await review.asks(incident, "/publication", None, **{"If-Match": tag})).status_code in {
        409,
        412,
    }


async def test_the_same_lesson_again_at_once_is_recorded_once(review: Review) -> None:
    incident = await review.opened()
    asked = [
        review.asks(incident, "/lessons", {"text": "x"}, **{"Idempotency-Key": "k-1"})
        for _ in range(10)
    ]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    other = await review.asks(incident, "/lessons", {"text": "y"}, **{"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (
        409,
        "idempotency-mismatch",
    )
    assert (await review.views(incident))["lessons"] == 1


COMMUNICATED = Communicated(
    communication_id=NOBODY,
    audience=Audience.EXECUTIVES,
    channel="staff mail",
    texts=("0" * 43, "1" * 43),
    facts=(),
    approved_by=("lea",),
    attempt=1,
)
