"""Views that have event data in them: null stands where nobody gave a text, and where one is
gone."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import (
    BaseModel,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import CoreSchema

from shared.contract.catalogue.base import CONFIDENTIAL, Part
from shared.contract.disclosure import fields_of

_NULL: Final = {"type": "null"}
_WITHHELD: Final[dict[str, Any]] = {"not": {}}
"""How a field's schema says that a text may not be there; in an event it is left out then."""


class Readable(BaseModel):
    """A view that has event data in it, or is event data itself. A reader finds the same fields
    whether the texts are at hand or not."""

    @model_serializer(mode="wrap")
    def _with_nulls(self, serialise: SerializerFunctionWrapHandler) -> Any:
        return with_nulls(self, serialise(self))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # Of the fields, not of the serializer, which may return anything.
        fields: Any = {name: part for name, part in schema.items() if name != "serialization"}
        return handler(fields)


def with_nulls(value: object, written: Any) -> Any:
    """What was written of the value, with null for every confidential field that was left out."""
    if isinstance(value, BaseModel) and isinstance(written, dict):
        missing = fields_of(type(value)).confidential if isinstance(value, Part) else ()
        for name, field in type(value).model_fields.items():
            if name in missing:
                written.setdefault(name, None)
            with_nulls(getattr(value, name), written.get(field.alias or name))
    elif isinstance(value, list | tuple) and isinstance(written, list):
        for one, of_one in zip(value, written, strict=True):
            with_nulls(one, of_one)
    return written


def say_null(schemas: Mapping[str, Any]) -> None:
    """The schemas of an OpenAPI document say it too: each confidential field is there, and may be
    null."""
    for schema in schemas.values():
        for name, described in schema.get("properties", {}).items():
            if CONFIDENTIAL not in described:
                continue
            kinds = [one for one in described["anyOf"] if one not in (_WITHHELD, _NULL)]
            described["anyOf"] = [*kinds, _NULL]
            described.pop("default", None)
            schema["required"] = [*schema.get("required", []), name]
