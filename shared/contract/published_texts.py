"""The topic of texts as others read it: what people wrote, by the event that holds its digests, and
the persons behind pseudonyms."""

from typing import Any, Final

from shared.contract.disclosure import MAX_DISCLOSURE
from shared.contract.pseudonym import PSEUDONYM
from shared.contract.topics import DISCLOSURES_CONFIG, PARTITIONS, TOPIC, disclosures_of

JsonObject = dict[str, Any]

_CONTENT_TYPE: Final = "application/json"

CHANNEL: Final[JsonObject] = {
    "address": disclosures_of(TOPIC),
    "description": (
        "Compacted: the last message of a key is the one that counts, and replaces the others. "
        "A tombstone is a key without a value. It erases nothing at a consumer; the signed event "
        "content_erased does."
    ),
    "messages": {
        "disclosures": {"$ref": "#/components/messages/Disclosures"},
        "person": {"$ref": "#/components/messages/PersonTold"},
    },
    "bindings": {
        "kafka": {
            "partitions": PARTITIONS,
            "topicConfiguration": {
                "cleanup.policy": [DISCLOSURES_CONFIG["cleanup.policy"]],
                "delete.retention.ms": int(DISCLOSURES_CONFIG["delete.retention.ms"]),
                "max.compaction.lag.ms": int(DISCLOSURES_CONFIG["max.compaction.lag.ms"]),
            },
            "bindingVersion": "0.5.0",
        }
    },
}


def _message(name: str, key: JsonObject, summary: str) -> JsonObject:
    return {
        "name": name,
        "title": name.replace("_", " "),
        "summary": summary,
        "contentType": _CONTENT_TYPE,
        "payload": {"oneOf": [{"$ref": f"#/components/schemas/{name}"}, {"type": "null"}]},
        "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
    }


MESSAGES: Final[JsonObject] = {
    "Disclosures": _message(
        "Disclosures",
        {"type": "string", "format": "uuid", "description": "The event's id."},
        "All texts of one event that are not erased; nothing, when none are left.",
    ),
    "PersonTold": _message(
        "PersonTold",
        {"type": "string", "pattern": f"^person:{PSEUDONYM[1:-1]}$"},
        "Who stands behind a pseudonym; nothing, when the person is erased.",
    ),
}

SCHEMAS: Final[JsonObject] = {
    "Disclosure": {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]+$",
        "maxLength": MAX_DISCLOSURE,
        "contentEncoding": "base64url",
        "contentMediaType": _CONTENT_TYPE,
        "contentSchema": {
            "type": "array",
            "prefixItems": [
                {"type": "string", "minLength": 22, "description": "Salt of 128 bits."},
                {"type": "string", "description": "Name of the property."},
                {"description": "Its value, as the schema of the event's data has it."},
            ],
            "minItems": 3,
            "maxItems": 3,
        },
        "description": (
            "RFC 9901 §4.2.1. Its digest is base64url without padding of SHA-256 over these "
            "characters, and stands in `_sd` of the object that the property belongs to."
        ),
    },
    "Disclosures": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Disclosure"},
        "minItems": 1,
    },
    "PersonTold": {
        "type": "object",
        "required": ["subject", "name"],
        "properties": {
            "subject": {"type": "string", "description": "As the identity provider names them."},
            "name": {"type": ["string", "null"]},
        },
    },
}
