"""Takes one report, however it came: report in, receipt or refusal out.

1. what the caller may report is read from the registry (`sources`); an incident of others is
   refused as one that nobody reported;
2. the report becomes a command, and its key what makes it the same report when it comes again
   (`keys`);
3. the ledger decides and appends, and the event in its place becomes the receipt.

Personal data goes into intake's own table, in the transaction of the event. An anonymous report
leaves nothing of its sender: not the caller's name, nor its source, nor a key that leads to it, nor
the trace of its request."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from services.intake import queries, settings, views
from services.intake.bodies import BatchLine, ReportBody, ReportReceipt
from services.intake.cloudevents import CloudEvent
from services.intake.domain import Command
from services.intake.domain.commands import Report
from services.intake.domain.state import State
from services.intake.domain.tables import ANONYMOUS
from services.intake.keys import Key
from services.intake.sources import Caller, NotRegistered, Opener, Registry
from shared.contract.catalogue.intake import ForeignEvent, ReportChannel
from shared.contract.decision import Actor, Context, Missing, Rejected
from shared.runtime.process import telemetry
from shared.runtime.running import Running
from shared.runtime.say.conflicts import IdempotencyMismatch, Malformed
from shared.runtime.say.people import Person, keeping
from shared.runtime.say.plan import Write
from shared.runtime.web import strict

T = TypeVar("T")

BODY: Final[TypeAdapter[ReportBody]] = TypeAdapter(ReportBody)
LINE: Final[TypeAdapter[BatchLine]] = TypeAdapter(BatchLine)


@dataclass(frozen=True, slots=True)
class Reception:
    """Takes the reports of one request."""

    running: Running[Command, State, settings.Secrets]
    caller: Caller
    person: Person
    """Who calls, for the directory, which no anonymous report enters."""
    registry: Registry
    secret: bytes
    """Under which the keys of anonymous reports are kept."""
    trace: str | None = None
    """The caller's, which the request left; a report by name goes on in it."""
    _openers: dict[UUID, asyncio.Future[Opener | None]] = field(default_factory=dict)
    """Asked for once in a request, so that reports which add to one incident stay in order."""

    @property
    def actor(self) -> Actor:
        return self.caller.actor

    async def take(
        self,
        body: ReportBody,
        channel: ReportChannel,
        *,
        foreign: ForeignEvent | None = None,
        key: Key | None = None,
        expected_version: int | None = None,
    ) -> ReportReceipt:
        """The receipt, after commit. Raises NotRegistered, and what the ledger raises."""
        await self._admit(body, None if foreign is None else foreign.source)
        now, incident_id = self.running.now(), body.incident_id or self.running.new_id()
        reference: UUID | None = None
        extra: tuple[Write, ...] = ()
        if body.reporter is not None:
            reference = self.running.new_id()
            extra = (views.keep_reporter(reference, body.reporter, now),)
        persons = () if body.anonymous else self.running.people.new([self.person])
        asked, idempotency = asked_for(body, foreign), None
        if key is not None:
            idempotency = (
                key.on_anonymous(asked, self.secret)
                if body.anonymous
                else key.on(asked, self.running.people)
            )
        # An event carries the trace in which it was said; an anonymous one must not lead to the
        # request, and so to its sender.
        named = telemetry.within(self.trace, "intake takes a report")
        with telemetry.apart() if body.anonymous else named:
            carried = await self.running.ledger.carry_out(
                incident_id,
                _command(body, channel, reference, None if body.anonymous else foreign),
                Context(now, Actor(ANONYMOUS) if body.anonymous else self.actor),
                expected_version=expected_version,
                idempotency=idempotency,
                must_exist=body.incident_id is not None,
                extra=(*extra, *keeping(persons)),
            )
        self.running.people.remember(persons)
        return ReportReceipt.of(carried.signed[0])

    async def take_event(self, event: CloudEvent) -> ReportReceipt:
        """Raises RequestValidationError when the event's data is not a report."""
        await self._registered_for(event.foreign.source)
        if not event.data.strip():
            raise Malformed("the event has no data; send a report as its data, at least {}")
        body = validated(BODY, event.data, event.within)
        key = Key.of_event(event.foreign.source, event.foreign.id)
        try:
            return await self.take(body, ReportChannel.CLOUDEVENTS, foreign=event.foreign, key=key)
        except IdempotencyMismatch as error:
            detail = (
                "An event with this source and id came before and said something else; a new "
                "event has a new id."
            )
            raise Rejected("event_says_one_thing", detail) from error

    async def take_line(self, line: BatchLine) -> ReportReceipt:
        return await self.take(line, ReportChannel.BATCH, key=self.own_key(line.idempotency_key))

    def own_key(self, key: str | None) -> Key | None:
        """A key that the caller chose; another caller's key of the same name is another key."""
        return None if key is None else Key(key, self.actor.subject)

    async def _registered_for(self, source: str) -> None:
        try:
            self.caller.rights(source)
        except NotRegistered:
            (await self.registry.caller(self.actor, latest=True)).rights(source)

    async def _admit(self, body: ReportBody, source: str | None) -> None:
        """Raises NotRegistered; Missing for an incident that is not the caller's to add to."""
        try:
            await self._check(self.caller, body, source)
        except (NotRegistered, Missing):
            latest = await self.registry.caller(self.actor, latest=True)
            await self._check(latest, body, source)

    async def _check(self, caller: Caller, body: ReportBody, source: str | None) -> None:
        rights = caller.rights(source)
        if body.exercise and not rights.exercises:
            raise NotRegistered("this caller is not registered to report exercises")
        if body.incident_id is None:
            if not rights.opens:
                raise NotRegistered(
                    "this caller is not registered to open incidents; name the incident to add to"
                )
        elif not rights.adds:
            opener = await self._opener(body.incident_id)
            if opener is None or not caller.opened(opener):
                raise Missing(f"incident {body.incident_id}")

    async def _opener(self, incident_id: UUID) -> Opener | None:
        if incident_id not in self._openers:
            self._openers[incident_id] = asyncio.ensure_future(self._look(incident_id))
        asked = self._openers[incident_id]
        opener: Opener | None = None
        try:
            opener = await asked
        finally:
            if opener is None and self._openers.get(incident_id) is asked:
                del self._openers[incident_id]
        return opener

    async def _look(self, incident_id: UUID) -> Opener | None:
        async with self.running.read() as connection:
            return await queries.opener(connection, incident_id)


async def reception(request: Request) -> Reception:
    running, registry = request.app.state.running, registry_of(request.app.state)
    caller = await registry.caller(request.state.actor)
    trace = request.scope.get(telemetry.CALLERS)
    return Reception(
        running, caller, request.state.person, registry, settings.secret_of(running), trace
    )


def registry_of(state: Any) -> Registry:
    """The application's one memory of the registrations."""
    if not hasattr(state, "registry"):

        async def read() -> Any:
            async with state.running.read() as connection:
                return await queries.registrations(connection)

        state.registry = Registry(read)
    registry: Registry = state.registry
    return registry


def _command(
    body: ReportBody, channel: ReportChannel, reporter: UUID | None, foreign: ForeignEvent | None
) -> Report:
    return Report(
        opens=body.incident_id is None,
        channel=channel,
        exercise=body.exercise,
        reporter=reporter,
        discovery=body.discovery,
        noticed_at=body.noticed,
        noticed_at_fidelity=body.noticed_at_fidelity,
        description=body.description,
        exposure=body.exposure.stated(),
        information_types=body.information_types,
        foreign=foreign,
    )


def asked_for(body: ReportBody, foreign: ForeignEvent | None) -> bytes:
    """What is asked for, however it was spelt; without defaults, so that a field that is new does
    not change old requests."""
    stated = body.model_copy(update={"noticed_at": body.noticed})
    asked = stated.model_dump(mode="json", exclude_defaults=True, exclude={"idempotency_key"})
    return json.dumps([asked, foreign and foreign.type]).encode()


def validated(adapter: TypeAdapter[T], data: bytes, within: tuple[str, ...] = ()) -> T:
    """`within` are the steps from the body to the data. Raises Malformed and
    RequestValidationError."""
    try:
        return adapter.validate_json(strict.checked(data))
    except strict.Unreadable as error:
        raise Malformed(str(error)) from error
    except ValidationError as error:
        if (invalid := error.errors()[0])["type"] == "json_invalid":
            raise Malformed(invalid["msg"]) from error
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError(
            [{**item, "loc": ("body", *within, *item["loc"])} for item in found]
        ) from error
