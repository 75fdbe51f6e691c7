"""The services of a local stack over HTTP, asked as an auditor."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from deploy.ledger.check.web import Answer, Web
from deploy.local import state
from deploy.local.errors import StackError
from deploy.local.tokens import for_auditing
from shared.audit.files import MAX_TEXT, Unreachable, read_regular
from shared.contract.disclosure import Disclosure, by_digest, read_disclosure
from shared.contract.vocabulary import ServiceName

MOST: Final = 64 * 1024 * 1024
"""Bytes of an answer."""


class Services:
    """`name` is whom the services take for the caller. Raises StackError when no stack runs."""

    def __init__(self, data: Path | None, name: str) -> None:
        stack = state.load(data or state.DEFAULT_DATA)
        token = for_auditing(stack.data, name)
        self._webs = {
            service: Web(stack.services[service.value].url, token) for service in ServiceName
        }

    def get(self, service: ServiceName, path: str, most: int = MOST) -> Answer:
        """The answer, whatever its status. Raises StackError."""
        try:
            answer = self._webs[service].get(path, most)
        except Unreachable as error:
            raise StackError(f"{service}: {error}; see: ledger status") from error
        if len(answer.body) > most:
            raise StackError(f"{service} answers GET /{path} with more than {most:,} bytes")
        return answer

    def get_json(self, service: ServiceName, path: str) -> dict[str, Any] | None:
        """None where there is nothing. Raises StackError."""
        answer = self.get(service, path)
        if answer.status == 404:
            return None
        if not 200 <= answer.status < 300:
            raise StackError(f"{service} answers {answer.status} to GET /{path}")
        value: dict[str, Any] = json.loads(answer.body)
        return value

    def pages(self, service: ServiceName, path: str) -> Iterator[dict[str, Any]]:
        """The items of a list, from all its pages."""
        cursor: dict[str, str] = {}
        while page := self.get_json(service, f"{path}?{urlencode({'limit': '200', **cursor})}"):
            yield from page["items"]
            if not page["next"]:
                return
            cursor = {"cursor": page["next"]}

    def head(self, service: ServiceName, incident: UUID) -> bytes:
        """The service's signed word on the incident. Raises StackError."""
        answer = self.get(service, f"incidents/{incident}/head", MAX_TEXT)
        if not 200 <= answer.status < 300:
            why = answer.body[:200].decode("utf-8", "replace")
            raise StackError(f"{service} gives no word on the incident: {answer.status} {why}")
        return answer.body


def heads_from_stack(data: Path | None, incident: UUID) -> dict[ServiceName, bytes]:
    """Each service's signed word on the incident. Raises StackError."""
    services = Services(data, "ledger-dossier")
    return {service: services.head(service, incident) for service in ServiceName}


def heads_in(folder: Path) -> dict[ServiceName, bytes]:
    """The same from files, each named after its service. Raises OSError."""
    return {service: read_regular(folder / service.value, MAX_TEXT) for service in ServiceName}


def texts_from_stack(
    data: Path | None, incidents: Iterable[UUID]
) -> dict[UUID, tuple[Disclosure, ...]]:
    """What each service has at hand of these incidents, by event: one that has not heard a text yet
    does not hide it. Raises StackError."""
    services = Services(data, "ledger-texts")
    found: dict[UUID, dict[str, Disclosure]] = {}
    for incident in incidents:
        for service in ServiceName:
            for item in services.pages(service, f"incidents/{incident}/disclosures"):
                told = by_digest(map(read_disclosure, item["disclosures"]))
                found.setdefault(UUID(item["event_id"]), {}).update(told)
    return {event: tuple(told.values()) for event, told in found.items()}
