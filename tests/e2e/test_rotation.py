"""A key changed by the command line under a running stack, and each service's signed word about its
chains."""

import subprocess

import pytest

from deploy.ledger.run.demo.cast import LEA
from deploy.ledger.sources import open_sources
from deploy.local.keys import Keys
from shared.chain.statements import BadStatement, ChainHeads, open_statement
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.keyfiles import load_keys
from shared.runtime.repair import topic_messages
from tests.e2e.world import INTAKE, TRIAGE, World, ledger


def rotate(world: World, service: ServiceName) -> "subprocess.CompletedProcess[str]":
    return ledger("rotate-key", service.value, "--data", str(world.stack.data))


async def test_a_key_is_changed_while_the_service_runs(world: World) -> None:
    file = Keys.of(world.stack.data).signing_key(TRIAGE)
    (old,) = load_keys(file)
    incident = await world.report()
    await world.establish(incident)
    done = rotate(world, TRIAGE)
    assert done.returncode == 0, done.stderr
    assert f"triage signed with {old.key_id.hex()} until now" in done.stdout
    (new,) = load_keys(file)
    assert new != old
    assert old.skey not in done.stdout + done.stderr
    assert new.skey not in done.stdout + done.stderr
    await world.fill_seats(incident)
    await world.office.until(LEA, INTAKE, incident, "incident.seat_filled.v1")
    assert (await world.verify())["findings"] == []


async def test_a_change_that_was_cut_off_is_finished_by_the_next_run(world: World) -> None:
    file = Keys.of(world.stack.data).signing_key(INTAKE)
    assert rotate(world, INTAKE).returncode == 0
    (in_force,) = load_keys(file)
    first = rotate(world, INTAKE)
    assert first.returncode == 0, first.stderr
    (next_,) = load_keys(file)
    file.write_text(f"{in_force.skey}\n{next_.skey}\n")
    finished = rotate(world, INTAKE)
    assert finished.returncode == 0, finished.stderr
    assert "already" in finished.stdout
    assert load_keys(file) == [next_]
    await world.report()
    assert (await world.verify())["findings"] == []


async def test_each_service_states_its_chains_to_anybody_and_an_incident_to_its_readers(
    world: World,
) -> None:
    incident = await world.report()
    sources = open_sources(world.stack.data)
    trust = sources.trust.after(
        *await topic_messages.events(sources.kafka, sources.topic, sources.trust)
    )
    for service in ServiceName:
        url = world.office.urls[service]
        answer = await world.office.http.get(f"{url}/chains")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        statement = open_statement(answer.content, trust)
        assert isinstance(statement, ChainHeads)
        assert statement.service == service
        with pytest.raises(BadStatement):
            open_statement(answer.content.replace(b"Z\n0 ", b"Z\n0 9", 1), trust)
        assert (await world.office.http.get(f"{url}/incidents/{incident}/head")).status_code == 401
    readers = {"Authorization": f"Bearer {world.office.tokens['ruth']}"}
    head = await world.office.http.get(
        f"{world.office.urls[INTAKE]}/incidents/{incident}/head", headers=readers
    )
    assert f"\n{incident}\n" in head.text
    assert open_statement(head.content, trust).service == INTAKE
