"""The persons of a request: whom its body and its query name, each turned into a pseudonym before
a route sees it.

The type of the field does it (`bodies.Subject`), so that no route can forget to."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.say.people import People, Person


@dataclass(slots=True)
class _Named:
    people: People
    persons: list[Person] = field(default_factory=list)


_named: ContextVar[_Named] = ContextVar("named")


@contextmanager
def naming(people: People) -> Iterator[None]:
    """Within it, subjects can be read: without the deployment's secret they have no pseudonym."""
    token = _named.set(_Named(people))
    try:
        yield
    finally:
        _named.reset(token)


def pseudonym_of(subject: str) -> str:
    """Of a person whom the request names, and who is remembered for the directory. A pseudonym
    stands for itself: answers show them. Raises LookupError outside of a request."""
    named = _named.get()
    named.persons.extend(named.people.named(subject))
    return named.people.pseudonym_of(subject)


def persons() -> tuple[Person, ...]:
    """The persons whom the request has named so far."""
    return tuple(_named.get().persons)


@dataclass(frozen=True, slots=True)
class Naming:
    """Around all routes of an application."""

    app: ASGIApp
    people: People

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with naming(self.people):
            await self.app(scope, receive, send)
