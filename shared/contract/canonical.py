"""Reads an envelope that is byte for byte as `envelope.write` makes it, a few times faster than the
strict reader.

msgspec decodes it into a struct made from the type's model, and encodes that again. Only where this
gives the very same bytes is the reading taken: no white space, no key twice, no field that is new
and no other spelling gets by. Everything else is left to the strict reader, whose word is the
last."""

import re
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin
from uuid import UUID

import annotated_types
import msgspec
from msgspec import UNSET, UnsetType
from pydantic.fields import FieldInfo

from shared.contract.catalogue import BY_TYPE
from shared.contract.catalogue.base import EventData, Part
from shared.contract.disclosure import behind, digests, fields_of, required_texts

_HEAD: Final[tuple[tuple[str, Any], ...]] = (
    ("specversion", str),
    ("id", UUID),
    ("source", str),
    ("type", str),
    ("subject", UUID),
    ("time", str),
    ("datacontenttype", str),
    ("dataschema", str),
    ("sequence", str),
    ("prevhash", str),
    ("subjectprev", str),
    ("actor", str),
    ("keyid", str),
    ("rules", int),
    ("correlationid", str),
)
_TYPE: Final = re.compile(
    rb'\{"specversion":"1\.0","id":"[0-9a-f-]{36}","source":"/incident-ledger/[a-z]+/\d{1,3}"'
    rb',"type":"([a-z0-9_.]+)"'
)
_PLAIN: Final = (str, int, bool, UUID, datetime, date, NoneType)
_NUL: Final = b"\\u0000"

Build = Callable[[Any], Any]


class _TooRich(TypeError):
    """A field of a kind that no struct says as strictly as its model does."""


class _NotAsWritten(ValueError):
    """Digests that `write` would not have made: one twice, or too few in a part."""


class Reader:
    """Of one event type."""

    __slots__ = ("_build", "_decode")

    def __init__(self, model: type[EventData]) -> None:
        data, self._build = _struct_of(model)
        whole = msgspec.defstruct(
            "Envelope",
            [
                *_HEAD,
                ("causationid", UUID | UnsetType, UNSET),
                ("traceparent", str | UnsetType, UNSET),
                ("data", data, UNSET),
            ],
            frozen=True,
            gc=False,
        )
        self._decode = msgspec.json.Decoder(whole).decode

    def read(self, envelope: bytes) -> tuple[Any, EventData] | None:
        """The attributes and the data; None where the bytes are not exactly these, hold the
        character NUL, or digests that no part has."""
        try:
            value: Any = self._decode(envelope)
            if value.data is UNSET or _encode(value) != envelope or _NUL in envelope:
                return None
            data = self._build(value.data)
            _require_different(data)
            return value, data
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _NotAsWritten):
            return None


_encode: Final = msgspec.json.Encoder().encode


def reader_of(envelope: bytes) -> Reader | None:
    """By the type that the envelope names where `write` puts it. None for any other, and for a type
    that has no such reader."""
    found = _TYPE.match(envelope)
    return _reader(found[1].decode()) if found is not None else None


@cache
def _reader(event_type: str) -> Reader | None:
    model = BY_TYPE.get(event_type)
    if model is None:
        return None
    try:
        return Reader(model)
    except _TooRich:
        return None


@cache
def _struct_of(model: type[Part]) -> tuple[type[msgspec.Struct], Build]:
    """A struct of the fields in the clear, and what makes the part of it."""
    decorators = model.__pydantic_decorators__
    if decorators.model_validators or decorators.field_validators:
        raise _TooRich(model.__name__)
    confidential = fields_of(model).confidential
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    turned: dict[str, Build] = {}
    for name, info in model.model_fields.items():
        if name in confidential or name == "sd":
            continue
        kind, build = _kind(info.annotation, info.metadata)
        fields.append((name, kind))
        if build is not None:
            turned[name] = build
    several = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    struct = msgspec.defstruct(
        model.__name__,
        [("sd", several | UnsetType, UNSET), *fields],
        rename={"sd": "_sd"},
        frozen=True,
        kw_only=True,
        gc=False,
    )
    return struct, _builder(model, [name for name, *_ in fields], turned)


def _builder(model: type[Part], names: list[str], turned: dict[str, Build]) -> Build:
    blank: dict[str, Any] = dict.fromkeys(model.model_fields)
    confidential = fields_of(model).confidential
    least = required_texts(model, confidential)
    plain = [name for name in names if name not in turned]
    named = frozenset(model.model_fields)
    new, put = object.__new__, object.__setattr__

    def build(value: Any) -> Part:
        held = dict(blank)
        given = held["sd"] = () if value.sd is UNSET else value.sd
        if len(given) < least:
            raise _NotAsWritten
        held |= behind(model, confidential, len(given))
        for name in plain:
            held[name] = getattr(value, name)
        for name, turn in turned.items():
            held[name] = turn(getattr(value, name))
        part = new(model)
        put(part, "__dict__", held)
        put(part, "__pydantic_fields_set__", set(named))
        put(part, "__pydantic_extra__", None)
        put(part, "__pydantic_private__", None)
        return part

    return build


def _require_different(data: Part) -> None:
    """Raises _NotAsWritten when a digest stands twice, at whatever depth (RFC 9901 §7.1)."""
    several = list(digests(data))
    if len(set(several)) != len(several):
        raise _NotAsWritten


def _kind(annotation: Any, metadata: Any = ()) -> tuple[Any, Build | None]:
    """What msgspec takes for a field, and what makes its value the model's; None where it is that
    already."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _kind(inner, (*more, *metadata))
    if origin in {Union, UnionType}:
        return _optional(annotation, metadata)
    if origin is tuple:
        return _several(annotation, metadata)
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return _struct_of(annotation)
    if annotation in _PLAIN or (isinstance(annotation, type) and issubclass(annotation, Enum)):
        return _limited(annotation, metadata), None
    raise _TooRich(repr(annotation))


def _optional(annotation: Any, metadata: Any) -> tuple[Any, Build | None]:
    some = [one for one in get_args(annotation) if one is not NoneType]
    if len(some) != 1 or len(some) == len(get_args(annotation)):
        raise _TooRich(repr(annotation))
    inner, build = _kind(some[0], metadata)
    if build is None:
        return inner | None, None
    turn = build
    return inner | None, lambda value: None if value is None else turn(value)


def _several(annotation: Any, metadata: Any) -> tuple[Any, Build | None]:
    inner, *rest = get_args(annotation)
    if rest != [Ellipsis]:
        raise _TooRich(repr(annotation))
    kind, build = _kind(inner)
    limited = _limited(tuple[kind, ...], metadata)  # type: ignore[valid-type]
    if build is None:
        return limited, None
    turn = build
    return limited, lambda values: tuple(map(turn, values))


def _limited(kind: Any, metadata: Any) -> Any:
    """With the limits that the model has. Raises _TooRich for one that msgspec does not know."""
    limits: dict[str, Any] = {}
    for one in _flat(metadata):
        match one:
            case annotated_types.MinLen(min_length=least):
                limits["min_length"] = least
            case annotated_types.MaxLen(max_length=most):
                limits["max_length"] = most
            case annotated_types.Ge(ge=least):
                limits["ge"] = least
            case annotated_types.Le(le=most):
                limits["le"] = most
            case _ if (pattern := getattr(one, "pattern", None)) is not None:
                limits["pattern"] = _whole(pattern)
            case _ if getattr(getattr(one, "func", None), "__name__", "") == "_storable":
                pass  # no NUL: looked for in the bytes
            case _:
                raise _TooRich(repr(one))
    return Annotated[kind, msgspec.Meta(**limits)] if limits else kind


def _whole(pattern: str) -> str:
    """`$` is the very end here, as it is in the model's engine, and not before a last line end."""
    return pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern


def _flat(metadata: Any) -> list[Any]:
    return [
        inner
        for one in metadata
        for inner in (one.metadata if isinstance(one, FieldInfo) else [one])
    ]
