"""One incident through all five events, by HTTP alone; then the report, the log, and the trace from
one end to the other."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from deploy.ledger.run.demo.cast import CARLA, COLIN, LEA, NORA, RASHID, RUTH
from deploy.ledger.run.demo.telling import CHANNEL
from shared.runtime.process import clock
from shared.runtime.process.secretfiles import secret_in
from shared.runtime.say.people import People
from tests.e2e.conftest import Collector
from tests.e2e.world import INTAKE, NOTIFY, REVIEW, TRIAGE, World, ledger, until

MILESTONES = ["reported", "assessed", "contained", "communicated", "reviewed"]


async def test_from_a_post_to_a_published_report(world: World, collector: Collector) -> None:
    office = world.office
    incident = await world.report()

    takedown = (
        await office.give(
            RASHID, TRIAGE, incident, "/actions", {"kind": "platform_report", "target": "the post"}
        )
    )["action_id"]
    refused = await office.refused(LEA, TRIAGE, incident, f"/actions/{takedown}/authorisation")
    assert refused.rule == "facts"
    assert "where" in refused.missing

    facts = await world.establish(incident)
    await world.fill_seats(incident)
    exposure = {
        "platform": "Mastodon",
        "visibility": "public",
        "audience_tier": "D",
        "still_live": "yes",
    }
    assessment = {
        "determination": "confirmed",
        "information_types": ["proprietary"],
        "exposure": exposure,
    }
    assessed = await office.give(RASHID, TRIAGE, incident, "/assessments", assessment)
    assert assessed["facts_missing"] == []

    assert (
        await office.refused(LEA, TRIAGE, incident, f"/actions/{takedown}/authorisation")
    ).rule == "legal"
    await office.give(
        NORA,
        TRIAGE,
        incident,
        f"/actions/{takedown}/legal-view",
        {"view": "cleared", "ground": "our own slides"},
    )
    await office.give(LEA, TRIAGE, incident, f"/actions/{takedown}/authorisation")
    outcome = {
        "outcome": "successful",
        "carried_out_at": "2026-03-02T09:00:00Z",
        "note": "removed by the platform",
    }
    assert (
        await office.refused(LEA, TRIAGE, incident, f"/actions/{takedown}/outcome", outcome)
    ).rule == "four_eyes"
    contained = await office.give(RASHID, TRIAGE, incident, f"/actions/{takedown}/outcome", outcome)
    assert contained["legal_view"] == "cleared"
    people = People(secret_in(world.stack.keys.pseudonym_key))
    assert contained["authorised_by"] == people.pseudonym_of("lea")
    shown = await office.view(RASHID, TRIAGE, incident)
    assert shown["people"][contained["authorised_by"]] == "lea"

    await office.until(RUTH, NOTIFY, incident, "incident.contained.v1")
    for duty in (await office.view(COLIN, NOTIFY, incident))["duties"]:
        draft = {
            "audience": duty["audience"],
            "channel": CHANNEL,
            "title": "A roadmap",
            "text": "It was removed.",
            "facts": facts,
        }
        message = (await office.give(COLIN, NOTIFY, incident, "/communications", draft))[
            "communication_id"
        ]
        assert (
            await office.refused(COLIN, NOTIFY, incident, f"/communications/{message}/approval")
        ).rule == "four_eyes"
        await office.give(CARLA, NOTIFY, incident, f"/communications/{message}/approval")
        await office.give(COLIN, NOTIFY, incident, f"/communications/{message}/request")
    await office.until(RUTH, REVIEW, incident, "incident.communicated.v1")
    arrived = [
        json.loads(file.read_text(encoding="utf-8")) for file in world.stack.inbox.glob("*.json")
    ]
    assert ("A roadmap", "It was removed.") in [
        (message["data"]["title"], message["data"]["text"]) for message in arrived
    ]

    closed = await office.refused(RUTH, REVIEW, incident, "/publication")
    assert closed.rule == "closure"
    finding: dict[str, Any] = {
        "contributing_factor": "Slides travel without their label",
        "control_layer": "training_missing",
        "training_adequate": "no",
        "policy_understood": "unknown",
        "action_items": [
            {
                "description": "Label slides",
                "owner": "lea",
                "due": str(clock.now().date() + timedelta(days=30)),
            }
        ],
    }
    await office.give(RUTH, REVIEW, incident, "/findings", finding)
    await office.give(RUTH, REVIEW, incident, "/lessons", {"text": "Label what leaves the room"})
    reviewed = await office.give(RUTH, REVIEW, incident, "/publication")

    await _every_service_has_heard_all(world, incident)
    names = [event["type"].split(".")[1] for event in await world.events(REVIEW, incident)]
    assert [name for name in dict.fromkeys(names) if name in MILESTONES] == MILESTONES

    on_the_log = reviewed["report"]["skeleton_sha256"]
    for form in ("skeleton", "json", "markdown", "html"):
        report = ledger("report", str(incident), "--format", form, "--data", str(world.stack.data))
        if form == "skeleton":
            made = hashlib.sha256(report.stdout.encode()).hexdigest()
            assert made == on_the_log, report.stderr
        else:
            assert on_the_log in report.stdout, report.stderr

    verification = await world.verify()
    assert verification["findings"] == []
    assert all(verification["events"][name] >= 1 for name in MILESTONES)
    replayed = ledger(
        "replay", "--incident", str(incident), "--data", str(world.stack.data), "--json"
    )
    assert len(replayed.stdout.splitlines()) == len(names)
    await _the_trace_goes_through_all_services(world, incident, collector)


async def _every_service_has_heard_all(world: World, incident: Any) -> None:
    async def same_everywhere() -> bool:
        found = [
            {event["hash"] for event in await world.events(service, incident)}
            for service in (INTAKE, TRIAGE, NOTIFY, REVIEW)
        ]
        return all(hashes == found[0] for hashes in found) and len(found[0]) > 15

    await until(same_everywhere, "all four services know the same events")


async def _the_trace_goes_through_all_services(
    world: World, incident: Any, collector: Collector
) -> None:
    """The report's trace is continued wherever it was heard; the review's opening continues the
    assessment's."""
    events = await world.events(REVIEW, incident)
    by_type = {event["type"].split(".")[1]: event for event in events}
    reported, assessed, opened = by_type["reported"], by_type["assessed"], by_type["review_opened"]
    assert _trace(opened) == _trace(assessed)
    assert opened["causation_id"] == assessed["event_id"]

    async def exported() -> bool:
        return {
            f"incident-ledger-{name}" for name in ("intake", "triage", "notify", "review")
        } <= _services_in(collector, _trace(reported))

    await until(exported, "spans of four services in the report's trace")
    links = {link.trace_id.hex() for _, span in _spans(collector) for link in span.links}
    assert _trace(reported) in links, "a person's command links to the events that it decided on"

    async def counted() -> bool:
        names = {
            metric.name
            for request in collector.metrics
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
        return {"ledger.appended", "ledger.relayed", "ledger.heard", "ledger.lag"} <= names

    await until(counted, "the ledger's metrics")


def _trace(event: dict[str, Any]) -> str:
    trace: str = event["traceparent"].split("-")[1]
    return trace


def _spans(collector: Collector) -> list[tuple[str, Any]]:
    return [
        (
            next(
                item.value.string_value
                for item in resource.resource.attributes
                if item.key == "service.name"
            ),
            span,
        )
        for request in collector.traces
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _services_in(collector: Collector, trace: str) -> set[str]:
    return {service for service, span in _spans(collector) if span.trace_id.hex() == trace}
