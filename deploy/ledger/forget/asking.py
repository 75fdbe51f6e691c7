"""Review's routes of forgetting, asked with the tokens of two persons."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx

from deploy.ledger.check.web import PATIENCE, Web
from deploy.local import state
from deploy.local.errors import StackError
from deploy.local.tokens import issue
from shared.contract.authority import Role, who_may
from shared.contract.vocabulary import ServiceName

URL: Final = "LEDGER_REVIEW_URL"
TOKEN: Final = "LEDGER_TOKEN"
CONFIRMING: Final = "LEDGER_CONFIRMING_TOKEN"


class Refused(Exception):
    """Review says no; `rule` names why, where a rule does."""

    def __init__(self, detail: str, rule: str | None) -> None:
        super().__init__(detail)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Review:
    """`asking` is the token of the person who asks, for privacy; `confirming` that of another, for
    legal."""

    url: str
    asking: str = field(repr=False)
    confirming: str = field(repr=False)

    def erase(self, incident: UUID, body: dict[str, Any]) -> int:
        """Asks, and confirms. How many texts were erased. Raises Refused, StackError."""
        path = f"incidents/{incident}/erasures"
        erased = 0
        for asked in self._post(path, body, self.asking):
            confirmation = f"{path}/{asked['data']['erasure_id']}/confirmation"
            for said in self._post(confirmation, None, self.confirming):
                erased += len(said["data"]["texts"])
        return erased

    def _post(self, path: str, body: dict[str, Any] | None, token: str) -> list[dict[str, Any]]:
        address = Web(self.url, token).url.rstrip("/")  # which refuses to send a token in the clear
        try:
            answer = httpx.post(
                f"{address}/{path}",
                json=body,
                headers={"Authorization": f"Bearer {token}"},
                timeout=PATIENCE,
                trust_env=False,
            )
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise StackError(
                f"review does not answer: {type(error).__name__}; see: ledger status"
            ) from error
        if answer.status_code != 201:
            raise Refused(
                said.get("detail") or f"review answers {answer.status_code}", said.get("rule")
            )
        events: list[dict[str, Any]] = said["events"]
        return events


def review_of(data: Path | None, by: str, confirmed_by: str) -> Review:
    """Of the local stack, with tokens made for the two; or the one that the environment names, with
    the tokens that stand there. Raises StackError; KeyError naming a variable that is not set."""
    if data is None and URL in os.environ:
        return Review(os.environ[URL], os.environ[TOKEN], os.environ[CONFIRMING])
    stack = state.load(data or state.DEFAULT_DATA)
    return Review(
        stack.services[ServiceName.REVIEW.value].url,
        issue(stack.keys, by, _for("forget_as_privacy")),
        issue(stack.keys, confirmed_by, _for("forget_as_legal")),
    )


def _for(capacity: str) -> list[Role]:
    return list(who_may(capacity))
