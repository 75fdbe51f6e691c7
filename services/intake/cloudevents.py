"""CloudEvents 1.0 as they come over HTTP: binary, structured and batched (the HTTP protocol binding
and the JSON event format).

Reads what the public SDKs write. What an event's data means is not known here.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from pydantic import ValidationError

from shared.contract.catalogue.intake import ForeignEvent

SPECVERSION: Final = "1.0"
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class Mode(Enum):
    BINARY = auto()
    STRUCTURED = auto()
    BATCHED = auto()


class NotACloudEvent(ValueError):
    """The message says what is wrong with the event."""


class UnknownFormat(ValueError):
    """The content type is none in which a CloudEvent comes."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """An event of another system: its name there, and its data as JSON text."""

    foreign: ForeignEvent
    data: bytes


def mode_of(headers: Mapping[str, str]) -> Mode:
    """`headers` by lower-case name. Raises UnknownFormat."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    match media_type:
        case "application/cloudevents+json":
            return Mode.STRUCTURED
        case "application/cloudevents-batch+json":
            return Mode.BATCHED
    if media_type.startswith("application/cloudevents") or not any(
        name.startswith("ce-") for name in headers
    ):
        raise UnknownFormat(
            "send a CloudEvent: as application/cloudevents+json, as application/cloudevents-batch+json, "
            "or with its attributes in headers ce-specversion, ce-id, ce-source and ce-type"
        )
    return Mode.BINARY


def read_binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """Attributes in headers, data in the body. Raises NotACloudEvent."""
    attributes = {
        name[3:]: _decoded(name, value) for name, value in headers.items() if name.startswith("ce-")
    }
    return CloudEvent(_foreign(attributes), _unwrapped(body))


def read_structured(body: bytes) -> CloudEvent:
    """The whole event is one JSON object. Raises NotACloudEvent."""
    return _from_json(_json(body))


def read_batched(body: bytes) -> list[CloudEvent | NotACloudEvent]:
    """A JSON array of events, in order, each read by itself. Raises NotACloudEvent when it is no
    array."""
    batch = _json(body)
    if not isinstance(batch, list):
        raise NotACloudEvent("a batch is a JSON array of events")
    return [_read_or_refuse(value) for value in batch]


def _read_or_refuse(value: Any) -> CloudEvent | NotACloudEvent:
    try:
        return _from_json(value)
    except NotACloudEvent as refusal:
        return refusal


def _from_json(value: Any) -> CloudEvent:
    if not isinstance(value, dict):
        raise NotACloudEvent("an event is a JSON object")
    foreign = _foreign(value)
    if value.get("data") is not None and value.get("data_base64") is not None:
        raise NotACloudEvent("an event has data or data_base64, not both")
    return CloudEvent(foreign, _data(value))


def _data(value: Mapping[str, Any]) -> bytes:
    encoded = value.get("data_base64")
    if encoded is None:
        data = value.get("data")
        return b"" if data is None else _unwrapped(json.dumps(data).encode())
    if not isinstance(encoded, str):
        raise NotACloudEvent("data_base64 is not a text")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotACloudEvent(f"data_base64 is not base64: {error}") from error


def _foreign(attributes: Mapping[str, Any]) -> ForeignEvent:
    match attributes.get("specversion"):
        case str(version) if version == SPECVERSION:
            pass
        case None:
            raise NotACloudEvent(f"specversion is missing; it must be {SPECVERSION}")
        case other:
            raise NotACloudEvent(
                f"specversion {str(other)[:20]!r} is not known here; send {SPECVERSION}"
            )
    for name in ("id", "source", "type"):
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            raise NotACloudEvent(f"{name} is missing or not a text")
        if _CONTROL.search(value):
            raise NotACloudEvent(f"{name} has control characters, which CloudEvents forbids")
    try:
        return ForeignEvent(
            source=attributes["source"], id=attributes["id"], type=attributes["type"]
        )
    except ValidationError as error:
        problems = (
            f"{problem['loc'][0]}: {problem['msg']}"
            for problem in error.errors(include_input=False)
        )
        raise NotACloudEvent("; ".join(problems)) from error


def _decoded(name: str, value: str) -> str:
    """A header's value: unquoted, then percent-decoded once, as the binding's section 3.1.3.2
    says."""
    if quoted := _QUOTED.fullmatch(value):
        value = re.sub(r"\\(.)", r"\1", quoted[1])
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotACloudEvent(f"{name} is not percent-encoded UTF-8") from error


def _unwrapped(data: bytes) -> bytes:
    """Data that is a JSON text inside a JSON string, as version 1 of the Python SDK writes it when
    it is handed a text."""
    if not data.lstrip().startswith(b'"'):
        return data
    try:
        return str(json.loads(data)).encode()
    except ValueError:
        return data


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise NotACloudEvent(f"not JSON: {error}") from error
