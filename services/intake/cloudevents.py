"""CloudEvents 1.0 as they come over HTTP: binary, structured and batched (the HTTP protocol binding
and the JSON event format).

Reads what the public SDKs write. What an event's data means is not known here. A batch is taken
apart by `bounds.elements`, and each of its events read by itself.
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
from shared.runtime.web import strict

SPECVERSION: Final = "1.0"
LARGEST: Final = 256 * 1024
"""Bytes of one event, by itself or in a batch: as of a single report."""
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class Mode(Enum):
    BINARY = auto()
    STRUCTURED = auto()
    BATCHED = auto()


class NotACloudEvent(ValueError):
    """The message says what is wrong with the event."""


class UnknownFormat(ValueError):
    """No CloudEvent comes under this content type."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """An event of another system: its name there, and its data as JSON text."""

    foreign: ForeignEvent
    data: bytes
    within: tuple[str, ...] = ()
    """Where its data stands in the JSON that came: the first steps of a pointer to a field."""


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
            "send a CloudEvent: as application/cloudevents+json, as "
            "application/cloudevents-batch+json, "
            "or with its attributes in headers ce-specversion, ce-id, ce-source and ce-type"
        )
    return Mode.BINARY


def read_binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """Attributes in headers, data in the body. Raises NotACloudEvent."""
    attributes = {
        name[3:]: _decoded(name, value) for name, value in headers.items() if name.startswith("ce-")
    }
    if len(body) > LARGEST:
        raise NotACloudEvent(_too_large(body))
    return CloudEvent(_foreign(attributes), _unwrapped(body))


def read_structured(event: bytes) -> CloudEvent:
    """The whole event is one JSON object. Raises NotACloudEvent."""
    value = _json(event)
    if not isinstance(value, dict):
        raise NotACloudEvent("an event is a JSON object")
    foreign = _foreign(value)
    if value.get("data") is not None and value.get("data_base64") is not None:
        raise NotACloudEvent("an event has data or data_base64, not both")
    if (encoded := value.get("data_base64")) is not None:
        text = _from_base64(encoded)
    elif (data := value.get("data")) is not None:
        text = _unwrapped(json.dumps(data).encode())
    else:
        text = b""
    return CloudEvent(foreign, text, ("data",))


def _from_base64(encoded: Any) -> bytes:
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


def _json(text: bytes) -> Any:
    return json.loads(_checked(text))


def _checked(text: bytes) -> bytes:
    if len(text) > LARGEST:
        raise NotACloudEvent(_too_large(text))
    try:
        return strict.checked(text)
    except strict.Unreadable as error:
        raise NotACloudEvent(str(error)) from error


def _too_large(event: bytes) -> str:
    return f"an event may have {LARGEST} bytes, and this one has {len(event)}"
