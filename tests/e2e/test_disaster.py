"""The disaster drill by the command line: a stack loses its topic and a database, and goes on with
the same history."""

from pathlib import Path

import httpx
import psycopg
from aiokafka.admin import AIOKafkaAdminClient

from deploy.ledger.run import stack as local
from deploy.ledger.run.demo.cast import PEOPLE
from deploy.ledger.run.demo.office import Office
from deploy.ledger.sources import open_sources
from deploy.local import state
from deploy.local.keys import Keys
from deploy.local.state import Stack
from deploy.local.tokens import issue
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair import topic_messages
from tests.e2e.world import REVIEW, World, ledger, ledger_json, until
from tests.integration.servers import free_base


async def test_a_stack_that_lost_topic_and_database_goes_on_with_the_same_history(
    tmp_path: Path,
) -> None:
    base = free_base()
    stack = local.start(tmp_path, base)
    try:
        async with httpx.AsyncClient(timeout=30) as client:
            world = in_charge(stack, client)
            incidents = [await world.report() for _ in range(3)]
            await world.establish(incidents[0])
            assert ledger("rotate-key", "review", "--data", str(tmp_path)).returncode == 0
            await world.fill_seats(incidents[0])
            assert (await world.verify())["findings"] == []
            before = await envelopes(tmp_path)
            report = await client.get(
                f"{stack.services['review'].url}/incidents", headers=ruth(world)
            )
        refused = ledger("rebuild", "kafka", "--data", str(tmp_path))
        assert refused.returncode == 2
        assert "is not empty" in refused.stderr
        local.end(tmp_path)
        stack = local.start(tmp_path, base, services=False)
        await lose(stack)
        for arguments in (("migrate",), ("rebuild", "kafka"), ("rebuild", "review", "--heard")):
            done = ledger(*arguments, "--data", str(tmp_path))
            assert done.returncode == 0, done.stderr
        assert f"{len(before)} in its ledger now, 0 messages parked" in done.stdout
        local.end(tmp_path)
        stack = local.start(tmp_path, base)
        assert await envelopes(tmp_path) == before
        async with httpx.AsyncClient(timeout=30) as client:
            world = in_charge(stack, client)
            again = await client.get(
                f"{stack.services['review'].url}/incidents", headers=ruth(world)
            )
            assert again.json() == report.json()
            await world.report()
            assert (await world.verify())["findings"] == []
        assert ledger_json("status", tmp_path)["ready"]
    finally:
        local.end(tmp_path)


def in_charge(stack: Stack, client: httpx.AsyncClient) -> World:
    urls = {service: stack.services[service.value].url for service in ServiceName}
    keys = Keys.of(stack.data)
    return World(
        stack,
        Office(
            urls,
            {person.name: issue(keys, person.name, [person.role]) for person in PEOPLE},
            client,
        ),
    )


def ruth(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.office.tokens['ruth']}"}


async def envelopes(data: Path) -> list[bytes]:
    sources = open_sources(data)
    history = await topic_messages.events(sources.kafka, sources.topic, sources.trust)
    return [event.envelope for event in history]


async def lose(stack: Stack) -> None:
    """The topic, and review's database."""
    admin = AIOKafkaAdminClient(**stack.broker.client())
    await admin.start()
    await admin.delete_topics([stack.topic])

    async def gone() -> bool:
        return stack.topic not in await admin.list_topics()

    await until(gone, "the topic is gone")
    await admin.close()
    with psycopg.connect(state.load(stack.data).admin_dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE incident_{REVIEW} WITH (FORCE)")
