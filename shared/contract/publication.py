"""The catalogue as others read it: JSON Schemas, and one AsyncAPI 3 document for both topics, that
of the events and that of the texts beside them (`published_texts`)."""

from typing import Any, Final

from shared.contract.catalogue import EVENTS, short_name
from shared.contract.catalogue.base import CONFIDENTIAL, EventData
from shared.contract.envelope import schema_uri
from shared.contract.hashing import SIGNATURE
from shared.contract.published_texts import CHANNEL, MESSAGES, SCHEMAS
from shared.contract.topics import (
    CONTENT_TYPE,
    HEADER_SIGNATURE,
    HEADER_TRACEPARENT,
    PARTITIONS,
    TOPIC,
)
from shared.contract.vocabulary import ServiceName

JsonObject = dict[str, Any]

_HEX = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_UUID = {"type": "string", "format": "uuid"}


def data_schema(event: type[EventData]) -> JsonObject:
    """The JSON Schema (2020-12) of an event's `data`. Properties marked `x-confidential` are what
    people wrote: the event holds their digests in `_sd`, and they appear once they are disclosed
    (RFC 9901)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_uri(event.TYPE),
        "x-said-by": _said_by(event),
        **_tidied(event.model_json_schema(mode="serialization")),
    }


def _tidied(schema: JsonObject) -> JsonObject:
    """A class's schema and those that it refers to, with what a disclosure gives as the value of a
    confidential property, and `_sd` only where there is one."""
    for part in (schema, *schema.get("$defs", {}).values()):
        properties = part.get("properties", {})
        hidden = [name for name, one in properties.items() if one.get(CONFIDENTIAL)]
        for name in hidden:
            properties[name] = _disclosed(properties[name])
        if hidden:
            properties["_sd"] = {**_SD, "maxItems": len(hidden)}
        else:
            properties.pop("_sd", None)
    return schema


def _disclosed(schema: JsonObject) -> JsonObject:
    """Of a property that appears only once it is disclosed: what was never given has no digest, so
    a disclosed value is never null."""
    values = [one for one in schema["anyOf"] if one not in ({"not": {}}, {"type": "null"})]
    about = {name: one for name, one in schema.items() if name not in {"anyOf", "default"}}
    return {**about, **(values[0] if len(values) == 1 else {"anyOf": values})}


_SD: Final[JsonObject] = {
    "type": "array",
    "items": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    "minItems": 1,
    "uniqueItems": True,
    "description": "Digests of the properties marked x-confidential that were given, sorted "
    "(RFC 9901 §4.2.4.1). In the event's bytes they stand in place of these properties.",
}


def envelope_schema(event: type[EventData]) -> JsonObject:
    """The JSON Schema of the whole message: a CloudEvent in structured mode. Readers ignore
    attributes and fields that are new."""
    attributes: JsonObject = {
        "specversion": {"const": "1.0"},
        "id": _UUID,
        "source": {
            "type": "string",
            "pattern": f"^/incident-ledger/({'|'.join(_said_by(event))})/[0-9]{{1,3}}$",
        },
        "type": {"const": event.TYPE},
        "subject": {**_UUID, "description": "The subject; also the message key."},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": schema_uri(event.TYPE)},
        **_ON_THE_CHAIN,
        "correlationid": {"type": "string"},
        "causationid": _UUID,
        "traceparent": {"type": "string", "description": "W3C trace context in which it was said."},
        "data": {"$ref": f"#/components/schemas/{event.__name__}"},
    }
    return {
        "type": "object",
        "required": [name for name in attributes if name not in {"causationid", "traceparent"}],
        "properties": attributes,
    }


_ON_THE_CHAIN: Final[JsonObject] = {
    "sequence": {
        "type": "string",
        "pattern": "^[0-9]{20}$",
        "description": "Number on the chain of this source, from 1, without gaps.",
    },
    "prevhash": {
        **_HEX,
        "description": "Hash of the event before it on the chain; zeros for the first.",
    },
    "subjectprev": {
        **_HEX,
        "description": (
            "Hash of this service's previous event of the subject; zeros for the first."
        ),
    },
    "actor": {
        "type": "string",
        "description": "Pseudonym of the person who gave the command, or service:<name>.",
    },
    "keyid": {
        "type": "string",
        "pattern": "^[0-9a-f]{8}$",
        "description": "C2SP key id of the signing key.",
    },
    "rules": {
        "type": "integer",
        "minimum": 1,
        "description": "Edition of the rule book that it was decided under.",
    },
}
"""The attributes that place an event on its chain and say who stands for it."""


def _said_by(event: type[EventData]) -> list[str]:
    return [service.value for service in ServiceName if event.SAID_BY in {service, None}]


def json_schemas() -> JsonObject:
    """Every event type with the schema of its data."""
    return {event.TYPE: data_schema(event) for event in EVENTS}


def asyncapi(version: str) -> JsonObject:
    """AsyncAPI 3.0 of both topics, for those who consume them."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Incident ledger", "version": version, "description": _ABOUT},
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "events": {
                "address": TOPIC,
                "messages": {
                    short_name(event.TYPE): {"$ref": f"#/components/messages/{event.__name__}"}
                    for event in EVENTS
                },
                "bindings": {"kafka": {"partitions": PARTITIONS, "bindingVersion": "0.5.0"}},
            },
            "disclosures": CHANNEL,
        },
        "operations": {
            "hear": {
                "action": "receive",
                "channel": {"$ref": "#/channels/events"},
                "summary": (
                    "Hear what the four services say. Per key (subject) the order is the order of "
                    "saying of each service."
                ),
            },
            "hear_texts": {
                "action": "receive",
                "channel": {"$ref": "#/channels/disclosures"},
                "summary": (
                    "Hear what people wrote, and who they are, beside the events: before them or "
                    "after. Only those may who may read it; an event needs no text to be heard."
                ),
            },
        },
        "components": {
            "messages": {**{event.__name__: _message(event) for event in EVENTS}, **MESSAGES},
            "schemas": {**_schemas(), **SCHEMAS},
        },
    }


_ABOUT: Final = (
    "Every step of every incident, as a signed event. The hash of an event is SHA-256(0x00 || "
    f"message value). The header `{HEADER_SIGNATURE}` is base64. {SIGNATURE} "
    "A consumer ignores types, attributes and fields that are new to it. What people wrote is not "
    "in the events: these hold salted digests of it (RFC 9901), and the second topic the "
    "disclosures. A disclosure counts for an event exactly when its digest stands in it; one that "
    "an event content_erased names is to be forgotten, and not taken in again."
)


def _schemas() -> JsonObject:
    schemas: JsonObject = {}
    for event in EVENTS:
        schema = _tidied(
            event.model_json_schema(
                mode="serialization", ref_template="#/components/schemas/{model}"
            )
        )
        schemas |= schema.pop("$defs", {})
        schemas[event.__name__] = {**schema, "x-said-by": _said_by(event)}
    return schemas


def _message(event: type[EventData]) -> JsonObject:
    return {
        "name": event.TYPE,
        "title": short_name(event.TYPE).replace("_", " "),
        "summary": " ".join((event.__doc__ or "").split()),
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "required": ["content-type", HEADER_SIGNATURE],
            "properties": {
                "content-type": {"const": CONTENT_TYPE},
                HEADER_SIGNATURE: {"type": "string", "contentEncoding": "base64"},
                HEADER_TRACEPARENT: {"type": "string"},
            },
        },
        "payload": envelope_schema(event),
        "bindings": {"kafka": {"key": _UUID, "bindingVersion": "0.5.0"}},
    }
