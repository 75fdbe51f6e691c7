"""What people wrote stands beside the event, not in it: the event's bytes hold salted digests, and
a *disclosure* is the text to one of them (RFC 9901, §4.2). A disclosure counts for an event exactly
when its digest stands there, so nobody can add one, and an event whose disclosures are gone is the
same event.

`conceal` takes the texts out of event data, `reveal` puts those back that are at hand. Neither
draws random numbers nor keeps anything."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import ValidationError
from pydantic_core import to_json, to_jsonable_python

from shared.contract.catalogue.base import CONFIDENTIAL, WITHHELD, Part, Withheld

P = TypeVar("P", bound=Part)

SALT_BYTES: Final = 16
"""RFC 9901 §9.3: at least 128 bits."""
MAX_DISCLOSURE: Final = 131_072
"""Bytes of one disclosure as it travels; the longest text takes less."""
_SD: Final = "sd"


class Disclosure(NamedTuple):
    """One text with its digest: base64url without padding of the JSON `[salt, name, value]`."""

    digest: str
    text: str

    def named(self) -> tuple[str, Any]:
        """The field that it is the value of, and the value as JSON has it."""
        _, name, value = _decoded(self.text)
        return str(name), value


class MalformedDisclosure(ValueError):
    """The text is not a disclosure; the message says why, and never what it holds."""


class _Fields(NamedTuple):
    """Which fields of a class are confidential, and which hold parts."""

    confidential: tuple[str, ...]
    parts: tuple[str, ...]


def read_disclosure(text: str) -> Disclosure:
    """Raises MalformedDisclosure."""
    if len(text) > MAX_DISCLOSURE:
        raise MalformedDisclosure(f"{len(text)} bytes, at most {MAX_DISCLOSURE} are allowed")
    salt, name, _ = _decoded(text)
    if not isinstance(salt, str) or len(salt) < 22 or not isinstance(name, str) or not name:
        raise MalformedDisclosure("not [salt, name, value] with a salt of 128 bits")
    return Disclosure(digest_of(text), text)


def digest_of(text: str) -> str:
    """The digest that stands in the event: base64url of SHA-256 over the disclosure's characters,
    not over what they encode (RFC 9901 §4.2.3)."""
    return _b64(hashlib.sha256(text.encode("ascii", "replace")).digest())


def conceal(data: P, salt: Callable[[], bytes]) -> tuple[P, tuple[Disclosure, ...]]:
    """The same data with digests in place of texts, and the disclosures of these; `salt` gives
    SALT_BYTES random bytes for each."""
    made: list[Disclosure] = []
    return _concealed(data, salt, made), tuple(made)


def reveal(data: P, found: Mapping[str, Disclosure]) -> P:
    """The same data with the texts that are at hand, by digest; the others stay WITHHELD. A text
    that does not fit its field stays withheld too: its speaker wrote what no reader accepts."""
    fields = fields_of(type(data))
    changed = {name: _each(getattr(data, name), found) for name in fields.parts}
    given = dict(found[digest].named() for digest in data.sd if digest in found)
    rest = tuple(name for name in fields.confidential if name not in given)
    changed |= behind(type(data), rest, len(data.sd) - len(given))
    for name in fields.confidential:
        if name in given:
            changed[name] = _fitting(data, name, given[name])
    return data.model_copy(update=changed)


def digests(data: Part) -> Iterator[str]:
    """Of everything confidential in the data, in no order that means anything."""
    yield from data.sd
    for part in parts_of(data):
        yield from digests(part)


def parts_of(data: Part) -> Iterator[Part]:
    """The parts right in this one."""
    for name in fields_of(type(data)).parts:
        value = getattr(data, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Part):
                yield part


def confidential_names(model: type[Part]) -> Iterator[str]:
    """The names that disclosures of such data can have, those of its parts included."""
    fields = fields_of(model)
    yield from fields.confidential
    for name in fields.parts:
        yield from confidential_names(_part_class(model, name))


def only_digest(data: Part) -> str | None:
    """Of data with one confidential field: its digest; None when it was not given."""
    return data.sd[0] if data.sd else None


def withhold(model: type[Part], value: Any) -> Any:
    """The JSON value of a part as its class reads it: WITHHELD for every field that may stand
    behind a digest.

    Raises MalformedDisclosure when something confidential stands there in the clear, a digest
    stands twice at whatever depth (RFC 9901 §7.1), or there are fewer digests than fields that must
    be given."""
    return _withheld(model, value, set())


def _withheld(model: type[Part], value: Any, seen: set[str]) -> Any:
    if not isinstance(value, dict):
        return value
    fields, read = fields_of(model), dict(value)
    if open_ := [name for name in fields.confidential if name in value]:
        raise MalformedDisclosure(f"{open_[0]} stands in the clear")
    given = value.get("_sd", [])
    before = len(seen)
    if isinstance(given, list):
        seen.update(map(str, given))
    if not isinstance(given, list) or len(seen) - before != len(given):
        raise MalformedDisclosure("_sd is not a list of different digests")
    if len(given) < required_texts(model, fields.confidential):
        raise MalformedDisclosure(
            f"{len(given)} digests in _sd, fewer than texts that must be given"
        )
    read |= behind(model, fields.confidential, len(given))
    for name in fields.parts:
        inner = _part_class(model, name)
        if isinstance(found := value.get(name), list):
            read[name] = [_withheld(inner, one, seen) for one in found]
        elif found is not None:
            read[name] = _withheld(inner, found, seen)
    return read


def stored(model: type[P], kept: str) -> P:
    """Data that a view keeps as JSON, without its texts."""
    return model.model_validate(withhold(model, json.loads(kept)))


def fill(data: P, stands_for: Callable[[Part, str], str | None]) -> P:
    """The same data with something to read in place of each text that is withheld; `stands_for`
    gets the part and the name of its field. Anything but text stays withheld."""
    fields = fields_of(type(data))
    changed: dict[str, Any] = {}
    for name in fields.confidential:
        if getattr(data, name) is WITHHELD and _is_text(type(data), name):
            changed[name] = stands_for(data, name) if data.sd else None
    for name in fields.parts:
        value = getattr(data, name)
        if isinstance(value, Part):
            changed[name] = fill(value, stands_for)
        elif value:
            changed[name] = tuple(fill(one, stands_for) for one in value)
    return data.model_copy(update=changed) if changed else data


def same_but_for_texts(one: Part, other: Part) -> bool:
    """Whether two parts say the same to a rule: texts and their digests do not count."""
    return type(one) is type(other) and _clear(one) == _clear(other)


@cache
def fields_of(model: type[Part]) -> _Fields:
    """Which fields of the class are confidential, and which hold parts of their own."""
    confidential = tuple(
        name for name, field in model.model_fields.items() if _is_confidential(field)
    )
    parts = tuple(
        name
        for name, field in model.model_fields.items()
        if name not in confidential and _part_in(field.annotation) is not None
    )
    return _Fields(confidential, parts)


def _is_confidential(field: Any) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and CONFIDENTIAL in extra


@cache
def _is_text(model: type[Part], name: str) -> bool:
    return str in getattr(model.model_fields[name].annotation, "__args__", ()) or any(
        getattr(one, "__origin__", None) is str
        for one in getattr(model.model_fields[name].annotation, "__args__", ())
    )


def _part_class(model: type[Part], name: str) -> type[Part]:
    found = _part_in(model.model_fields[name].annotation)
    assert found is not None
    return found


def _part_in(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if (found := _part_in(inner)) is not None:
            return found
    return None


def _concealed(data: P, salt: Callable[[], bytes], made: list[Disclosure]) -> P:
    fields = fields_of(type(data))
    if not fields.confidential and not fields.parts:
        return data
    given: list[str] = []
    for name in fields.confidential:
        value = getattr(data, name)
        if value is None or value is WITHHELD:
            continue
        disclosure = _disclosure(salt(), name, value)
        made.append(disclosure)
        given.append(disclosure.digest)
    changed: dict[str, Any] = {_SD: tuple(sorted(given))} if given else {}
    changed |= behind(type(data), fields.confidential, len(given or data.sd))
    for name in fields.parts:
        value = getattr(data, name)
        if isinstance(value, Part):
            changed[name] = _concealed(value, salt, made)
        elif value:
            changed[name] = tuple(_concealed(one, salt, made) for one in value)
    return data.model_copy(update=changed) if changed else data


@cache
def behind(
    model: type[Part], names: tuple[str, ...], digests: int
) -> Mapping[str, Withheld | None]:
    """What stands in these fields when only so many digests are known of them: None in those that
    nobody gave, as far as the number tells."""
    optional = None if digests <= required_texts(model, names) else WITHHELD
    return {
        name: WITHHELD if model.model_fields[name].is_required() else optional for name in names
    }


def required_texts(model: type[Part], names: Iterable[str]) -> int:
    return sum(model.model_fields[name].is_required() for name in names)


def _disclosure(salt: bytes, name: str, value: Any) -> Disclosure:
    text = _b64(to_json([_b64(salt), name, to_jsonable_python(value, by_alias=True)]))
    return Disclosure(digest_of(text), text)


def _each(value: Any, found: Mapping[str, Disclosure]) -> Any:
    if isinstance(value, Part):
        return reveal(value, found)
    return tuple(reveal(one, found) for one in value) if value else value


def _fitting(data: Part, name: str, value: Any) -> Any:
    if value is WITHHELD:
        return value
    try:
        probe = data.__pydantic_validator__.validate_assignment(data.model_copy(), name, value)
    except (ValidationError, TypeError):
        return WITHHELD
    return getattr(probe, name, WITHHELD)


def _clear(data: Part) -> dict[str, Any]:
    """The fields that are in the clear."""
    fields = fields_of(type(data))
    return {
        name: _clear_parts(value) if name in fields.parts else value
        for name, value in data
        if name != _SD and name not in fields.confidential
    }


def _clear_parts(value: Any) -> Any:
    if isinstance(value, Part):
        return _clear(value)
    return [_clear(one) for one in value] if value else value


def _decoded(text: str) -> Sequence[Any]:
    try:
        value = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise MalformedDisclosure("not base64url of JSON") from error
    if not isinstance(value, list) or len(value) != 3:
        raise MalformedDisclosure("not [salt, name, value]")
    return value


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_digest(disclosures: Iterable[Disclosure]) -> dict[str, Disclosure]:
    return {one.digest: one for one in disclosures}
