"""kill -9 of anything, at the worst moment: nothing accepted is lost, nothing is doubled."""

import pytest

from deploy.ledger.run.demo.cast import COLIN, RASHID, RUTH
from shared.contract.vocabulary import ServiceName
from tests.e2e.world import INTAKE, NOTIFY, REVIEW, TRIAGE, World, until


async def test_intake_killed_between_commit_and_relay(world: World) -> None:
    broker = world.pause("kafka")
    incident = await world.report()
    world.kill("intake")
    broker.resume()
    await world.ready()
    await _known_once_everywhere(world, incident, "incident.reported.v1")


@pytest.mark.parametrize(
    ("service", "path", "body", "event"),
    [
        (
            TRIAGE,
            "/actions",
            {"kind": "preserve_evidence", "target": "the post"},
            "incident.action_proposed.v1",
        ),
        (
            NOTIFY,
            "/communications",
            {
                "audience": "executives",
                "channel": "webhook",
                "title": "A roadmap",
                "text": "We look into it.",
            },
            "incident.communication_drafted.v1",
        ),
        (REVIEW, "/lessons", {"text": "Label what leaves the room"}, "incident.lesson_recorded.v1"),
    ],
    ids=lambda value: value.value if isinstance(value, ServiceName) else "",
)
async def test_any_other_service_killed_between_commit_and_relay(
    world: World, service: ServiceName, path: str, body: dict[str, object], event: str
) -> None:
    incident = await world.report()
    facts = await world.establish(incident)
    await world.fill_seats(incident)
    assessment = {
        "determination": "confirmed",
        "information_types": ["proprietary"],
        "exposure": {"platform": "Mastodon"},
    }
    await world.office.give(RASHID, TRIAGE, incident, "/assessments", assessment)
    await world.office.until(RUTH, REVIEW, incident, "incident.review_opened.v1")
    await world.office.until(RUTH, service, incident, "incident.review_opened.v1")
    broker = world.pause("kafka")
    try:
        by = {TRIAGE: RASHID, NOTIFY: COLIN, REVIEW: RUTH}[service]
        await world.office.give(
            by, service, incident, path, {**body, **({"facts": facts} if service is NOTIFY else {})}
        )
        world.kill(service.value)
    finally:
        broker.resume()
    await world.ready()
    await _known_once_everywhere(world, incident, event)


async def test_the_broker_gone_for_a_while_and_back(world: World) -> None:
    world.kill("kafka")
    incidents = [await world.report() for _ in range(20)]
    await world.ready()
    for incident in incidents:
        await _known_once_everywhere(world, incident, "incident.reported.v1", verify=False)
    assert (await world.verify())["findings"] == []


async def test_the_database_killed_and_back(world: World) -> None:
    before = await world.report()
    world.kill("postgres")
    await world.ready()
    after = await world.report()
    for incident in (before, after):
        await _known_once_everywhere(world, incident, "incident.reported.v1")


async def _known_once_everywhere(
    world: World, incident: object, event: str, *, verify: bool = True
) -> None:
    async def heard() -> bool:
        counts = []
        for service in (INTAKE, TRIAGE, NOTIFY, REVIEW):
            path = f"{world.office.urls[service]}/incidents/{incident}/events?limit=200"
            answer = await world.office.http.get(
                path, headers={"Authorization": f"Bearer {world.office.tokens['ruth']}"}
            )
            if answer.status_code != 200:
                return False
            counts.append(sum(item["type"] == event for item in answer.json()["items"]))
        assert max(counts) <= 1, f"{event} was doubled: {counts}"
        return counts == [1, 1, 1, 1]

    await until(heard, f"{event} of {incident} is known once to all four")
    if verify:
        assert (await world.verify())["findings"] == []
