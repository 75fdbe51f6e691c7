"""The persons of a report. Events name them by pseudonyms; an edition shows the names that a
directory gives to these, the skeleton never does."""

import typing
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from shared.contract.catalogue.base import EventData, Part, Person
from shared.contract.envelope import Event

Names = Mapping[str, str]
"""The names of persons, by their pseudonyms."""

NOBODY: Final[Names] = {}


def name_of(person: str, names: Names) -> str:
    """How a report names a person: the name, or the pseudonym of somebody without one."""
    return names.get(person, person)


def named(event: Event, names: Names) -> Event:
    """The event with names in place of its pseudonyms."""
    if not names or not isinstance(event.data, EventData):
        return event
    return event._replace(actor=name_of(event.actor, names), data=_named(event.data, names))


def persons_of(events: Iterable[Event]) -> set[str]:
    """The pseudonyms of all who said something, or are named."""
    found: set[str] = set()
    for event in events:
        found.add(event.actor)
        if isinstance(event.data, EventData):
            found.update(_in(event.data))
    return found


def _in(part: Part) -> Iterator[str]:
    persons = persons_in(type(part))
    for name, value in part:
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Part):
                yield from _in(one)
            elif name in persons and one is not None:
                yield one


def _named(value: Any, names: Names) -> Any:
    """The same value, with the names of the persons in its parts."""
    if isinstance(value, tuple):
        return tuple(_named(one, names) for one in value)
    if not isinstance(value, Part):
        return value
    persons = persons_in(type(value))
    changed = {
        name: _replaced(inner, names) if name in persons else _named(inner, names)
        for name, inner in value
    }
    return value.model_copy(update=changed)


def _replaced(value: Any, names: Names) -> Any:
    if isinstance(value, tuple):
        return tuple(name_of(one, names) for one in value)
    return None if value is None else name_of(value, names)


@cache
def persons_in(model: type[Part]) -> frozenset[str]:
    """The fields of a part that name a person."""
    hints = typing.get_type_hints(model, include_extras=True)
    return frozenset(name for name in model.model_fields if _is_person(hints[name]))


def _is_person(hint: Any) -> bool:
    return hint == Person or any(_is_person(one) for one in typing.get_args(hint))
