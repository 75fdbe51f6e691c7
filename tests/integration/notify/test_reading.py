"""What notify shows, to whom, and what guards a command."""

import asyncio
from typing import Any, get_args
from urllib.parse import urlencode
from uuid import UUID

from services.notify.__main__ import SERVICE
from services.notify.domain.commands import PersonsCommand
from shared.contract.authority import who_may
from shared.contract.vocabulary import FactKey, InformationType, ServiceName, Severity
from shared.runtime.repair.view_rebuilding import rebuild_views
from shared.runtime.service import consumer_of
from shared.runtime.web.app import create_app
from shared.runtime.web.auth import permissions
from tests.integration.conftest import Environment
from tests.integration.notify.conftest import Notify, assessed, fact
from tests.integration.runtime.processes import Process, until

NOBODY = UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000)
DRAFT = {"audience": "executives", "channel": "webhook", "title": "x", "text": "y"}


async def found(notify: Notify, path: str, key: str, **filters: Any) -> list[str]:
    """What a filter finds, newest first, read page by page."""
    items: list[str] = []
    cursor = None
    while True:
        query = urlencode({**filters, **({"cursor": cursor} if cursor else {})})
        page = await notify.get(f"{path}?{query}", by="ada")
        items += [item[key] for item in page["items"]]
        if (cursor := page["next"]) is None:
            return items


class TestTheListOfIncidents:
    async def test_comes_in_pages_newest_first_and_can_be_filtered(self, notify: Notify) -> None:
        plain = await notify.incident()
        drill = await notify.incident(exercise=True)
        owing = await notify.incident(assessed(severity=Severity.CRITICAL))
        quiet = await notify.incident(assessed(severity=Severity.LOW))
        names = {str(plain): "plain", str(drill): "drill", str(owing): "owing", str(quiet): "quiet"}
        opened = (await notify.get(f"/incidents/{owing}"))["known_since"]
        for filters, expected in [
            ({"limit": 3}, ["quiet", "owing", "drill", "plain"]),
            ({"limit": 1, "exercise": "false"}, ["quiet", "owing", "plain"]),
            ({"exercise": "true"}, ["drill"]),
            ({"owes_telling": "true"}, ["owing"]),
            ({"owes_telling": "false", "determination": "confirmed"}, ["quiet"]),
            ({"severity": "critical"}, ["owing"]),
            ({"since": opened}, ["quiet", "owing"]),
            ({"until": opened}, ["drill", "plain"]),
        ]:  # fmt: skip
            ids = await found(notify, "/incidents", "incident_id", **filters)
            assert [names[incident] for incident in ids] == expected, filters

    async def test_refuses_what_it_does_not_understand(self, notify: Notify) -> None:
        too_early = "since=0001-01-01T00:00:00%2B14:00"
        for query in (
            "cursor=x",
            "limit=0",
            "limit=201",
            "since=yesterday",
            too_early,
            "severity=red",
        ):
            answer = await notify.ask("ada", "GET", f"/incidents?{query}")
            assert answer.status_code in {400, 422}, query


async def test_the_list_of_messages_comes_in_pages_and_can_be_filtered(notify: Notify) -> None:
    where, drilled = fact(), fact()
    incident = await notify.incident(where)
    drill = await notify.incident(drilled, exercise=True)
    made = {
        "first": await notify.drafted(incident, where),
        "mail": await notify.drafted(incident, where, channel="mail", audience="employees"),
        "drill": await notify.drafted(drill, drilled),
        "asked": await notify.requested(incident, where),
    }
    names = {path.rpartition("/")[2]: name for name, path in made.items()}
    for filters, expected in [
        ({"limit": 3}, ["asked", "drill", "mail", "first"]),
        ({"limit": 1, "incident_id": str(incident)}, ["asked", "mail", "first"]),
        ({"status": "requested"}, ["asked"]),
        ({"audience": "employees"}, ["mail"]),
        ({"channel": "mail"}, ["mail"]),
        ({"exercise": "true"}, ["drill"]),
        ({"drafted_by": "colin", "status": "draft"}, ["drill", "mail", "first"]),
        ({"drafted_by": "carla"}, []),
    ]:  # fmt: skip
        ids = await found(notify, "/communications", "communication_id", **filters)
        assert [names[communication] for communication in ids] == expected, filters


async def test_the_channels_are_known_by_name_alone(notify: Notify) -> None:
    page = await notify.get("/channels")
    assert page == {
        "items": [{"name": "mail"}, {"name": "nowhere"}, {"name": "webhook"}],
        "next": None,
    }


async def test_what_is_unknown_is_missing(notify: Notify) -> None:
    incident = await notify.incident()
    assert (await notify.ask("ada", "GET", f"/incidents/{NOBODY}")).status_code == 404
    draft = DRAFT | {"facts": []}
    assert (
        await notify.ask("colin", "POST", f"/incidents/{NOBODY}/communications", draft)
    ).status_code == 404
    unknown = f"/incidents/{incident}/communications/{NOBODY}/request"
    assert (await notify.ask("colin", "POST", unknown)).status_code == 404


class TestACommand:
    async def test_is_guarded_by_the_version_it_was_decided_on(self, notify: Notify) -> None:
        where = fact()
        incident = await notify.incident(where)
        draft = DRAFT | {"facts": [str(where.fact_id)]}
        path = f"/incidents/{incident}"
        read = (await notify.ask("colin", "GET", path)).headers["ETag"]
        assert read == '"2"'
        await notify.hears(incident, fact(FactKey.STILL_LIVE))
        stale = await notify.ask("colin", "POST", f"{path}/communications", draft, If_Match=read)
        assert stale.status_code == 412
        fresh = await notify.ask("colin", "POST", f"{path}/communications", draft, If_Match='"3"')
        assert (fresh.status_code, fresh.headers["ETag"]) == (201, '"4"')

    async def test_that_is_sent_again_is_not_given_again(self, notify: Notify) -> None:
        where = fact()
        incident = await notify.incident(where)
        draft = DRAFT | {"facts": [str(where.fact_id)]}
        path = f"/incidents/{incident}/communications"
        first, again = [
            await notify.ask("colin", "POST", path, draft, Idempotency_Key="k-1") for _ in range(2)
        ]
        assert (first.status_code, again.json()) == (201, first.json())
        other = await notify.ask(
            "colin", "POST", path, draft | {"text": "z"}, Idempotency_Key="k-1"
        )
        assert other.status_code == 409
        assert len((await notify.get(f"/incidents/{incident}"))["communications"]) == 1


async def test_every_command_is_for_those_who_may_give_it(notify: Notify) -> None:
    app = create_app(notify.running, SERVICE.router, SERVICE.title)
    may = [roles for route, roles in permissions(app) if route.methods == {"POST"}]
    assert sorted(map(sorted, filter(None, may))) == sorted(
        map(sorted, map(who_may, get_args(PersonsCommand)))
    )


async def test_reading_is_for_staff(notify: Notify) -> None:
    for path in ("/incidents", "/communications", "/channels"):
        assert (await notify.ask("ada", "GET", path)).status_code == 200
        assert (await notify.ask("sam", "GET", path)).status_code == 403
        assert (await notify.http.get(path)).status_code == 401


async def test_the_views_can_be_written_again_from_the_ledger(notify: Notify) -> None:
    where = fact()
    incident = await notify.incident(where, assessed(InformationType.PII))
    await notify.give(
        "lea",
        f"/incidents/{incident}/waivers",
        {"audience": "data_subjects", "reason": "Unreadable."},
    )
    message = await notify.requested(incident, where)
    rejected = await notify.drafted(incident, where)
    await notify.give("nora", f"{rejected}/rejection", {"reason": "Twice."})
    notify.send()
    await notify.becomes(message, "communicated")
    read = [
        "TABLE incident ORDER BY 1",
        "TABLE duty ORDER BY 1, 2",
        "TABLE communication ORDER BY 1",
    ]
    before = [await notify.running.pool.fetch(sql) for sql in read]
    await rebuild_views(notify.running.pool, SERVICE.rules)
    assert [await notify.running.pool.fetch(sql) for sql in read] == before
    assert [len(rows) for rows in before] == [1, 3, 2]


async def test_an_assessment_heard_on_the_topic_makes_duties(
    notify: Notify, speakers: dict[ServiceName, Process], environment: Environment
) -> None:
    """By a real broker, there and back."""
    assert environment.topic == notify.running.settings.topic
    incident = await notify.incident()
    listening = asyncio.create_task(consumer_of(notify.running).run())
    speakers[ServiceName.TRIAGE].start("relay")
    await speakers[ServiceName.TRIAGE].say(assessed(InformationType.PII), incident)

    async def owed() -> bool:
        view = await notify.get(f"/incidents/{incident}")
        return {duty["audience"] for duty in view["duties"]} == {
            "executives",
            "data_protection_authority",
            "data_subjects",
        }

    await until(owed, "three audiences must be told")
    listening.cancel()
