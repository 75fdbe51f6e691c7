"""What people wrote stands beside the record and nowhere else: every command of every service is
carried out with words that cannot be mistaken, on real databases, and every column of every table,
every envelope and every line of the log is searched for them. Then the words are deleted, and
everything can still be read."""

import base64
import contextlib
import itertools
import json
import random
import typing
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog.testing
from fastapi.routing import iter_route_contexts

from services.notify.domain.commands import StartSend
from services.review.domain.commands import Publish
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Part, Withheld
from shared.contract.decision import Context
from shared.contract.disclosure import by_digest, fields_of, reveal
from shared.contract.topics import key_of, partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.hear.receiver import Receiver
from shared.runtime.process import clock
from shared.runtime.say.plan import Signed
from shared.runtime.say.texts import take_in
from tests.integration.conftest import Environment
from tests.integration.serving import Served, serving
from tests.services import SERVICES
from tests.unit.walk import COMMANDS, Step, Walk

SECRET: Final = "Xq7Zv9Kw"
"""Begins every text here."""
RECORDING: Final[set[type[EventData]]] = {vars(kind)["EVENT"] for kind in COMMANDS}
REPORTS: Final = {"/incidents/{incident_id}/report", "/incidents/{incident_id}/report/skeleton"}
"""Their digest is made up in a walk, so that none can be shown once it is published; how they are
read without texts is asked of real ones (`unit/review/test_holes`)."""
FOR_TEXTS: Final = {"disclosure", "person", "reporter"}
"""Tables in which what is personal may stand."""


@dataclass(frozen=True, slots=True)
class Told:
    """The four services, after every command was carried out, and what was said."""

    services: dict[ServiceName, Served]
    said: Sequence[Signed]
    log: Sequence[Any]

    @property
    def incidents(self) -> list[UUID]:
        return sorted({one.recorded.event.subject_id for one in self.said})


def chosen() -> Iterator[Sequence[Step]]:
    """Of some walks the steps that said something, as far as each has a command that no walk before
    it had; together they have all."""
    needed = set(COMMANDS)
    for seed in itertools.count():
        steps = [one for one in Walk(random.Random(seed)).go(1500).steps if one.said]
        first = {kind: at for at, kind in reversed([*enumerate(type(s.command) for s in steps)])}
        if new := needed & set(first):
            yield steps[: max(first[kind] for kind in new) + 1]
        needed -= set(first)
        if not needed:
            return


class Writing:
    """Puts words of its own in place of every text of a command."""

    def __init__(self) -> None:
        self.numbers = itertools.count()

    def words(self) -> str:
        return f"{SECRET} {next(self.numbers)}"

    def instead(self, command: Any) -> Any:
        hints = typing.get_type_hints(type(command))
        changed = {
            one.name: self._of(getattr(command, one.name), Withheld in typing.get_args(hint))
            for one in fields(command)
            if (hint := hints[one.name])
        }
        return replace(command, **changed)

    def _of(self, value: Any, confidential: bool) -> Any:
        if isinstance(value, Part):
            known = fields_of(type(value))
            names = type(value).model_fields if confidential else known.confidential + known.parts
            changed = {
                name: self._of(getattr(value, name), confidential or name in known.confidential)
                for name in names
            }
            return value.model_copy(update=changed)
        if isinstance(value, tuple):
            return tuple(self._of(one, confidential) for one in value)
        return self.words() if confidential and isinstance(value, str) else value


async def tell(services: dict[ServiceName, Served]) -> list[Signed]:
    writing, said = Writing(), list[Signed]()
    unheard: dict[ServiceName, list[Signed]] = {name: [] for name in services}
    for steps in chosen():
        incident = clock.new_id()
        for step in steps:
            await _hear(services[step.service], unheard[step.service])
            signed = await _carry_out(services[step.service], incident, step, writing)
            said += signed
            for name in services.keys() - {step.service}:
                unheard[name] += signed
    for name, served in services.items():
        await _hear(served, unheard[name])
    return said


async def _carry_out(
    served: Served, incident: UUID, step: Step, writing: Writing
) -> Sequence[Signed]:
    ledger, command = served.running.ledger, writing.instead(step.command)
    state = (await ledger.load(incident)).state
    if isinstance(command, StartSend):
        as_approved = step.command.texts == step.state.messages[command.communication_id].texts
        texts = state.messages[command.communication_id].texts if as_approved else ()
        command = replace(command, texts=texts)
    if isinstance(command, Publish):
        command = replace(command, covers=state.covers)
    context = Context(step.at, step.by)
    carried = await ledger.carry_out(incident, command, context, must_exist=False)
    said = [one.recorded.event.type for one in carried.signed]
    assert said == [data.TYPE for data in step.said], step.command
    return carried.signed


async def _hear(served: Served, unheard: list[Signed]) -> None:
    """As from the topics, and without reactions, for the walk has these too."""
    running, by_place = served.running, defaultdict[int, list[Record]](list)
    for one in unheard:
        event = one.recorded.event
        place, offset = partition_of(event.subject_id), len(by_place)
        key = key_of(event.subject_id)
        by_place[place].append(Record(place, offset, key, event.envelope, (), one.signature))
    receiver = Receiver(running.ledger, running.pool, running.trust, rebuilding=True)
    for place, records in by_place.items():
        await receiver.hear(place, records)
    async with running.pool.acquire() as connection, connection.transaction():
        await take_in(connection, {one.recorded.event.id: one.disclosures for one in unheard})
    unheard.clear()


@contextlib.asynccontextmanager
async def told_on(environment: Environment) -> AsyncIterator[Told]:
    async with contextlib.AsyncExitStack() as stack:
        services = {
            one.name: await stack.enter_async_context(serving(environment, one, "writer"))
            for one in SERVICES
        }
        with structlog.testing.capture_logs() as log:
            said = await tell(services)
        yield Told(services, said, log)


def spellings() -> list[str]:
    """The word as text, as bytes in hex, and inside of base64 at any place."""
    raw = SECRET.encode()
    coded = [
        base64.b64encode(b"\0" * before + raw).decode()[before + bool(before) :].rstrip("=")[:-1]
        for before in range(3)
    ]
    return [SECRET, raw.hex(), *coded]


def test_a_text_is_found_however_it_is_spelt() -> None:
    for before in range(6):
        coded = base64.urlsafe_b64encode(b"a" * before + SECRET.encode() + b" 17").decode()
        assert any(one in coded for one in spellings()), before
    assert any(one in (b'{"x":"' + SECRET.encode()).hex() for one in spellings())


async def tables_with_it(served: Served) -> set[str]:
    """Those in a column of which the word stands, in any spelling."""
    admin = await asyncpg.connect(served.database.admin_dsn)
    try:
        tables = await admin.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        assert len(tables) > 10
        found = set()
        for (name,) in tables:
            like = [f"%{one}%" for one in spellings()]
            rows = await admin.fetchval(
                f'SELECT count(*) FROM "{name}" AS t WHERE t::text LIKE ANY($1)',  # noqa: S608
                like,
            )
            if rows:
                found.add(name)
        return found
    finally:
        await admin.close()


async def read_all(told: Told) -> AsyncIterator[tuple[str, str]]:
    """Every route that reads about an incident, or lists, and what it answers."""
    for served in told.services.values():
        router = served.running.service.router
        paths = {
            str(route.path)
            for route in iter_route_contexts(router.routes)
            if "GET" in (route.methods or ())
        }
        for path in sorted(paths):
            names = set(path.split("{")[1:])
            if names - {"incident_id}"} and not path.startswith("/incidents/{incident_id}"):
                continue
            if path.count("{") > 1 or path in REPORTS:
                continue
            for incident in told.incidents if names else told.incidents[:1]:
                for role in (Role.AUDITOR, Role.LEGAL, Role.LEAD):
                    asked = path.replace("{incident_id}", str(incident))
                    answer = await served.get(asked, role)
                    if answer.status_code == 403:
                        continue
                    yield f"{served.running.service.name} {path}", answer.text
                    assert answer.status_code in {200, 404}, (path, answer.text)
                    break


def whole(said: Sequence[Signed]) -> Iterator[EventData]:
    for one in said:
        data = one.recorded.event.data
        assert isinstance(data, EventData)
        yield reveal(data, by_digest(one.disclosures))


def theirs(text: Any) -> bool:
    return SECRET in json.dumps(text)


def given_in(data: Part) -> set[str]:
    return {name for name in fields_of(type(data)).confidential if getattr(data, name) is not None}


def confidential() -> set[tuple[type[Part], str]]:
    """Each confidential field of each event that a command records."""
    return {(kind, name) for kind in RECORDING for name in fields_of(kind).confidential}


async def test_texts_stand_beside_the_record_and_nowhere_else(environment: Environment) -> None:
    async with told_on(environment) as told:
        texts = {one.digest: one for signed in told.said for one in signed.disclosures}
        others = [text for _, text in (one.named() for one in texts.values()) if not theirs(text)]
        assert all(str(text).startswith("Not sent. ") for text in others), "a sentence of ours"
        written = {(type(data), name) for data in whole(told.said) for name in given_in(data)}
        assert {type(data) for data in whole(told.said)} == RECORDING
        assert written == confidential()
        for name, served in told.services.items():
            assert await served.count("parked") == 0, name
            assert await tables_with_it(served) <= FOR_TEXTS, name
            kept = await served.rows("SELECT digest FROM disclosure")
            assert {row[0] for row in kept} == set(texts), name
        assert SECRET not in repr(told.log)

        before = {path: answer async for path, answer in read_all(told)}
        shown = {path.split()[0] for path, answer in before.items() if SECRET in answer}
        assert shown == {name.value for name in told.services}, "readers of each see texts"

        for served in told.services.values():
            admin = await asyncpg.connect(served.database.admin_dsn)
            await admin.execute("DELETE FROM disclosure")
            await admin.close()
        after = {path: answer async for path, answer in read_all(told)}
        assert after.keys() == before.keys()
        for path, answer in after.items():
            assert SECRET not in answer, path
            # A confidential object goes whole.
            kept = {name for name in names_of(before[path]) if ".foreign." not in name}
            assert kept <= names_of(answer), path


def names_of(answer: str) -> set[str]:
    """Where each field stands: `items.data.url`. Lists may have other items: a report names what is
    withheld."""
    try:
        return _names(json.loads(answer))
    except ValueError:
        return set()


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        below = {f"{name}.{under}" for name, one in value.items() for under in _names(one)}
        return set(value) | below
    return {name for one in value for name in _names(one)} if isinstance(value, list) else set()
