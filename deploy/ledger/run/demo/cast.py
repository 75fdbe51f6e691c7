"""The people of the demo, each with a token of their own, and how they talk to the services: by
HTTP, as anybody would."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx

from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName

HEARD_WITHIN: Final = 30.0
"""Seconds that a service has to hear what another said."""


class Unexpected(RuntimeError):
    """The stack did not answer as the story says; the message is what it answered."""


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    role: Role


MONITOR: Final = Person("monitor", Role.SOURCE)
RASHID: Final = Person("rashid", Role.RESPONDER)
LEA: Final = Person("lea", Role.LEAD)
LUCIA: Final = Person("lucia", Role.LEAD)
NORA: Final = Person("nora", Role.LEGAL)
COLIN: Final = Person("colin", Role.COMMUNICATIONS)
CARLA: Final = Person("carla", Role.COMMUNICATIONS)
IVAN: Final = Person("ivan", Role.IT)
RUTH: Final = Person("ruth", Role.REVIEWER)

PEOPLE: Final = (MONITOR, RASHID, LEA, LUCIA, NORA, COLIN, CARLA, IVAN, RUTH)


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
