"""Takes reports, one or many at a time, whoever calls and however they come: report in, receipt or
refusal out.

Personal data goes into intake's own table, in the transaction of the event; an anonymous report
leaves nothing of its sender, neither the name of the caller nor a key that leads to it."""

import asyncio
import contextlib
import hashlib
import json
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Coroutine, Hashable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from services.intake import views
from services.intake.bodies import BatchLine, ReportBody, ReportReceipt
from services.intake.cloudevents import CloudEvent, NotACloudEvent
from services.intake.domain import Command, State
from services.intake.domain.commands import Report
from services.intake.domain.tables import ANONYMOUS
from shared.contract.catalogue.base import Exposure
from shared.contract.catalogue.intake import ForeignEvent, ReportChannel
from shared.contract.decision import Actor, Context, Rejected
from shared.runtime.process import telemetry
from shared.runtime.process.persistence import PASSING
from shared.runtime.running import Running
from shared.runtime.say.conflicts import IdempotencyMismatch, Malformed
from shared.runtime.say.plan import Idempotency, Write
from shared.runtime.web import problems

T = TypeVar("T")

AT_ONCE: Final = 1000
"""Reports of one batch under way at a time: what one turn of the ledger commits together."""

Turns: TypeAlias = defaultdict[Hashable, asyncio.Lock]
"""By key, within one request: of two reports with one key the first is the one that counts."""

_BODY: Final[TypeAdapter[ReportBody]] = TypeAdapter(ReportBody)
_LINE: Final[TypeAdapter[BatchLine]] = TypeAdapter(BatchLine)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a report the same report when it comes again: whose key it is, and the key."""

    owner: str
    name: str

    def on(self, asked: bytes) -> Idempotency:
        """Hashed, because it is kept: who sent an anonymous report must not be read off its key."""
        digest = hashlib.sha256(json.dumps([self.owner, self.name]).encode()).hexdigest()
        return Idempotency(f"report {digest}", hashlib.sha256(asked).digest())


@dataclass(frozen=True, slots=True)
class Reception:
    """Takes the reports of one request."""

    running: Running[Command, State]
    actor: Actor

    async def take(
        self,
        body: ReportBody,
        channel: ReportChannel,
        *,
        foreign: ForeignEvent | None = None,
        key: Key | None = None,
        expected_version: int | None = None,
    ) -> ReportReceipt:
        """The receipt, after commit. Raises what the ledger raises."""
        now, incident_id = self.running.now(), body.incident_id or self.running.new_id()
        reference: UUID | None = None
        extra: tuple[Write, ...] = ()
        if body.reporter is not None:
            reference = self.running.new_id()
            extra = (views.keep_reporter(reference, body.reporter, now),)
        # An event carries the trace in which it was said; an anonymous one must not lead to the
        # request, and so to its sender.
        with telemetry.apart() if body.anonymous else contextlib.nullcontext():
            carried = await self.running.ledger.carry_out(
                incident_id,
                _command(body, channel, reference, foreign),
                Context(now, Actor(ANONYMOUS) if body.anonymous else self.actor),
                expected_version=expected_version,
                idempotency=None if key is None else key.on(asked_for(body, foreign)),
                must_exist=body.incident_id is not None,
                extra=extra,
            )
        return ReportReceipt.of(carried.signed[0])

    def own_key(self, key: str | None) -> Key | None:
        """A key that the caller chose; another caller's key of the same name is another key."""
        return None if key is None else Key(f"caller {self.actor.subject}", key)

    async def take_event(self, event: CloudEvent) -> ReportReceipt:
        """Raises RequestValidationError when the event's data is no report."""
        if not event.data.strip():
            raise Malformed("the event has no data; send a report as its data, at least {}")
        body = _validated(_BODY, event.data)
        # CloudEvents says who makes `source` and `id` unique: the producer, whoever hands the event
        # on.
        key = Key("cloudevents", json.dumps([event.foreign.source, event.foreign.id]))
        try:
            return await self.take(body, ReportChannel.CLOUDEVENTS, foreign=event.foreign, key=key)
        except IdempotencyMismatch as error:
            detail = "An event with this source and id came before and said something else; a new event has a new id."
            raise Rejected("event_says_one_thing", detail) from error

    def take_events(
        self, events: Iterable[CloudEvent | NotACloudEvent]
    ) -> AsyncGenerator[list[bytes], None]:
        """The answer to each event, as JSON, in order; as many together as are ready."""
        turns: Turns = defaultdict(asyncio.Lock)

        async def answer(index: int, event: CloudEvent | NotACloudEvent) -> bytes:
            if isinstance(event, NotACloudEvent):
                return _answer("index", index, Malformed(str(event)))
            async with turns[event.foreign.source, event.foreign.id]:
                return await answered("index", index, self.take_event(event))

        return in_order(
            (answer(index, event) for index, event in enumerate(events)), AT_ONCE, self.running.many
        )

    def take_lines(self, lines: Iterable[tuple[int, bytes]]) -> AsyncGenerator[list[bytes], None]:
        """The answer to each numbered line, as JSON, in order; as many together as are ready."""
        turns: Turns = defaultdict(asyncio.Lock)

        async def answer(number: int, line: bytes) -> bytes:
            return await answered("line", number, self._take_line(line, turns))

        return in_order(
            (answer(number, line) for number, line in lines), AT_ONCE, self.running.many
        )

    async def _take_line(self, line: bytes, turns: "Turns") -> ReportReceipt:
        body = _validated(_LINE, line)
        key = body.idempotency_key
        async with contextlib.nullcontext() if key is None else turns[key]:
            return await self.take(body, ReportChannel.BATCH, key=self.own_key(key))


async def reception(request: Request) -> Reception:
    return Reception(request.app.state.running, request.state.actor)


def numbered(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines of NDJSON that say something, with their numbers from 1."""
    # One at a time: all lines at once would be the body once more.
    return (
        (number, text) for number, line in enumerate(BytesIO(body), 1) if (text := line.strip())
    )


async def in_order(
    jobs: Iterable[Coroutine[Any, Any, T]], at_once: int, places: asyncio.Semaphore
) -> AsyncGenerator[list[T], None]:
    """Runs jobs side by side and yields their results in the order of the jobs, as many as there
    are by then.

    So many at a time, and none without one of the places, for which it waits: they are shared by
    all who run many."""
    under_way: deque[asyncio.Task[T]] = deque()
    try:
        for job in jobs:
            await places.acquire()
            under_way.append(task := asyncio.create_task(job))
            task.add_done_callback(lambda _: places.release())
            if len(under_way) >= at_once:
                yield await _finished(under_way)
        while under_way:
            yield await _finished(under_way)
    finally:
        for task in under_way:
            task.cancel()


async def _finished(under_way: deque[asyncio.Task[T]]) -> list[T]:
    results = [await under_way.popleft()]
    while under_way and under_way[0].done():
        results.append(under_way.popleft().result())
    return results


def _command(
    body: ReportBody, channel: ReportChannel, reporter: UUID | None, foreign: ForeignEvent | None
) -> Report:
    return Report(
        opens=body.incident_id is None,
        channel=channel,
        exercise=body.exercise,
        reporter=reporter,
        discovery=body.discovery,
        noticed_at=body.noticed_at,
        noticed_at_fidelity=body.noticed_at_fidelity,
        description=body.description,
        exposure=Exposure.model_validate(body.exposure.model_dump()),
        information_types=body.information_types,
        foreign=foreign,
    )


def asked_for(body: ReportBody, foreign: ForeignEvent | None) -> bytes:
    """What is asked for, however it was spelt; without defaults, so that a field that is new does
    not change old requests."""
    asked = body.model_dump(mode="json", exclude_defaults=True, exclude={"idempotency_key"})
    return json.dumps([asked, foreign and foreign.type]).encode()


def _validated(adapter: TypeAdapter[T], data: bytes) -> T:
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        if (invalid := error.errors()[0])["type"] == "json_invalid":
            raise Malformed(invalid["msg"]) from error
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in found]
        ) from error


async def answered(place: str, number: int, taking: Coroutine[Any, Any, ReportReceipt]) -> bytes:
    try:
        receipt = await taking
    except Exception as error:  # noqa: BLE001  one report's failure, a bug included, is its own answer and nobody else's
        return _answer(place, number, error)
    return f'{{"{place}":{number},"status":201,"receipt":{receipt.model_dump_json()}}}'.encode()


def _answer(place: str, number: int, error: Exception) -> bytes:
    refusal = _refusal(error)
    return f'{{"{place}":{number},"status":{refusal.status_code},"problem":{bytes(refusal.body).decode()}}}'.encode()


def _refusal(error: Exception) -> Response:
    """The problem that the error would be as the answer to a request of its own."""
    if isinstance(error, RequestValidationError):
        detail = "See errors: each names a field and what it must be."
        return problems.problem(
            422, "invalid", "A field is wrong", detail, errors=problems.field_problems(error)
        )
    if isinstance(error, PASSING):
        detail = (
            "The database does not answer. Send this report again, with the same key if it had one."
        )
        return problems.problem(503, "unavailable", "Not now", detail)
    if (described := problems.describe(error)) is not None:
        status, members = described
        return problems.problem(status, **members)
    log.error("a bug", exc_info=error)
    detail = "This is a bug of ours, and the log has it. Please tell us the trace_id."
    return problems.problem(
        500, "bug", "Something is broken here", detail, trace_id=telemetry.trace_id()
    )
