"""What triage shows, and to whom: lists with filters and pages, an incident with its gates and what
the caller may do next."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from shared.contract.authority import Role
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import Communicated
from shared.contract.catalogue.review import Covered, ReportDigest, Reviewed
from shared.contract.vocabulary import Audience, ServiceName
from shared.runtime.process.database import Connection
from tests.integration.conftest import Environment
from tests.integration.serving import NOBODY, others, until
from tests.integration.triage.conftest import FACTS, Triage, assessment, outcome


async def found(triage: Triage, **filters: Any) -> list[str]:
    return [item["incident_id"] for item in await triage.served.listed("/incidents", **filters)]


class TestTheList:
    async def test_comes_in_pages_newest_first_without_loss_or_repeat(self, triage: Triage) -> None:
        incidents = [str(await triage.reported()) for _ in range(7)]
        for limit in (1, 3, 7, 200):
            assert await found(triage, limit=limit) == incidents[::-1]

    async def test_goes_on_where_it_was_though_new_ones_come_meanwhile(
        self, triage: Triage
    ) -> None:
        incidents = [str(await triage.reported()) for _ in range(4)]
        first = (await triage.served.get("/incidents?limit=2")).json()
        await triage.reported()
        second = (await triage.served.get("/incidents", limit=2, cursor=first["next"])).json()
        assert [item["incident_id"] for item in (*first["items"], *second["items"])] == incidents[
            ::-1
        ]
        assert second["next"] is None

    async def test_can_be_filtered(self, triage: Triage) -> None:
        plain = await triage.reported()
        drill = await triage.reported(exercise=True, platform="GitHub")
        owing = await triage.reported()
        await triage.gives(drill, "/assessments", assessment("near_miss"), Role.RESPONDER)
        action = await triage.proposed(owing)
        body = {"gate": "facts", "action_id": action, "reason": "it spreads"}
        await triage.gives(owing, "/break-glass", body, Role.LEAD)
        await triage.gives(owing, "/seats", {"seat": "it", "holder": "ivo"}, Role.LEAD)
        opened = {
            incident: datetime.fromisoformat(
                (await triage.views(incident))["opened_at"]
            ).isoformat()
            for incident in (plain, drill, owing)
        }
        for filters, expected in [
            ({}, [owing, drill, plain]),
            ({"stage": "reported"}, [owing, plain]),
            ({"stage": "assessed"}, [drill]),
            ({"stage": "contained"}, []),
            ({"severity": "info"}, [drill]),
            ({"severity": "high"}, []),
            ({"determination": "near_miss"}, [drill]),
            ({"determination": "confirmed"}, []),
            ({"exercise": "true"}, [drill]),
            ({"exercise": "false"}, [owing, plain]),
            ({"platform": "mastodon", "limit": 1}, [owing, drill, plain]),
            ({"platform": "github"}, []),
            ({"seat_holder": "ivo"}, [owing]),
            ({"owes_a_word": "true"}, [owing]),
            ({"owes_a_word": "false"}, [drill, plain]),
            ({"since": opened[drill]}, [owing, drill]),
            ({"until": opened[drill]}, [plain]),
            ({"since": opened[drill], "until": opened[owing], "exercise": "true"}, [drill]),
        ]:  # fmt: skip
            assert await found(triage, **filters) == [str(incident) for incident in expected], (
                filters
            )

    async def test_refuses_what_it_does_not_understand(self, triage: Triage) -> None:
        for query in (
            "cursor=x",
            "limit=0",
            "limit=201",
            "since=yesterday",
            "since=0001-01-01T00:00:00%2B05:00",
            "stage=lost",
            "platform=%00",
        ):
            answer = await triage.served.get(f"/incidents?{query}")
            assert answer.status_code in {400, 422}, query
            assert answer.headers["content-type"] == "application/problem+json", query


class TestTheIncident:
    async def test_that_is_unknown_is_missing(self, triage: Triage) -> None:
        answer = await triage.served.get(f"/incidents/{NOBODY}")
        assert (answer.status_code, answer.headers["content-type"]) == (
            404,
            "application/problem+json",
        )

    async def test_shows_gates_with_what_is_missing_and_who_can_supply_it(
        self, triage: Triage
    ) -> None:
        incident = await triage.reported()
        action = await triage.proposed(incident)
        await triage.cleared(incident, action)
        view = await triage.views(incident)
        gates = {gate["gate"]: gate for gate in view["gates"]}
        assert gates["seats"]["subject"] == "assessment"
        assert gates["facts"] == {
            "gate": "facts",
            "subject": action,
            "open": False,
            "missing": list(FACTS),
            "who_can_supply": ["responder", "lead", "legal", "communications", "it"],
            "passed_by_break_glass": False,
        }
        assert (gates["legal"]["open"], gates["legal"]["missing"]) == (True, [])
        assert view["missing"] == ["legal", "communications", "it", *FACTS, "authorisation"]
        (shown,) = view["actions"]
        assert [gate["gate"] for gate in shown["gates"]] == ["facts", "legal", "authorisation"]
        assert (shown["legal"]["view"], shown["legal_by"], shown["proposed_by"]) == (
            "cleared",
            triage.pseudonym_of("a-legal"),
            triage.pseudonym_of("a-responder"),
        )

    async def test_shows_each_caller_what_that_caller_may_do_next(self, triage: Triage) -> None:
        incident = await triage.reported()
        action = await triage.authorised(incident)
        expected = {
            Role.RESPONDER: ["record_fact", "assess", "propose_action", "carry_out"],
            Role.LEGAL: [
                "record_fact",
                "fill_seat",
                "propose_action",
                "give_legal_view",
                "carry_out",
            ],
            Role.AUDITOR: [],
        }
        for role, commands in expected.items():
            assert (await triage.views(incident, role))["next_commands"] == commands
        (shown,) = (await triage.views(incident, Role.RESPONDER))["actions"]
        assert shown["next_commands"] == ["carry_out"]
        own = (await triage.views(incident, Role.LEAD, "a-lead"))["actions"][0]["next_commands"]
        anothers = (await triage.views(incident, Role.LEAD, "another-lead"))["actions"][0][
            "next_commands"
        ]
        assert ("carry_out" in own, "carry_out" in anothers) == (False, True)
        for command in shown["next_commands"]:
            assert command == "carry_out"
            await triage.gives(incident, f"/actions/{action}/outcome", outcome(), Role.RESPONDER)
        assert (await triage.views(incident, Role.RESPONDER))["actions"][0]["next_commands"] == []

    async def test_leaves_an_action_that_is_proposed_while_it_is_read_to_a_later_version(
        self, triage: Triage
    ) -> None:
        incident = await triage.reported()
        earlier = await triage.proposed(incident)
        admin = await asyncpg.connect(triage.served.database.admin_dsn)
        async with admin.transaction():
            await admin.execute(
                "LOCK TABLE incident IN ACCESS EXCLUSIVE MODE"
            )  # read after the ledger, before the actions
            reading = asyncio.create_task(triage.views(incident))
            await until(partial(somebody_waits, admin), "the reader has loaded the ledger")
            await triage.proposed(incident)
        view = await reading
        assert ([action["action_id"] for action in view["actions"]], view["version"]) == (
            [earlier],
            2,
        )
        assert len((await triage.views(incident))["actions"]) == 2
        await admin.close()

    async def test_shows_how_far_others_have_brought_it(
        self, triage: Triage, environment: Environment
    ) -> None:
        incident = await triage.reported()
        await triage.hears(incident, Reported(opens=False, channel=ReportChannel.API))
        assert (await triage.views(incident))["reports"] == 2
        async with others(environment, ServiceName.NOTIFY, ServiceName.REVIEW) as later:
            brought = Triage(triage.served, later)
            await brought.hears(incident, COMMUNICATED)
            assert (await triage.views(incident))["stage"] == "communicated"
            await brought.hears(incident, REVIEWED)
        view = await triage.views(incident)
        assert (view["stage"], view["version"]) == ("reviewed", 4)

    async def test_has_a_timeline_of_all_that_was_said_and_heard(self, triage: Triage) -> None:
        incident = await triage.reported()
        await triage.fact(incident, "where")
        items = await triage.served.listed(f"/incidents/{incident}/events", Role.AUDITOR, limit=1)
        assert [(item["version"], item["service"], item["actor"]) for item in items] == [
            (1, "intake", "somebody"),
            (2, "triage", triage.pseudonym_of("a-responder")),
        ]


async def somebody_waits(admin: Connection) -> bool:
    waiting: bool = await admin.fetchval(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'incident'::regclass)"
    )
    return waiting


COMMUNICATED = Communicated(
    communication_id=UUID(int=1),
    audience=Audience.EXECUTIVES,
    channel="staff mail",
    texts=(),
    facts=(),
    approved_by=("lea",),
    attempt=1,
)
REVIEWED = Reviewed(
    report=ReportDigest(format=1, skeleton_sha256="1" * 64),
    covers=(Covered(service=ServiceName.INTAKE, sequence=1, hash="4" * 64),),
    findings=1,
    action_items=0,
    lessons=0,
)
