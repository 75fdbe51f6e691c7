"""What a route is handed: the caller, the clock, the ledger and the views, with the request's
preconditions applied.

A route turns a request into a command and hands it to its `Desk`; no rule and no SQL here or there.
"""

import contextlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Header, Request, Response
from pydantic import WithJsonSchema

from shared.contract.authority import who_may
from shared.contract.decision import Actor, Context, Missing
from shared.contract.envelope import Event
from shared.runtime.process import clock
from shared.runtime.process.database import Connection
from shared.runtime.running import Running
from shared.runtime.say.conflicts import Malformed, Stale
from shared.runtime.say.memory import Loaded
from shared.runtime.say.people import keeping, names
from shared.runtime.say.plan import Idempotency, Write
from shared.runtime.web.auth import allow, allow_any, public
from shared.runtime.web.paging import Cursor, Limit, Order, Page, View
from shared.runtime.web.persons import named
from shared.runtime.web.persons.shown import P, pseudonyms_in
from shared.runtime.web.receipts import Accepted, Receipt

__all__ = [
    "Accepted",
    "Cursor",
    "Desk",
    "Limit",
    "Order",
    "Page",
    "Receipt",
    "allow",
    "allow_any",
    "desk",
    "found",
    "public",
]

C = TypeVar("C")
S = TypeVar("S")
T = TypeVar("T")
W = TypeVar("W")

_ETAG: Final = re.compile(r'(W/)?"(\d{1,18})"')
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class WeakETag(Stale):
    """RFC 9110 §13.1.1: `If-Match` compares strongly, so that a weak ETag (some proxies make ours
    weak) matches nothing."""

    def __init__(self, version: int) -> None:
        super().__init__(version, version)
        self.args = (f'a weak ETag guards no change: send If-Match: "{version}", without W/',)


class Desk(Generic[C, S]):
    """What a route is handed: the caller, the clock, the ledger and the views, with the request's
    preconditions applied."""

    def __init__(
        self, request: Request, response: Response, expected_version: int | None, key: str | None
    ) -> None:
        self._request = request
        self._response = response
        self._expected_version = expected_version
        self._key = key
        self.running: Running[C, S, Any] = request.app.state.running

    @property
    def actor(self) -> Actor:
        actor: Actor = self._request.state.actor
        return actor

    def now(self) -> datetime:
        return clock.now()

    def new_id(self) -> UUID:
        return clock.new_id()

    def context(self) -> Context:
        return Context(clock.now(), self.actor)

    def read(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        """A connection for the queries of views."""
        return self.running.read()

    async def page(
        self, view: View[W, T], wanted: W, order: Order[T], limit: int, cursor: str | None
    ) -> Page[T]:
        """A page of a view's items that fit a filter. Raises Malformed on a foreign cursor."""
        after = order.after(cursor)
        async with self.read() as connection:
            page = order.page(await view(connection, wanted, limit + 1, after), limit)
        return await self.with_people(page)

    async def with_people(self, view: P) -> P:
        """The same view with the names of the persons in it, for a caller who may read them."""
        shown = pseudonyms_in(view) if self.actor.has(*who_may("read_people")) else None
        if not shown:
            return view
        async with self.read() as connection:
            return view.model_copy(update={"people": await names(connection, shown)})

    async def load(self, incident_id: UUID) -> Loaded[S]:
        """What the service knows of the incident. Raises Missing when that is nothing. Sets the
        ETag."""
        loaded = await self.running.ledger.load(incident_id)
        if loaded.version == 0:
            raise Missing(f"incident {incident_id}")
        self.set_version(loaded.version)
        return loaded

    async def history(self, incident_id: UUID) -> list[Event]:
        """All that the service knows of the incident, in the order in which it came to know it.
        Raises Missing when that is nothing."""
        known = await self.running.ledger.history(incident_id)
        if not known:
            raise Missing(f"incident {incident_id}")
        return [recorded.event for recorded in known]

    async def carry_out(
        self, incident_id: UUID, command: C, *, must_exist: bool = True, extra: Sequence[Write] = ()
    ) -> Accepted:
        """Decides, appends and answers after commit, under the request's `If-Match` and
        `Idempotency-Key`."""
        persons = self.running.people.new((self._request.state.person, *named.persons()))
        carried = await self.running.ledger.carry_out(
            incident_id,
            command,
            self.context(),
            expected_version=self._expected_version,
            idempotency=await self.idempotency(),
            must_exist=must_exist,
            extra=(*extra, *keeping(persons)),
        )
        if carried.signed:
            self.running.people.remember(persons)
        self.set_version(carried.version)
        return Accepted.of(carried)

    def set_version(self, version: int) -> None:
        self._response.headers["ETag"] = f'"{version}"'

    async def idempotency(self) -> Idempotency | None:
        """The request's key, which is the caller's own, and what is asked for under it: both as
        the database may hold them."""
        if self._key is None:
            return None
        url = self._request.url
        request = (
            f"{self._request.method} {url.path}?{url.query}\n".encode() + await self._request.body()
        )
        return self.running.people.key(self.actor.subject, self._key, request)


def found(view: T | None, what: str) -> T:
    """What a view found. Raises Missing, which names `what` was asked for, when that is nothing."""
    if view is None:
        raise Missing(what)
    return view


async def desk(
    request: Request,
    response: Response,
    if_match: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "pattern": r'^(?:\*|(?:W/)?"[0-9]{1,18}")$'}),
        Header(
            alias="If-Match",
            description='The version that the command was decided on, as the ETag gave it: `"7"`.',
            examples=['"7"'],
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"}),
        Header(
            alias="Idempotency-Key",
            description="1 to 255 visible ASCII characters, unique to the request: a retry with it "
            "does nothing twice.",
            examples=["2f1c9d5e-report-17"],
        ),
    ] = None,
) -> Desk[Any, Any]:
    return Desk(request, response, _version(if_match), _idempotency_key(idempotency_key))


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    found = _ETAG.fullmatch(if_match)
    if found is None:
        raise Malformed('If-Match: send one ETag as it was given, for example "7", or *')
    if found[1]:
        raise WeakETag(int(found[2]))
    return int(found[2])


def _idempotency_key(key: str | None) -> str | None:
    if key is not None and not _KEY.fullmatch(key):
        raise Malformed("Idempotency-Key: 1 to 255 visible ASCII characters")
    return key
