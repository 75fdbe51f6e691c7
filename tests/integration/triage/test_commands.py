"""What people tell triage: each route with what it makes true and with a refusal that names rule,
missing and who."""

import asyncio
from datetime import timedelta
from typing import Any

from shared.contract.authority import Role
from shared.runtime.process import clock
from tests.integration.serving import NOBODY
from tests.integration.triage.conftest import FACTS, Triage, assessment, fact, outcome

ROUTES: dict[str, tuple[dict[str, Any] | None, Role]] = {
    "/facts": (fact("where"), Role.RESPONDER),
    "/seats": ({"seat": "it", "holder": "ivo"}, Role.LEAD),
    "/assessments": (assessment(), Role.RESPONDER),
    "/actions": ({"kind": "platform_report", "target": "the post"}, Role.RESPONDER),
    f"/actions/{NOBODY}/legal-view": ({"view": "cleared", "ground": "ours"}, Role.LEGAL),
    f"/actions/{NOBODY}/authorisation": (None, Role.LEAD),
    f"/actions/{NOBODY}/outcome": (outcome(), Role.RESPONDER),
    "/break-glass": (
        {"gate": "legal", "action_id": str(NOBODY), "reason": "it spreads"},
        Role.LEAD,
    ),
    f"/break-glass/{NOBODY}/confirmation": ({"upheld": True, "note": "right"}, Role.LEGAL),
    "/inaction": ({"reason": "gone"}, Role.LEAD),
    "/dismissal": ({"reason": "duplicate", "note": "see there"}, Role.LEAD),
}


async def test_every_route_says_that_it_does_not_know_the_incident(triage: Triage) -> None:
    for path, (body, role) in ROUTES.items():
        answer = await triage.asks(NOBODY, path, body, role)
        assert answer.status_code == 404, path
        assert str(NOBODY) in answer.json()["detail"], path


async def test_what_is_named_in_the_path_must_be_there(triage: Triage) -> None:
    incident = await triage.reported()
    for path in (path for path in ROUTES if str(NOBODY) in path):
        body, role = ROUTES[path]
        answer = await triage.asks(incident, path, body, role)
        assert answer.status_code == 404, path
        assert str(NOBODY) in answer.json()["detail"], path


async def test_every_route_refuses_fields_that_it_does_not_have_by_their_names(
    triage: Triage,
) -> None:
    for path, (body, role) in ROUTES.items():
        if body is not None:
            answer = await triage.asks(NOBODY, path, {**body, "misspelt": 1}, role)
            assert answer.status_code == 422, path
            assert [error["pointer"] for error in answer.json()["errors"]] == ["#/misspelt"], path


async def test_a_fact_is_recorded_and_corrected(triage: Triage) -> None:
    incident = await triage.reported()
    wrong = await triage.fact(incident, "where", "https://social.example/1")
    right = await triage.fact(
        incident, "where", "https://social.example/2", corrects=wrong["fact_id"]
    )
    assert (right["corrects"], right["known"]) == (wrong["fact_id"], True)
    assert (await triage.fact(incident, "still_live", "unknown"))["known"] is False
    again = await triage.refused(
        incident, "/facts", fact("where", corrects=wrong["fact_id"]), Role.RESPONDER
    )
    assert (again["rule"], again["missing"]) == ("corrected_already", ["corrects"])
    first, second, third = (await triage.views(incident))["facts"]
    assert (first["corrected_by"], second["corrected_by"]) == (right["fact_id"], None)
    assert (third["value"], third["recorded_by"]) == (
        "unknown",
        triage.pseudonym_of("a-responder"),
    )


async def test_a_moment_that_is_none_is_a_wrong_field(triage: Triage) -> None:
    for at in ("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "2026-03-01T08:00:00"):
        answer = await triage.asks(NOBODY, "/facts", fact("where", observed_at=at), Role.RESPONDER)
        assert answer.status_code == 422, at
        assert [error["pointer"] for error in answer.json()["errors"]] == ["#/observed_at"]


async def test_a_fact_from_the_future_is_refused(triage: Triage) -> None:
    incident = await triage.reported()
    later = (clock.now() + timedelta(hours=1)).isoformat()
    problem = await triage.refused(
        incident, "/facts", fact("where", observed_at=later), Role.RESPONDER
    )
    assert problem["rule"] == "observed_in_the_future"


async def test_a_seat_is_taken_or_given(triage: Triage) -> None:
    incident = await triage.reported()
    assert await triage.gives(incident, "/seats", {"seat": "it", "holder": "ivo"}, Role.IT, "ivo")
    same = await triage.asks(incident, "/seats", {"seat": "it", "holder": "ivo"}, Role.LEAD)
    assert (same.status_code, same.json()["events"]) == (201, [])
    problem = await triage.refused(
        incident, "/seats", {"seat": "legal", "holder": "ivo"}, Role.IT, "ivo"
    )
    assert (problem["rule"], problem["who_can_supply"]) == ("seat_of_ones_own", ["lead", "legal"])
    assert (await triage.views(incident))["seats"] == {"it": triage.pseudonym_of("ivo")}


async def test_an_incident_is_assessed_and_confirmed_once_its_seats_are_filled(
    triage: Triage,
) -> None:
    incident = await triage.reported()
    await triage.fact(incident, "where")
    said = await triage.gives(incident, "/assessments", assessment(), Role.RESPONDER)
    assert (said["severity"], said["severity_rule"], said["facts_known"]) == (
        "high",
        "serious_and_public",
        ["where"],
    )
    problem = await triage.refused(
        incident, "/assessments", assessment("confirmed"), Role.RESPONDER
    )
    assert (problem["rule"], problem["missing"]) == ("seats", ["legal", "communications", "it"])
    assert problem["who_can_supply"] == ["lead", "legal", "communications", "it"]
    await triage.seats(incident)
    again = await triage.gives(incident, "/assessments", assessment("confirmed"), Role.RESPONDER)
    assert (again["revision"], again["determination"]) == (2, "confirmed")


async def test_an_action_waits_for_facts_then_legal_then_a_lead_then_another_person(
    triage: Triage,
) -> None:
    incident = await triage.reported()
    action = await triage.proposed(incident)
    authorise, carry_out = f"/actions/{action}/authorisation", f"/actions/{action}/outcome"
    facts = await triage.refused(incident, authorise, None, Role.LEAD)
    assert (facts["rule"], facts["missing"]) == ("facts", list(FACTS))
    assert "responder" in facts["who_can_supply"]
    await triage.facts(incident)
    legal = await triage.refused(incident, authorise, None, Role.LEAD)
    assert (legal["rule"], legal["missing"], legal["who_can_supply"]) == (
        "legal",
        ["legal_view"],
        ["legal"],
    )
    await triage.cleared(incident, action)
    early = await triage.refused(incident, carry_out, outcome(), Role.RESPONDER)
    assert (early["rule"], early["who_can_supply"]) == ("authorisation", ["lead"])
    await triage.gives(incident, authorise, None, Role.LEAD, "lea")
    alone = await triage.refused(incident, carry_out, outcome(), Role.LEAD, "lea")
    assert (alone["rule"], alone["missing"]) == ("four_eyes", ["another_person"])
    done = await triage.gives(incident, carry_out, outcome(), Role.RESPONDER)
    assert (done["authorised_by"], done["legal_view"], done["break_glass"]) == (
        triage.pseudonym_of("lea"),
        "cleared",
        [],
    )
    over = await triage.refused(incident, carry_out, outcome(), Role.RESPONDER)
    assert over["rule"] == "already_carried_out"
    assert (await triage.views(incident))["stage"] == "contained"


async def test_a_protective_action_waits_for_nobody_and_keeping_evidence_contains_nothing(
    triage: Triage,
) -> None:
    incident = await triage.reported()
    kept = await triage.proposed(incident, "preserve_evidence")
    said = await triage.gives(incident, f"/actions/{kept}/outcome", outcome(), Role.IT)
    assert (said["action_class"], said["authorised_by"]) == ("protective", None)
    assert (await triage.views(incident))["stage"] == "reported"
    rotated = await triage.proposed(incident, "rotate_secret")
    await triage.gives(incident, f"/actions/{rotated}/outcome", outcome(), Role.IT)
    assert (await triage.views(incident))["stage"] == "contained"


async def test_a_refusal_by_legal_stops_an_action_and_break_glass_does_not_pass_it(
    triage: Triage,
) -> None:
    incident = await triage.reported()
    action = await triage.authorised(incident)
    await triage.gives(
        incident,
        f"/actions/{action}/legal-view",
        {"view": "refused", "ground": "protected speech"},
        Role.LEGAL,
    )
    stopped = await triage.refused(
        incident, f"/actions/{action}/outcome", outcome(), Role.RESPONDER
    )
    assert (stopped["rule"], stopped["who_can_supply"]) == ("refused_by_legal", ["legal"])
    body = {"gate": "legal", "action_id": action, "reason": "it spreads"}
    assert (await triage.refused(incident, "/break-glass", body, Role.LEAD))[
        "rule"
    ] == "refused_by_legal"


async def test_conditions_are_named(triage: Triage) -> None:
    incident = await triage.reported()
    action = await triage.proposed(incident)
    body = {"view": "cleared_with_conditions", "ground": "ours"}
    problem = await triage.refused(incident, f"/actions/{action}/legal-view", body, Role.LEGAL)
    assert (problem["rule"], problem["missing"]) == ("conditions_are_named", ["conditions"])
    await triage.cleared(
        incident, action, view="cleared_with_conditions", conditions="only the photo"
    )


async def test_break_glass_passes_a_gate_and_a_second_person_has_the_last_word(
    triage: Triage,
) -> None:
    incident = await triage.reported()
    action = await triage.proposed(incident)
    await triage.facts(incident)
    body = {"gate": "legal", "action_id": action, "reason": "it spreads"}
    used = await triage.gives(incident, "/break-glass", body, Role.LEAD, "lea")
    assert used["missing"] == ["legal_view"]
    await triage.gives(incident, f"/actions/{action}/authorisation", None, Role.LEAD, "lea")
    view = await triage.views(incident)
    assert (view["break_glass_owed"], view["break_glass"][0]["owed"]) == (1, True)
    word = f"/break-glass/{used['break_glass_id']}/confirmation"
    own = await triage.refused(
        incident, word, {"upheld": True, "note": "I did well"}, Role.LEAD, "lea"
    )
    assert (own["rule"], own["missing"], own["who_can_supply"]) == (
        "second_person",
        ["second_person"],
        ["lead", "legal"],
    )
    await triage.gives(incident, word, {"upheld": False, "note": "we were there"}, Role.LEGAL)
    view = await triage.views(incident)
    assert (view["break_glass_owed"], view["break_glass"][0]["word"]["upheld"]) == (0, False)
    closed = await triage.refused(incident, f"/actions/{action}/outcome", outcome(), Role.RESPONDER)
    assert closed["rule"] == "legal"
    assert (await triage.refused(incident, "/break-glass", body, Role.LEAD))["rule"] == "overruled"
    twice = await triage.refused(incident, word, {"upheld": True, "note": "after all"}, Role.LEGAL)
    assert twice["rule"] == "word_already_given"


async def test_not_to_act_is_decided_on_an_assessment(triage: Triage) -> None:
    incident = await triage.reported()
    problem = await triage.refused(incident, "/inaction", {"reason": "gone"}, Role.LEAD)
    assert (problem["rule"], problem["who_can_supply"]) == ("assessed_first", ["responder", "lead"])
    await triage.gives(incident, "/assessments", assessment("near_miss"), Role.RESPONDER)
    await triage.gives(incident, "/inaction", {"reason": "gone before anybody saw it"}, Role.LEAD)
    assert (await triage.views(incident))["inaction"] == "gone before anybody saw it"


async def test_an_incident_is_dismissed_with_a_reason_that_fits_and_takes_nothing_more(
    triage: Triage,
) -> None:
    incident = await triage.reported()
    body = {"reason": "not_an_incident", "note": "a press photo"}
    problem = await triage.refused(incident, "/dismissal", body, Role.LEAD)
    assert problem["rule"] == "dismissal_fits_the_assessment"
    assert problem["missing"] == ["assessed_as_false_positive", "assessed_as_near_miss"]
    await triage.gives(incident, "/assessments", assessment("false_positive"), Role.RESPONDER)
    await triage.gives(incident, "/dismissal", body, Role.LEAD)
    view = await triage.views(incident, Role.LEAD)
    assert (view["stage"], view["dismissal"]["reason"], view["gates"], view["next_commands"]) == (
        "dismissed",
        "not_an_incident",
        [],
        [],
    )
    for path in ("/facts", "/seats", "/assessments", "/actions", "/inaction"):
        given, _ = ROUTES[path]
        assert (await triage.refused(incident, path, given, Role.LEAD))["rule"] == "dismissed"


async def test_a_command_holds_only_on_the_version_that_it_was_decided_on(triage: Triage) -> None:
    incident = await triage.reported()
    path, body = "/facts", fact("where")
    fresh = await triage.asks(incident, path, body, Role.RESPONDER, **{"If-Match": '"1"'})
    assert (fresh.status_code, fresh.headers["ETag"]) == (201, '"2"')
    stale = await triage.asks(incident, path, body, Role.RESPONDER, **{"If-Match": '"1"'})
    assert (stale.status_code, stale.headers["content-type"]) == (412, "application/problem+json")
    assert len((await triage.views(incident))["facts"]) == 1


async def test_the_same_command_again_at_once_happens_once(triage: Triage) -> None:
    incident = await triage.reported()
    asked = [
        triage.asks(
            incident,
            "/actions",
            {"kind": "dmca_notice", "target": "x"},
            Role.IT,
            **{"Idempotency-Key": "k-1"},
        )
        for _ in range(10)
    ]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len((await triage.views(incident))["actions"]) == 1
    other = await triage.asks(
        incident,
        "/actions",
        {"kind": "dsa16_notice", "target": "x"},
        Role.IT,
        **{"Idempotency-Key": "k-1"},
    )
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (
        409,
        "idempotency-mismatch",
    )


async def test_a_command_that_is_too_large_is_refused(triage: Triage) -> None:
    incident = await triage.reported()
    assert (
        await triage.asks(incident, "/facts", fact("where", "x" * 300_000), Role.IT)
    ).status_code == 413
