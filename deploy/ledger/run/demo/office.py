"""How the people of the demo talk to the services: by HTTP, as anybody would."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx

from deploy.ledger.run.demo.cast import PEOPLE, RUTH, Person
from deploy.local.errors import StackError
from deploy.local.state import Stack
from deploy.local.tokens import issue
from shared.contract.vocabulary import ServiceName

HEARD_WITHIN: Final = 30.0
"""Seconds that a service has to hear what another said."""


class Unexpected(StackError):
    """The stack did not answer as the story says; the message is what it answered."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that the story is about."""

    rule: str
    detail: str
    missing: tuple[str, ...]


@dataclass(slots=True)
class Office:
    """The four services as seen from a desk."""

    urls: dict[ServiceName, str]
    tokens: dict[str, str]
    http: httpx.AsyncClient
    last: dict[UUID, UUID] = field(default_factory=dict)
    """The last event of each incident that this office caused: who acts next must have heard it."""

    async def report(self, by: Person, body: dict[str, Any]) -> UUID:
        """Reports to intake; the incident that it opened."""
        answer = await self._send("POST", ServiceName.INTAKE, "/reports", by, body)
        receipt = _expect(answer, 201)
        incident = UUID(receipt["incident_id"])
        self.last[incident] = UUID(_event_of(receipt)["event_id"])
        return incident

    async def give(
        self,
        by: Person,
        service: ServiceName,
        incident: UUID,
        path: str,
        body: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Gives a command once the service has heard what came before; the data of the first event
        that it made."""
        answer = await self._command(by, service, incident, path, body)
        events: list[dict[str, Any]] = _expect(answer, 200, 201)["events"]
        if not events:
            raise Unexpected(f"{path}: nothing new was said")
        self.last[incident] = UUID(events[-1]["event_id"])
        data: dict[str, Any] = events[0]["data"]
        return data

    async def refused(
        self,
        by: Person,
        service: ServiceName,
        incident: UUID,
        path: str,
        body: dict[str, Any] | None = None,
    ) -> Refused:
        """Gives a command that a rule is expected to refuse."""
        problem = _expect(await self._command(by, service, incident, path, body), 409)
        return Refused(problem["rule"], problem["detail"], tuple(problem.get("missing") or ()))

    async def view(self, by: Person, service: ServiceName, incident: UUID) -> dict[str, Any]:
        """What the service shows of it once it has heard what came before."""
        await self._caught_up(service, incident)
        return _expect(await self._send("GET", service, f"/incidents/{incident}", by), 200)

    async def events(
        self, by: Person, service: ServiceName, incident: UUID
    ) -> list[dict[str, Any]]:
        """All that a service knows of an incident."""
        path: str | None = f"/incidents/{incident}/events?limit=200"
        found: list[dict[str, Any]] = []
        while path is not None:
            page = _expect(await self._send("GET", service, path, by), 200)
            found += page["items"]
            path = (
                f"/incidents/{incident}/events?limit=200&cursor={page['next']}"
                if page["next"]
                else None
            )
        return found

    async def text(self, by: Person, service: ServiceName, path: str) -> str:
        answer = await self._send("GET", service, path, by)
        if answer.status_code != 200:
            raise Unexpected(f"GET {path}: {answer.status_code} {answer.text[:500]}")
        return answer.text

    async def until(
        self, by: Person, service: ServiceName, incident: UUID, event_type: str, count: int = 1
    ) -> None:
        """Waits until the service knows this many events of this type; who acts next must have
        heard the last of them, too."""

        def there(events: list[dict[str, Any]]) -> bool:
            ids = [event["event_id"] for event in events]
            found = [event["event_id"] for event in events if event["type"] == event_type]
            if len(found) < count:
                return False
            last = str(self.last[incident])
            if last in ids and ids.index(found[-1]) > ids.index(last):
                self.last[incident] = UUID(found[-1])
            return True

        await self._until(there, by, service, incident, event_type)

    async def whole_story(self, incident: UUID) -> list[dict[str, Any]]:
        """All events of an incident, once review has heard the last that was caused."""
        last = str(self.last[incident])
        end = time.monotonic() + HEARD_WITHIN
        while time.monotonic() < end:
            events = await self.events(RUTH, ServiceName.REVIEW, incident)
            if any(event["event_id"] == last for event in events):
                return events
            await asyncio.sleep(0.05)
        raise Unexpected(
            f"review has not heard all of {incident} after {HEARD_WITHIN:.0f} s; see its log"
        )

    async def settled(self) -> None:
        """Waits until everything that was said was heard: then the verification sees one history
        everywhere."""
        end = time.monotonic() + HEARD_WITHIN
        while time.monotonic() < end:
            answers = [(await self.http.get(f"{url}/readyz")).json() for url in self.urls.values()]
            if all(set(answer["lag"].values()) == {0} for answer in answers):
                return
            await asyncio.sleep(0.1)
        raise Unexpected(
            f"the services have not heard everything after {HEARD_WITHIN:.0f} s; see their logs"
        )

    async def _command(
        self,
        by: Person,
        service: ServiceName,
        incident: UUID,
        path: str,
        body: dict[str, Any] | None,
    ) -> httpx.Response:
        await self._caught_up(service, incident)
        return await self._send("POST", service, f"/incidents/{incident}{path}", by, body or {})

    async def _caught_up(self, service: ServiceName, incident: UUID) -> None:
        last = str(self.last[incident])
        await self._until(
            lambda events: any(event["event_id"] == last for event in events),
            RUTH,
            service,
            incident,
            last,
        )

    async def _until(
        self, true: Any, by: Person, service: ServiceName, incident: UUID, what: str
    ) -> None:
        end = time.monotonic() + HEARD_WITHIN
        while True:
            answer = await self._send("GET", service, f"/incidents/{incident}/events?limit=200", by)
            if answer.status_code == 200 and true(answer.json()["items"]):
                return
            if time.monotonic() > end:
                raise Unexpected(
                    f"{service} has not heard {what} of {incident} within {HEARD_WITHIN:.0f} s"
                )
            await asyncio.sleep(0.05)

    async def _send(
        self,
        method: str,
        service: ServiceName,
        path: str,
        by: Person,
        body: dict[str, Any] | None = None,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[by.name]}"}
        return await self.http.request(
            method, self.urls[service] + path, headers=headers, json=body
        )


@asynccontextmanager
async def office_of(running: Stack) -> AsyncIterator[Office]:
    """An office of a running stack, with a token for each person."""
    urls = {service: running.services[service.value].url for service in ServiceName}
    tokens = {person.name: issue(running.keys, person.name, [person.role]) for person in PEOPLE}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        yield Office(urls, tokens, client)


def _expect(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    if answer.status_code not in statuses:
        request = answer.request
        raise Unexpected(
            f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:800]}"
        )
    value: dict[str, Any] = answer.json()
    return value


def _event_of(receipt: dict[str, Any]) -> dict[str, Any]:
    """A receipt of intake is one event, or carries a list of one."""
    events = receipt.get("events")
    return events[0] if events else receipt
