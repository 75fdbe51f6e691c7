"""A subject of a kind that one service has rules for and the others have not, on a real broker and
real databases."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi import APIRouter

from shared.contract.authority import Role
from shared.contract.decision import Actor, Context, Missing, Rejected
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from shared.runtime.repair.view_rebuilding import rebuild_views
from shared.runtime.service import Service
from tests.integration.conftest import Environment
from tests.integration.serving import process, serving, until
from tests.services import SERVICES, by_name
from tests.unit.given import INCIDENT
from tests.unit.kinds.policies import ADOPTED, AMENDED, KIND, POLICY, REPORTED, RULES

OF_POLICIES = replace(RULES, project=lambda _: ())


def now() -> Context:
    return Context(clock.now(), Actor("ruth"))


@pytest.mark.parametrize("service", SERVICES, ids=by_name)
async def test_what_a_service_has_no_rules_for_is_kept_and_shown_nowhere(
    service: Service[Any, Any, Any], environment: Environment
) -> None:
    name = ServiceName.TRIAGE if service.name is ServiceName.REVIEW else ServiceName.REVIEW
    speaker = Service(name, "Policies", OF_POLICIES, APIRouter())
    async with (
        process(environment, speaker, "writer", "relay") as speaks,
        serving(environment, service, "writer", "relay", "consumer") as served,
    ):
        await speaks.ledger.carry_out(POLICY, ADOPTED, now(), must_exist=False)
        await speaks.ledger.carry_out(POLICY, AMENDED, now())

        async def heard() -> bool:
            return await served.count() == 2

        await until(heard, f"{service.name} hears of the policy")
        assert await served.rows("SELECT reason, detail FROM parked") == []
        for _ in range(2):
            tables = [table for rules in service.kinds for table in rules.view_tables]
            assert {table: await served.count(table) for table in tables} == dict.fromkeys(
                tables, 0
            )
            await rebuild_views(served.running.pool, *service.kinds)
        for path in ("", "/events"):
            answer = await served.get(f"/incidents/{POLICY}{path}", Role.LEAD)
            assert answer.status_code == 404, path
        with pytest.raises(Missing):
            await served.running.ledger.carry_out(POLICY, ADOPTED, now())


async def test_a_service_decides_on_each_kind_by_its_own_rules(environment: Environment) -> None:
    service = next(one for one in SERVICES if one.name is ServiceName.INTAKE)
    async with process(environment, replace(service, beside=(OF_POLICIES,)), "writer") as intake:
        incidents, policies = intake.ledger, intake.ledger.of(KIND)
        assert policies is not None
        with pytest.raises(Rejected, match="adopted before it is amended"):
            await policies.carry_out(POLICY, AMENDED, now(), must_exist=False)
        await policies.carry_out(POLICY, ADOPTED, now(), must_exist=False)
        carried = await policies.carry_out(POLICY, AMENDED, now())
        assert carried.version == 2
        assert (await policies.load(POLICY)).state == 2
        assert (await incidents.load(POLICY)).version == 0
        assert await incidents.history(POLICY) == []
        with pytest.raises(Missing):
            await incidents.carry_out(POLICY, REPORTED, now())
        assert (await policies.load(INCIDENT)).version == 0
