"""Erasing on real brokers and databases: what two persons have decided to forget is gone from every
service, and nothing brings it back."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.ledger.forget.held import (
    About,
    Why,
    held_about,
    in_directory,
    incidents_of,
    reporters,
    sent_by,
)
from services.intake.__main__ import SERVICE as INTAKE
from services.review.__main__ import SERVICE as REVIEW
from services.review.erasures.retention import Retention
from services.triage.__main__ import SERVICE as TRIAGE
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.review import (
    ContentErased,
    ErasedText,
    ErasureGround,
    RetentionWarned,
)
from shared.contract.catalogue.system import PersonErased
from shared.contract.catalogue.triage import IncidentDismissed
from shared.contract.disclosure import Disclosure, digest_of
from shared.contract.topics import disclosures_of, partition_of
from shared.contract.vocabulary import DismissalReason, ServiceName
from shared.runtime.carry.texts import message_of
from shared.runtime.process import clock
from shared.runtime.repair.person_erasing import CannotErase, erase_person
from shared.runtime.repair.rebuilding import rebuild_ledger
from shared.runtime.repair.topic_messages import messages
from shared.runtime.say.texts import forgetting, take_in
from shared.runtime.service import receiver_of
from tests.integration.conftest import Environment
from tests.integration.serving import Others, Served, others, process, serving, until
from tests.unit.given import event

ALL: Final = ("writer", "relay", "consumer", "texts")
SECRET: Final = "Ana wrote the roadmap on the whiteboard"
URL: Final = "https://example.org/a-post"
WHY: Final = {"ground": "objection", "reason": "The reporter asked for it."}
REPORTED: Final = Reported(
    opens=True, channel=ReportChannel.API, description=SECRET, exposure=Exposure(url=URL)
)
DISMISSED: Final = IncidentDismissed(reason=DismissalReason.DUPLICATE, note="See the other.")
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stack:
    """Review and triage, and an intake that says what it is told to."""

    environment: Environment
    review: Served
    intake: Others

    async def reported(self) -> tuple[UUID, UUID]:
        """An incident, and the event that reported it, with its texts at review."""
        incident = clock.new_id()
        await self.intake.say(incident, REPORTED)
        await until(lambda: self.has(self.review, incident, 2), "review has both texts")
        (row,) = await self.review.rows(
            "SELECT event_id FROM ledger WHERE subject_id = $1", incident
        )
        return incident, row["event_id"]

    async def has(self, served: Served, incident: UUID, texts: int) -> bool:
        return len(await self.texts(served, incident)) == texts

    async def texts(self, served: Served, incident: UUID) -> list[str]:
        rows = await served.rows(
            """SELECT content FROM disclosure JOIN ledger USING (event_id)
               WHERE subject_id = $1 AND service = 'intake'""",
            incident,
        )
        return [Disclosure(digest_of(row["content"]), row["content"]).named()[1] for row in rows]

    async def asks(self, incident: UUID, **body: Any) -> str:
        """The id of the erasure, which privacy asks for."""
        answer = await self.review.post(
            f"/incidents/{incident}/erasures", {**WHY, **body}, Role.PRIVACY, "pia"
        )
        assert answer.status_code == 201, answer.text
        erasure_id: str = answer.json()["events"][0]["data"]["erasure_id"]
        return erasure_id

    async def erases(self, incident: UUID, **body: Any) -> str:
        erasure_id = await self.asks(incident, **body)
        answer = await self.review.post(
            f"/incidents/{incident}/erasures/{erasure_id}/confirmation", None, Role.LEGAL, "lou"
        )
        assert answer.status_code == 201, answer.text
        return erasure_id

    async def last_message(self, event_id: UUID) -> bytes | None:
        """What the topic of texts says last of an event; empty is a tombstone."""
        last = None
        topic = disclosures_of(self.environment.topic)
        async for record in messages(self.review.running.settings.kafka(), topic):
            if record.key == str(event_id).encode():
                last = record.value
        return last

    async def replay(self, event_id: UUID, incident: UUID, *texts: str) -> None:
        async with self.producer() as producer:
            await producer.send_and_wait(
                disclosures_of(self.environment.topic),
                key=str(event_id).encode(),
                value=message_of(texts),
                partition=partition_of(incident),
            )

    @contextlib.asynccontextmanager
    async def producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(**self.review.running.settings.kafka())
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()


@pytest.fixture
async def stack(environment: Environment) -> AsyncIterator[Stack]:
    async with (
        others(environment, ServiceName.INTAKE, parts=("consumer", "texts")) as intake,
        serving(environment, REVIEW, *ALL, "sealer") as review,
    ):
        yield Stack(environment, review, intake)


async def everything(served: Served) -> str:
    """All that stands in a service's database, texts decoded."""
    tables = await served.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = []
    for table in (row["tablename"] for row in tables):
        with contextlib.suppress(asyncpg.InsufficientPrivilegeError):
            rows = await served.rows(f'SELECT t::text AS row FROM "{table}" AS t')  # noqa: S608
            found += [row["row"] for row in rows]
    for row in await served.rows("SELECT content FROM disclosure"):
        found.append(base64.urlsafe_b64decode(row["content"] + "==").decode())
    for row in await served.rows("SELECT envelope FROM ledger"):
        found.append(row["envelope"].decode())
    return "\n".join(found)


async def test_a_text_is_gone_from_every_service_and_its_event_is_sealed(stack: Stack) -> None:
    async with serving(stack.environment, TRIAGE, *ALL) as triage:
        incident, event_id = await stack.reported()
        await until(lambda: stack.has(triage, incident, 2), "triage has the texts")
        assert SECRET in await everything(triage)
        erasure_id = await stack.asks(incident, event_id=str(event_id), fields=["description"])
        for path in ("confirmation", "refusal"):
            refused = await stack.review.post(
                f"/incidents/{incident}/erasures/{erasure_id}/{path}",
                {"reason": "No."} if path == "refusal" else None,
                Role.RESPONDER,
            )
            assert refused.status_code == 403
        pending = await stack.review.listed("/erasures", Role.AUDITOR, status="requested")
        assert [one["erasure_id"] for one in pending] == [erasure_id]
        assert SECRET in await everything(stack.review), "nobody has confirmed it"

        path = f"/incidents/{incident}/erasures/{erasure_id}/confirmation"
        alone = await stack.review.post(path, None, Role.LEGAL, "pia")
        assert (alone.status_code, alone.json()["rule"]) == (409, "four_eyes")
        answer = await stack.review.post(path, None, Role.LEGAL, "lou")
        assert answer.status_code == 201, answer.text
        (erased,) = answer.json()["events"]

        for served in (stack.review, triage):
            await until(lambda s=served: stack.has(s, incident, 1), "only the URL is left")
            assert await stack.texts(served, incident) == [URL]
            assert SECRET not in await everything(served)
            (gone,) = await served.rows("SELECT name, ground FROM erased")
            assert tuple(gone) == ("description", "objection")
        (shown,) = await stack.review.listed(f"/incidents/{incident}/erasures", Role.AUDITOR)
        assert (shown["status"], shown["ground"]) == ("erased", "objection")
        assert shown["texts"] == [{"event_id": str(event_id), "name": "description"}]
        assert shown["requested_by"] != shown["decided_by"]
        assert shown["reason"] == WHY["reason"]

        async def sealed() -> bool:
            return bool(
                await stack.review.rows(
                    "SELECT FROM log_leaf WHERE encode(hash, 'hex') = $1", erased["hash"]
                )
            )

        await until(sealed, "the erasure is a leaf of the log")


async def test_the_speaker_tells_less_and_at_last_nothing(stack: Stack) -> None:
    incident, event_id = await stack.reported()
    await stack.erases(incident, event_id=str(event_id), fields=["description"])

    async def fewer() -> bool:
        last = await stack.last_message(event_id)
        return last is not None and last.count(b",") == 0 and last != b""

    await until(fewer, "the topic holds the other text alone")
    await stack.erases(incident, event_id=str(event_id))

    async def none() -> bool:
        return await stack.last_message(event_id) == b""

    await until(none, "the topic holds a tombstone")
    again = await stack.review.post(
        f"/incidents/{incident}/erasures",
        {**WHY, "event_id": str(event_id)},
        Role.PRIVACY,
        "pia",
    )
    assert (again.status_code, again.json()["rule"]) == (409, "nothing_to_erase")


async def test_a_replayed_message_brings_nothing_back(stack: Stack) -> None:
    incident, event_id = await stack.reported()
    rows = await stack.review.rows(
        "SELECT content FROM disclosure WHERE event_id = $1 ORDER BY digest", event_id
    )
    old = [row["content"] for row in rows]
    await stack.erases(incident, event_id=str(event_id))
    await until(lambda: stack.has(stack.review, incident, 0), "review has dropped them")
    await stack.replay(event_id, incident, *old)
    marker = clock.new_id()
    await stack.replay(marker, incident, base64.urlsafe_b64encode(_marker()).rstrip(b"=").decode())

    async def heard() -> bool:
        return bool(await stack.review.rows("SELECT FROM disclosure WHERE event_id = $1", marker))

    await until(heard, "review has read past the replayed message")
    assert await stack.texts(stack.review, incident) == []

    async def told_again() -> bool:
        return await stack.last_message(event_id) == b""

    await until(told_again, "the speaker has put a tombstone over it")


def _marker() -> bytes:
    return b'["AAAAAAAAAAAAAAAAAAAAAA","text","marker"]'


async def test_a_service_that_was_away_catches_up(stack: Stack) -> None:
    async with serving(stack.environment, TRIAGE, *ALL) as triage:
        incident, event_id = await stack.reported()
        await until(lambda: stack.has(triage, incident, 2), "triage has the texts")
    await stack.erases(incident, event_id=str(event_id))
    async with serving(stack.environment, TRIAGE, *ALL) as triage:
        await until(lambda: stack.has(triage, incident, 0), "triage has dropped them")
        assert SECRET not in await everything(triage)


async def test_a_rebuilt_database_has_what_stands_and_nothing_that_was_erased(
    stack: Stack,
) -> None:
    incident, event_id = await stack.reported()
    await stack.erases(incident, event_id=str(event_id), fields=["description"])

    async def relayed() -> bool:
        return (
            bool(
                await stack.intake.processes[ServiceName.INTAKE].pool.fetchval(
                    "SELECT count(*) FROM erased"
                )
            )
            and (await stack.last_message(event_id) or b"").count(b",") == 0
        )

    await until(relayed, "the topic holds the other text alone")
    async with process(stack.environment, TRIAGE) as rebuilt:
        settings = rebuilt.settings
        receiver = receiver_of(rebuilt, rebuilding=True)
        await rebuild_ledger(rebuilt.pool, receiver, settings.kafka(), settings.topic)
        contents = await rebuilt.pool.fetch(
            "SELECT content FROM disclosure WHERE event_id = $1", event_id
        )
        (url,) = [Disclosure("", row["content"]).named() for row in contents]
        assert url == ("url", URL)
        assert await rebuilt.pool.fetchval("SELECT count(*) FROM erased") == 1


def _erasing(digest: str, event_id: UUID) -> Any:
    data: EventData = ContentErased(
        erasure_id=UUID(int=1),
        ground=ErasureGround.OBJECTION,
        texts=(ErasedText(event_id=event_id, name="text", digest=digest),),
        requested_by="pia",
        confirmed_by="lou",
    )
    return event(data)


@pytest.mark.parametrize("first", ["taking in", "erasing"])
async def test_taking_in_and_erasing_wait_for_each_other(stack: Stack, first: str) -> None:
    """Whichever comes first, and however late the other commits, the text is gone."""
    content = base64.urlsafe_b64encode(_marker()).rstrip(b"=").decode()
    text, event_id = Disclosure(digest_of(content), content), clock.new_id()

    async def erase(connection: Any) -> None:
        async with connection.transaction():
            for write in forgetting(_erasing(text.digest, event_id)):
                await connection.execute(write.sql, *write.args)

    async def keep(connection: Any) -> None:
        async with connection.transaction():
            await take_in(connection, {event_id: [text]})

    earlier, later = (keep, erase) if first == "taking in" else (erase, keep)
    pool = stack.review.running.pool
    async with pool.acquire() as one, pool.acquire() as other:
        begun = one.transaction()
        await begun.start()
        await earlier(one)
        waiting = asyncio.create_task(later(other))

        async def blocked() -> bool:
            pid = other.get_server_pid()
            return bool(await pool.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid))

        await until(blocked, "the other waits")
        await begun.commit()
        await waiting
    assert await stack.review.rows("SELECT FROM disclosure WHERE event_id = $1", event_id) == []
    assert len(await stack.review.rows("SELECT FROM erased WHERE event_id = $1", event_id)) == 1


async def test_a_text_that_comes_after_its_erasure_is_not_taken_in(stack: Stack) -> None:
    """Its event is heard and erased while the text is still on its way."""
    content = base64.urlsafe_b64encode(_marker()).rstrip(b"=").decode()
    event_id = clock.new_id()
    async with stack.review.running.read() as connection, connection.transaction():
        for write in forgetting(_erasing(digest_of(content), event_id)):
            await connection.execute(write.sql, *write.args)
        assert await take_in(connection, {event_id: [Disclosure(digest_of(content), content)]}) == 0


async def test_a_hold_keeps_everything_until_the_other_side_releases_it(stack: Stack) -> None:
    incident, event_id = await stack.reported()
    placed = await stack.review.post(
        f"/incidents/{incident}/holds", {"reason": "A court."}, Role.LEGAL, "lou"
    )
    hold_id = placed.json()["events"][0]["data"]["hold_id"]
    erasure_id = await stack.asks(incident, event_id=str(event_id))
    path = f"/incidents/{incident}/erasures/{erasure_id}/confirmation"
    held = await stack.review.post(path, None, Role.LEGAL, "lou")
    assert (held.status_code, held.json()["rule"]) == (409, "legal_hold")
    assert held.json()["missing"] == [f"release_of_hold_{hold_id}"]
    released = await stack.review.post(
        f"/incidents/{incident}/holds/{hold_id}/release", {"reason": "Over."}, Role.PRIVACY, "pia"
    )
    assert released.status_code == 201, released.text
    assert (await stack.review.post(path, None, Role.LEGAL, "lou")).status_code == 201
    (shown,) = await stack.review.listed(f"/incidents/{incident}/holds", Role.AUDITOR)
    assert (shown["reason"], shown["release_reason"]) == ("A court.", "Over.")
    assert await stack.texts(stack.review, incident) == []


async def test_retention_warns_and_then_erases(stack: Stack) -> None:
    incident, _ = await stack.reported()

    async def closed() -> bool:
        rows = await stack.review.rows(
            """SELECT FROM review
               JOIN ledger ON subject_id = review.incident_id JOIN disclosure USING (event_id)
               WHERE incident_id = $1 AND closed_at IS NOT NULL AND service = 'triage'""",
            incident,
        )
        return bool(rows)

    async with others(stack.environment, ServiceName.TRIAGE) as triage:
        await triage.say(incident, DISMISSED)
        await until(closed, "review knows that it is closed, and why")
    now: list[datetime] = [clock.now()]
    worker = Retention(stack.review.running, lambda: now[0])

    async def said() -> list[str]:
        rows = await stack.review.rows(
            """SELECT type FROM ledger WHERE subject_id = $1 AND service = 'review'
               ORDER BY version""",
            incident,
        )
        return [row["type"] for row in rows]

    assert await worker.look() == 1
    assert await worker.look() == 0, "nothing is due, so it is not looked at"
    assert await said() == []
    told = []
    for days in (352, 6.5, 6, 2):
        now[0] += days * DAY
        await worker.look()
        told.append(len(await said()))
    assert told == [1, 2, 3, 4]
    assert await said() == [RetentionWarned.TYPE] * 3 + [ContentErased.TYPE]
    assert await stack.texts(stack.review, incident) == []
    (shown,) = await stack.review.listed(f"/incidents/{incident}/erasures", Role.AUDITOR)
    assert (shown["ground"], shown["decided_by"]) == ("retention_ended", None)
    left = await stack.review.rows(
        """SELECT content FROM disclosure JOIN ledger USING (event_id)
           WHERE subject_id = $1 AND service = 'triage'""",
        incident,
    )
    assert len(left) == 1, "the note of the dismissal is kept longer"


async def test_what_is_held_about_a_person_is_found_until_it_is_erased(stack: Stack) -> None:
    incident, _ = await stack.reported()
    erasure_id = await stack.asks(incident, mentions=["ROADMAP"])
    dsn = stack.environment.databases[ServiceName.REVIEW].service_dsn
    pia = stack.review.running.people.pseudonym_of("pia")

    async def held() -> set[tuple[str, str, str]]:
        about = About(pia, ["roadmap"])
        several = [one async for one in held_about(dsn, about, lambda _: None)]
        assert incidents_of(several) == [incident]
        return {
            (one.event.type, one.why.value, text.name)
            for one in several
            for text in one.texts
            if text.value is not None
        }

    asked = "incident.erasure_requested.v1", "said", "reason"
    reported = "incident.reported.v1", "mentioned", "description"
    assert await held() == {asked, reported}
    path = f"/incidents/{incident}/erasures/{erasure_id}/confirmation"
    assert (await stack.review.post(path, None, Role.LEGAL, "lou")).status_code == 201
    assert await held() == {asked}
    assert await in_directory(dsn, pia) == "pia"
    assert await stack.texts(stack.review, incident) == [URL]


async def test_who_reported_is_forgotten_with_the_report(environment: Environment) -> None:
    async with (
        serving(environment, INTAKE, *ALL) as intake,
        serving(environment, REVIEW, *ALL) as review,
    ):
        body = {
            "description": SECRET,
            "exposure": {"url": URL},
            "reporter": {"name": "Robin", "contact": "r@example.org"},
        }
        answer = await intake.post("/reports", body, Role.SOURCE)
        assert answer.status_code == 201, answer.text
        incident = UUID(answer.json()["incident_id"])
        stack = Stack(environment, review, Others({}))
        await until(lambda: stack.has(review, incident, 2), "review has the texts")
        (row,) = await review.rows("SELECT event_id FROM ledger WHERE subject_id = $1", incident)
        whole = {"event_id": str(row["event_id"])}
        private, known = intake.database.service_dsn, review.database.service_dsn
        (robin,) = await reporters(private, ["ROBIN"])
        assert (robin.name, robin.contact) == ("Robin", "r@example.org")
        assert await reporters(private, ["nobody"], [robin.reference]) == [robin]
        assert await reporters(private, ["nobody"]) == []
        about = About("p" + "a" * 26, reporters=frozenset([robin.reference]))
        held = [one async for one in held_about(known, about, lambda _: None)]
        assert [one.why for one in held] == [Why.REPORTER]
        assert sent_by(held) == [(incident, row["event_id"])]
        assert incidents_of(held) == []
        await stack.erases(incident, **whole, fields=["url"])
        await until(lambda: stack.has(intake, incident, 1), "intake has dropped the URL")
        assert await intake.count("reporter") == 1, "a text of the report is left"
        await stack.erases(incident, **whole)
        await until(lambda: stack.has(intake, incident, 0), "intake has dropped it all")
        assert await intake.count("reporter") == 0
        assert "Robin" not in await everything(intake)
        (one,) = [one async for one in held_about(known, about, lambda _: None)]
        assert (one.texts, {gone.name for gone in one.erased}) == ((), {"description", "url"})


async def test_a_person_is_erased_from_every_directory(stack: Stack) -> None:
    incident, event_id = await stack.reported()
    await stack.asks(incident, event_id=str(event_id))
    running = stack.review.running
    pia, lou, max_ = map(running.people.pseudonym_of, ("pia", "lou", "max"))
    intake = stack.intake.processes[ServiceName.INTAKE]

    async def known(pool: Any) -> bool:
        return bool(await pool.fetchval("SELECT count(*) FROM person WHERE pseudonym = $1", pia))

    await until(lambda: known(intake.pool), "intake has heard of the person")
    erasure = PersonErased(
        person=pia, ground=ErasureGround.OBJECTION, requested_by=max_, confirmed_by=lou
    )
    with pytest.raises(CannotErase):
        await erase_person(intake.pool, intake.ledger, erasure)
    done = await erase_person(running.pool, running.ledger, erasure)
    assert done == f"{pia}: erased from the directory"
    assert not await known(running.pool)

    async def gone() -> bool:
        return not await known(intake.pool)

    await until(gone, "intake has dropped the person")
    again = await erase_person(running.pool, running.ledger, erasure)
    assert again == f"{pia}: erased already"
