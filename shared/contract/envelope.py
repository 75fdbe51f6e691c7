"""The envelope: one event as CloudEvents 1.0 structured JSON, in the exact bytes that are signed,
stored, sent and sealed.

`write` makes the bytes once; nobody ever serialises them again. `read` refuses what is not an
envelope with a reason that a person can act on. Neither signs nor verifies. What people wrote is
not among the bytes: their data hold digests of it (`disclosure`)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from msgspec import UNSET
from pydantic import ValidationError
from pydantic_core import to_json

from shared.contract.canonical import reader_of
from shared.contract.catalogue import BY_TYPE
from shared.contract.catalogue.base import EventData
from shared.contract.disclosure import Disclosure, MalformedDisclosure, withhold
from shared.contract.hashing import event_hash
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName

MAX_ENVELOPE: Final = 65_535
"""Bytes; a longer one does not fit an entry bundle of tlog-tiles."""
MAX_TEXTS: Final = 262_144
"""Bytes of all disclosures of one event: they travel in one message."""

_SERVICES: Final = {service.value: service for service in ServiceName}
_SOURCE = re.compile(r"^/incident-ledger/([a-z]+)/(\d{1,3})$", re.ASCII)
_HEX32 = re.compile(r"^[0-9a-f]{64}$")
_SEQUENCE = re.compile(r"^\d{20}$", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_TRACEPARENT = re.compile(rb',"traceparent":"([0-9a-f-]{55})","data":')


class MalformedEnvelope(ValueError):
    """The bytes are not an envelope; the message says why."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Data of an event type or version that this reader does not know. It is kept, counted and
    passed on all the same."""

    value: Any
    reason: str


class Link(NamedTuple):
    """An event's place: its chain, its number there, and the hashes before it.

    A named tuple, as are the others that are made for each event: a frozen dataclass takes five
    times as long to make."""

    service: ServiceName
    partition: int
    sequence: int
    prevhash: bytes
    subjectprev: bytes


class Said(NamedTuple):
    """What is to be said, before it has a place on the chain. `rules` is the edition of the rule
    book that it was decided under; `data` holds digests for the texts that `disclosures` are."""

    id: UUID
    subject_id: UUID
    time: datetime
    actor: str
    data: EventData
    correlation_id: str
    causation_id: UUID | None = None
    traceparent: str | None = None
    rules: int = 1
    disclosures: tuple[Disclosure, ...] = ()


class Event(NamedTuple):
    """An event as read from its envelope."""

    id: UUID
    subject_id: UUID
    time: datetime
    actor: str
    type: str
    data: EventData | Unknown
    link: Link
    keyid: str
    correlation_id: str
    causation_id: UUID | None
    traceparent: str | None
    hash: bytes
    envelope: bytes
    rules: int = 1

    @property
    def service(self) -> ServiceName:
        return self.link.service


def write(said: Said, link: Link, keyid: str) -> bytes:
    """The envelope's bytes: UTF-8, no white space, attributes in one fixed order, `data` last.

    Raises MalformedEnvelope when they exceed MAX_ENVELOPE, or the texts beside them MAX_TEXTS."""
    event_type, time = said.data.TYPE, said.time.astimezone(UTC).isoformat(timespec="microseconds")
    causation = f',"causationid":"{said.causation_id}"' if said.causation_id is not None else ""
    traceparent = (
        f',"traceparent":{_quoted(said.traceparent)}' if said.traceparent is not None else ""
    )
    # Written out, because a dict and a JSON writer cost twice as much; what is quoted by hand has
    # nothing to escape.
    head = (
        f'{{"specversion":"1.0","id":"{said.id}"'
        f',"source":"/incident-ledger/{link.service.value}/{link.partition}"'
        f',"type":"{event_type}","subject":"{said.subject_id}","time":"{time[:-6]}Z"'
        f',"datacontenttype":"application/json","dataschema":"{schema_uri(event_type)}"'
        f',"sequence":"{link.sequence:020d}"'
        f',"prevhash":"{link.prevhash.hex()}","subjectprev":"{link.subjectprev.hex()}"'
        f',"actor":{_quoted(said.actor)},"keyid":{_quoted(keyid)}'
        f',"rules":{said.rules}'
        f',"correlationid":{_quoted(said.correlation_id)}'
        f'{causation}{traceparent},"data":'
    )
    envelope = head.encode() + said.data.__pydantic_serializer__.to_json(said.data) + b"}"
    if len(envelope) > MAX_ENVELOPE:
        raise MalformedEnvelope(
            f"the event takes {len(envelope)} bytes, at most {MAX_ENVELOPE} fit; "
            "send large evidence by digest"
        )
    if (texts := sum(len(one.text) for one in said.disclosures)) > MAX_TEXTS:
        raise MalformedEnvelope(
            f"the event's texts take {texts} bytes, at most {MAX_TEXTS} fit; "
            "send large evidence by digest"
        )
    return envelope


def read(envelope: bytes) -> Event:
    """Raises MalformedEnvelope. Data of a known type that does not fit its schema is `Unknown`:
    hearing does not need understanding."""
    if len(envelope) > MAX_ENVELOPE:
        raise MalformedEnvelope(f"{len(envelope)} bytes, at most {MAX_ENVELOPE} are allowed")
    if (reader := reader_of(envelope)) is not None and (said := reader.read(envelope)) is not None:
        return _as_written(envelope, *said)
    return read_strictly(envelope)


def _as_written(envelope: bytes, said: Any, data: EventData) -> Event:
    """Of attributes that stand in the one form in which `write` puts them; what they may say is
    asked of each as strictly as of any other envelope's. Raises MalformedEnvelope."""
    attributes: Mapping[str, Any] = {
        "source": said.source,
        "sequence": said.sequence,
        "prevhash": said.prevhash,
        "subjectprev": said.subjectprev,
        "time": said.time,
        "actor": said.actor,
        "keyid": said.keyid,
        "correlationid": said.correlationid,
        "rules": said.rules,
        "traceparent": said.traceparent,
    }
    if said.specversion != "1.0":
        raise MalformedEnvelope("specversion is not 1.0")
    return Event(
        said.id,
        said.subject,
        _time(attributes),
        _text(attributes, "actor"),
        said.type,
        data,
        _link(attributes),
        _text(attributes, "keyid"),
        _text(attributes, "correlationid"),
        None if said.causationid is UNSET else said.causationid,
        None if said.traceparent is UNSET else _text(attributes, "traceparent"),
        event_hash(envelope),
        envelope,
        _rules(attributes),
    )


def read_strictly(envelope: bytes) -> Event:
    """The same, of any envelope, in whatever spelling JSON allows."""
    try:
        value = _json(envelope.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedEnvelope(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedEnvelope("not a JSON object")
    if value.get("specversion") != "1.0":
        raise MalformedEnvelope("specversion is not 1.0")
    if "data" not in value:
        raise MalformedEnvelope("data is missing")
    event_type = _text(value, "type")
    return Event(
        id=_uuid(value, "id"),
        subject_id=_uuid(value, "subject"),
        time=_time(value),
        actor=_text(value, "actor"),
        type=event_type,
        data=_data(event_type, value["data"]),
        link=_link(value),
        keyid=_text(value, "keyid"),
        correlation_id=_text(value, "correlationid"),
        causation_id=_uuid(value, "causationid") if "causationid" in value else None,
        traceparent=_text(value, "traceparent") if "traceparent" in value else None,
        hash=event_hash(envelope),
        envelope=envelope,
        rules=_rules(value),
    )


def traceparent_of(envelope: bytes) -> bytes | None:
    """The trace context of an envelope that `write` made, without decoding it."""
    found = _TRACEPARENT.search(envelope)
    return found[1] if found else None


def schema_uri(event_type: str) -> str:
    return f"https://incident-ledger.example/schemas/{event_type}.json"


def _quoted(text: str) -> str:
    return to_json(text).decode()


def _data(event_type: str, value: Any) -> EventData | Unknown:
    model = BY_TYPE.get(event_type)
    if model is None:
        return Unknown(value, f"{event_type} is not in this reader's catalogue")
    try:
        return model.model_validate(withhold(model, value))
    except MalformedDisclosure as error:
        return Unknown(None, f"does not fit {event_type}: {error}")
    except ValidationError as error:
        return Unknown(
            value,
            f"does not fit {event_type}: {error.errors(include_url=False, include_input=False)}",
        )


def _link(value: Mapping[str, Any]) -> Link:
    source = _SOURCE.match(_text(value, "source"))
    if source is None or source[1] not in _SERVICES:
        raise MalformedEnvelope("source is not /incident-ledger/<service>/<partition>")
    partition = int(source[2])
    if partition >= PARTITIONS:
        raise MalformedEnvelope(f"partition {partition} does not exist; there are {PARTITIONS}")
    sequence = _text(value, "sequence")
    if not _SEQUENCE.match(sequence) or int(sequence) == 0 or int(sequence) >= 1 << 63:
        raise MalformedEnvelope("sequence is not a number of 20 digits from 1 up")
    return Link(
        _SERVICES[source[1]],
        partition,
        int(sequence),
        _hash(value, "prevhash"),
        _hash(value, "subjectprev"),
    )


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise MalformedEnvelope(f"{name} is missing or not a text")
    if _CONTROL.search(text):
        raise MalformedEnvelope(f"{name} has characters that CloudEvents forbids")
    return text


def _uuid(value: Mapping[str, Any], name: str) -> UUID:
    text = _text(value, name)
    try:
        parsed = UUID(text)
    except ValueError as error:
        raise MalformedEnvelope(f"{name} is not a UUID") from error
    if str(parsed) != text:
        raise MalformedEnvelope(f"{name} is not a UUID in its usual form")
    return parsed


def _rules(value: Mapping[str, Any]) -> int:
    edition = value.get("rules")
    if not isinstance(edition, int) or isinstance(edition, bool) or not 1 <= edition < 1 << 31:
        raise MalformedEnvelope("rules is not the number of an edition from 1 up")
    return edition


def _hash(value: Mapping[str, Any], name: str) -> bytes:
    text = _text(value, name)
    if not _HEX32.match(text):
        raise MalformedEnvelope(f"{name} is not 64 hex digits")
    return bytes.fromhex(text)


def _time(value: Mapping[str, Any]) -> datetime:
    text = _text(value, "time")
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedEnvelope("time is not RFC 3339") from error
    if time.tzinfo is None:
        raise MalformedEnvelope("time has no offset")
    return time.astimezone(UTC)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_json = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant).decode
