"""Many clients at once: sources that report, staff that work on what was reported; each tries again
with the same key, or gives up.

Every command that a client gives carries a mark of its own in one of its texts, so that it is found
again wherever its event is held (opening a review and confirming an erasure have no text; they are
known by the incident and by the erasure)."""

import asyncio
import itertools
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

import httpx

from deploy.ledger.run.demo.cast import COLIN, LEA, MONITOR, NORA, RASHID, RUTH, Person
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName
from tests.chaos.record import Record
from tests.simulation.checking import Answer, Outcome

INTAKE, TRIAGE, NOTIFY, REVIEW = ServiceName
CHANNEL: Final = "webhook"
ANSWER_WITHIN: Final = 4.0
"""Seconds that a client waits for an answer before it asks again."""
PATIENCE: Final = 60.0
"""Seconds after which a client that was not answered gives up, and never learns what became of its
command."""
IMPATIENT: Final = 0.1
"""The share of commands whose client gives up at once when it gets no answer."""
NOWHERE: Final = "01960000-0000-7000-8000-000000000001"
"""An incident that nobody reports."""
LINES: Final = 20
BATCH: Final = "application/x-ndjson"
CLOUD_EVENT: Final = "application/cloudevents+json"

ERASED: Final = 0.7
"""The share of reports whose words somebody asks to be erased, once all is done."""
CONFIRMED: Final = 0.8
PETRA: Final = Person("petra", Role.PRIVACY)

NOT_YET: Final = frozenset(
    {"fact_not_heard", "review_opened", "opens_on_assessment", "nothing_to_erase"}
)
"""Rules that refuse because the service has not heard what another has said: ask again."""


class Told(Enum):
    """What one try tells its client."""

    DONE = auto()
    REFUSED = auto()
    NOT_YET = auto()
    NOTHING = auto()
    """No answer, or one that leaves open whether it was done."""


@dataclass(frozen=True, slots=True)
class Command:
    mark: str
    service: ServiceName
    path: str
    by: Person
    body: Mapping[str, Any] | None
    content_type: str = "application/json"
    decided_on: int | None = None


@dataclass(slots=True)
class Clients:
    urls: Mapping[ServiceName, str]
    tokens: Mapping[str, str]
    record: Record
    random: random.Random
    pace: float
    """Commands a second, of all clients together, as long as they are answered."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when all that was said is heard: who is told to ask later then asks once more, and takes
    that for the answer."""
    _marks: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _incidents: deque[str] = field(default_factory=lambda: deque(maxlen=50))

    async def run(self, sources: int, staff: int) -> None:
        """Until `stopping` is set; then every client still learns the outcome of what it has asked
        for."""
        limits = httpx.Limits(max_connections=4 * (sources + staff))
        async with (
            httpx.AsyncClient(timeout=ANSWER_WITHIN, limits=limits, trust_env=False) as http,
            asyncio.TaskGroup() as group,
        ):
            wait = (sources + staff) / self.pace
            for work, count in ((self._source, sources), (self._staff, staff)):
                for _ in range(count):
                    group.create_task(work(_Client(self, http), wait))

    def mark(self) -> str:
        return f"chaos-{next(self._marks):07}"

    async def pause(self, wait: float) -> bool:
        """Waits as long as clients do between two commands; False when there is to be no other."""
        try:
            async with asyncio.timeout(self.random.expovariate(1 / wait)):
                await self.stopping.wait()
        except TimeoutError:
            return True
        return False

    async def _source(self, client: "_Client", wait: float) -> None:
        ways = (
            client.report,
            client.report_batch,
            client.report_cloud_event,
            client.report_wrongly,
            client.add,
        )
        while await self.pause(wait):
            (way,) = self.random.choices(ways, (60, 5, 15, 10, 10))
            await way()

    async def _staff(self, client: "_Client", wait: float) -> None:
        while await self.pause(wait):
            await client.handle_a_case(wait)

    def seen(self, incident: str) -> None:
        self._incidents.append(incident)

    def some_incident(self) -> str | None:
        return self.random.choice(self._incidents) if self._incidents else None


@dataclass(slots=True)
class _Client:
    clients: Clients
    http: httpx.AsyncClient

    async def report(self) -> str | None:
        """The incident that it opened, when that became known."""
        return await self.report_as(self.clients.mark())

    async def report_as(self, mark: str) -> str | None:
        body = {
            "description": mark,
            "exposure": {"platform": "Mastodon"},
            "anonymous": self.clients.random.random() < 0.2,
        }
        told, incident = await self.give(Command(mark, INTAKE, "/reports", MONITOR, body))
        if told and incident:
            self.clients.seen(incident)
        return incident

    async def add(self) -> None:
        """To an incident to which others add too."""
        if (incident := self.clients.some_incident()) is not None:
            mark = self.clients.mark()
            await self.give(
                Command(
                    mark,
                    INTAKE,
                    "/reports",
                    MONITOR,
                    {"incident_id": incident, "description": mark},
                )
            )

    async def report_cloud_event(self) -> None:
        mark = self.clients.mark()
        event = {
            "specversion": "1.0",
            "id": mark,
            "source": "//chaos",
            "type": "finding",
            "data": {"description": mark},
        }
        await self.give(Command(mark, INTAKE, "/events", MONITOR, event, CLOUD_EVENT))

    async def report_wrongly(self) -> None:
        """What must be refused, and be found nowhere."""
        mark = self.clients.mark()
        wrong: Sequence[Mapping[str, Any]] = (
            {"description": mark, "platfrom": "Mastodon"},
            {"description": mark, "incident_id": NOWHERE},
            {"description": mark, "noticed_at": "2199-01-01T00:00:00Z"},
        )
        await self.give(
            Command(mark, INTAKE, "/reports", MONITOR, self.clients.random.choice(wrong))
        )

    async def handle_a_case(self, wait: float) -> None:
        """One incident from desk to desk; a desk that has not heard of it yet is asked again."""
        reported = self.clients.mark()
        if (incident := await self.report_as(reported)) is None:
            return
        desk = f"/incidents/{incident}"
        mark = self.clients.mark()
        fact = {
            "key": "where",
            "value": mark,
            "confidence": "high",
            "source": "the post",
            "observed_at": "2026-03-01T08:00:00Z",
        }
        _, fact_id = await self.give(Command(mark, TRIAGE, f"{desk}/facts", RASHID, fact))
        for service, path, by, body in _steps(fact_id):
            if not await self.clients.pause(wait):
                return
            mark = f"review-of-{incident}" if path == "/review" else self.clients.mark()
            version = (
                await self._version(service, incident)
                if self.clients.random.random() < 0.2
                else None
            )
            text = json.loads(json.dumps(body).replace("MARK", mark))
            await self.give(Command(mark, service, desk + path, by, text, decided_on=version))
        if self.clients.random.random() < ERASED:
            await self.have_erased(desk, reported)

    async def have_erased(self, desk: str, mentioned: str) -> None:
        """One person asks, another confirms; or nobody does, and the text stays."""
        mark = self.clients.mark()
        body = {"mentions": [mentioned], "ground": "objection", "reason": mark}
        _, erasure = await self.give(Command(mark, REVIEW, f"{desk}/erasures", PETRA, body))
        if erasure and self.clients.random.random() < CONFIRMED:
            path = f"{desk}/erasures/{erasure}/confirmation"
            await self.give(Command(f"erasure-{erasure}", REVIEW, path, NORA, None))

    async def _version(self, service: ServiceName, incident: str) -> int | None:
        try:
            answer = await self.http.get(
                f"{self.clients.urls[service]}/incidents/{incident}", headers=self._headers(RUTH)
            )
        except httpx.HTTPError:
            return None
        return int(answer.headers["ETag"].strip('"')) if answer.status_code == 200 else None

    async def give(self, command: Command) -> tuple[bool, str | None]:
        """Gives a command until its outcome is known or patience ends: whether it was done, and the
        id that it made."""
        record, left_open = self.clients.record, False
        async for attempt in self._attempts():
            told, answer = await self._try(command, attempt)
            if told is Told.DONE:
                hashes = tuple(
                    bytes.fromhex(event["hash"]) for event in answer.get("events", [answer])
                )
                record.ended(Answer(command.mark, Outcome.ACCEPTED, 1, hashes, command.decided_on))
                return True, _made(answer)
            if told is Told.REFUSED:
                record.ended(
                    Answer(command.mark, Outcome.UNKNOWN if left_open else Outcome.REFUSED)
                )
                return False, None
            left_open |= told is Told.NOTHING
            if told is Told.NOTHING and self.clients.random.random() < IMPATIENT:
                break
        record.ended(Answer(command.mark, Outcome.UNKNOWN if left_open else Outcome.REFUSED))
        return False, None

    async def _attempts(self) -> AsyncIterator[int]:
        loop = asyncio.get_running_loop()
        end, wait = loop.time() + PATIENCE, 0.05
        for attempt in itertools.count(1):
            last = loop.time() > end or self.clients.settled.is_set()
            yield attempt
            if last:
                return
            await asyncio.sleep(wait * (0.5 + self.clients.random.random()))
            wait = min(wait * 2, 1.0)

    async def _try(self, command: Command, attempt: int) -> tuple[Told, dict[str, Any]]:
        headers = self._headers(command.by) | {
            "Content-Type": command.content_type,
            "Idempotency-Key": command.mark,
        }
        if command.decided_on is not None:
            headers["If-Match"] = f'"{command.decided_on}"'
        url = self.clients.urls[command.service] + command.path
        try:
            content = "" if command.body is None else json.dumps(command.body)
            answer = await self.http.post(url, content=content, headers=headers)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            self.clients.record.tried(command.mark, attempt, type(error).__name__)
            return Told.NOTHING, {}
        told = _told(answer.status_code, body)
        self.clients.record.tried(
            command.mark,
            attempt,
            answer.status_code,
            "" if told is Told.DONE else answer.text[:500],
        )
        return told, body

    async def report_batch(self) -> None:
        """Each line is a command of its own; what a cut-off answer does not tell is sent again."""
        left = {self.clients.mark(): False for _ in range(LINES)}
        async for attempt in self._attempts():
            async for mark, status, answer in self._try_batch(tuple(left), attempt):
                told = _told(status, answer.get("problem", {}))
                if told is Told.DONE:
                    events = (bytes.fromhex(answer["receipt"]["hash"]),)
                    self.clients.record.ended(Answer(mark, Outcome.ACCEPTED, 1, events))
                    del left[mark]
                else:
                    left[mark] = True
            left = dict.fromkeys(left, True)
            if not left or self.clients.random.random() < IMPATIENT:
                break
        for mark, left_open in left.items():
            self.clients.record.ended(
                Answer(mark, Outcome.UNKNOWN if left_open else Outcome.REFUSED)
            )

    async def _try_batch(
        self, marks: Sequence[str], attempt: int
    ) -> AsyncIterator[tuple[str, int, dict[str, Any]]]:
        lines = "\n".join(
            json.dumps({"description": mark, "idempotency_key": mark}) for mark in marks
        )
        url = f"{self.clients.urls[INTAKE]}/reports/batch"
        headers = self._headers(MONITOR) | {"Content-Type": BATCH}
        try:
            async with self.http.stream("POST", url, content=lines, headers=headers) as response:
                if response.status_code != 200:
                    self.clients.record.tried(
                        marks[0],
                        attempt,
                        response.status_code,
                        (await response.aread()).decode()[:500],
                    )
                    return
                async for line in response.aiter_lines():
                    answer = json.loads(line)
                    mark = marks[answer["line"] - 1]
                    self.clients.record.tried(
                        mark, attempt, answer["status"], json.dumps(answer.get("problem", ""))
                    )
                    yield mark, answer["status"], answer
        except (httpx.HTTPError, ValueError) as error:
            self.clients.record.tried(marks[0], attempt, type(error).__name__)

    def _headers(self, by: Person) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.clients.tokens[by.name]}"}


def _steps(fact_id: str | None) -> list[tuple[ServiceName, str, Person, dict[str, Any]]]:
    """What staff do with an incident after its first fact: on every desk, with a lesson too early
    among it, which is refused."""
    assessment = {
        "determination": "near_miss",
        "information_types": ["proprietary"],
        "exposure": {"platform": "MARK"},
    }
    draft = {
        "audience": "executives",
        "channel": CHANNEL,
        "title": "MARK",
        "text": "We look into it.",
        "facts": [fact_id],
    }
    steps: list[tuple[ServiceName, str, Person, dict[str, Any]]] = [
        (TRIAGE, "/actions", RASHID, {"kind": "preserve_evidence", "target": "MARK"}),
        (TRIAGE, "/facts", RASHID, {"key": "where", "value": "MARK", "confidence": "certain"}),
        (TRIAGE, "/assessments", LEA, assessment),
        (REVIEW, "/review", RUTH, {}),
        (REVIEW, "/lessons", RUTH, {"text": "MARK"}),
        (REVIEW, "/observations", RUTH, {"kind": "went_well", "text": "MARK"}),
    ]
    return [*steps, (NOTIFY, "/communications", COLIN, draft)] if fact_id else steps


def _told(status: int, body: Any) -> Told:
    problem = body if isinstance(body, dict) else {}
    kind = str(problem.get("type", "")).rpartition("/")[2]
    match status:
        case 200 | 201:
            return Told.DONE
        case 404 if problem.get("detail", "").startswith(f"incident {NOWHERE}"):
            return Told.REFUSED
        case 404:
            return Told.NOT_YET
        case 409 if (
            kind == "conflict" or problem.get("rule") in NOT_YET or problem.get("rule") is None
        ):
            return Told.NOT_YET
        case 409 | 400 | 401 | 403 | 412 | 413 | 415 | 422:
            return Told.REFUSED
    return Told.NOTHING


def _made(answer: Mapping[str, Any]) -> str | None:
    """The id that the next command needs: of the incident that a report opened, of the fact that
    was recorded, of the erasure that was asked for."""
    events = answer.get("events")
    if events is None:
        return str(answer["incident_id"])
    data = events[0]["data"] if events else {}
    made: str | None = data.get("fact_id") or data.get("erasure_id")
    return made
