"""Which texts belong to an event, at hand or not, and whom the event is about: what a request to be
forgotten, or to be told what is held, comes to.

Pure, and of no service: review looks here for what is to be erased, and an operator's command for
what is held about somebody."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, get_args, get_type_hints
from uuid import UUID

from shared.contract.catalogue.base import Part, Person
from shared.contract.disclosure import Disclosure, fields_of, parts_of
from shared.contract.envelope import Event, Unknown

UNNAMED: Final = "unnamed"
"""The field of a text that is not at hand, where its part may have several."""


class TextIn(NamedTuple):
    """A text that an event was said with. `value` is as JSON has it; None where it is not at
    hand."""

    event_id: UUID
    name: str
    digest: str
    value: Any = None


def texts_in(event: Event, found: Mapping[str, Disclosure]) -> list[TextIn]:
    """Every text whose digest stands in the event, also in one of a type that is not known
    here."""
    data = event.data
    standing = _in_json(data.value) if isinstance(data, Unknown) else _in_part(data)
    return [_text(event.id, digest, name, found) for digest, name in standing]


def persons_in(data: Any) -> Iterator[str]:
    """The pseudonyms that event data name, in its parts too."""
    if not isinstance(data, Part):
        return
    for name in _person_fields(type(data)):
        value = getattr(data, name)
        yield from value if isinstance(value, tuple) else (value,) if value is not None else ()
    for part in parts_of(data):
        yield from persons_in(part)


def texts_about(
    event: Event, found: Mapping[str, Disclosure], person: str | None, mentions: Sequence[str] = ()
) -> list[TextIn]:
    """All texts of an event that the person said or that names the person; of any other event
    those in which one of the words is mentioned, in whatever case."""
    texts = texts_in(event, found)
    if person is not None and (event.actor == person or person in persons_in(event.data)):
        return texts
    wanted = [_folded(word) for word in mentions]
    return [text for text in texts if _mentions(text.value, wanted)]


def _text(event_id: UUID, digest: str, name: str, found: Mapping[str, Disclosure]) -> TextIn:
    if digest not in found:
        return TextIn(event_id, name, digest)
    said, value = found[digest].named()
    return TextIn(event_id, said, digest, value)


def _in_part(data: Part) -> Iterator[tuple[str, str]]:
    """Digests with the names of their fields, as far as those are known without the text."""
    fields = fields_of(type(data)).confidential
    name = fields[0] if len(fields) == 1 else UNNAMED
    yield from ((digest, name) for digest in data.sd)
    for part in parts_of(data):
        yield from _in_part(part)


def _in_json(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        given = value.get("_sd")
        if isinstance(given, list):
            yield from ((digest, UNNAMED) for digest in given if isinstance(digest, str))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _in_json(one)


@cache
def _person_fields(model: type[Part]) -> tuple[str, ...]:
    hints = get_type_hints(model, include_extras=True)
    return tuple(name for name in model.model_fields if _is_person(hints[name]))


def _is_person(hint: Any) -> bool:
    return hint == Person or any(_is_person(one) for one in get_args(hint))


def _mentions(value: Any, wanted: Sequence[str]) -> bool:
    return bool(wanted) and any(
        word in text for text in map(_folded, _strings(value)) for word in wanted
    )


def _strings(value: Any) -> Iterable[str]:
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from _strings(one)
        case list():
            for one in value:
                yield from _strings(one)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
