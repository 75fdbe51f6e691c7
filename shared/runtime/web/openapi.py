"""The OpenAPI document of a service: what the framework writes, put right where it would say what
is not so."""

from collections.abc import Mapping
from typing import Any, Final

from shared.runtime.web.confidential import say_null
from shared.runtime.web.problems import RESPONSES, Problem

GUARDS: Final = frozenset({"If-Match", "Idempotency-Key"})
"""Headers that a desk takes with every request, and that mean something to a command only."""


def documented(schema: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document whose operations name the problems that they can have, and no others."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for framework in ("HTTPValidationError", "ValidationError"):
        schemas.pop(framework, None)
    own = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= {**own.pop("$defs"), "Problem": own}
    say_null(schemas)
    for described in schemas.values():
        for example in (described.get("example"), *described.get("examples", [])):
            _put_nulls_back(example, described, schemas)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method == "get":
                operation["parameters"] = [
                    one for one in operation.get("parameters", []) if one["name"] not in GUARDS
                ]
            for status in _impossible(path, method, operation):
                if operation["responses"].get(str(status)) == RESPONSES[status]:
                    del operation["responses"][str(status)]
    return schema


def _put_nulls_back(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    """The framework drops every null, also those of an example whose schema requires them."""
    if value is not None:
        # What may be null is one thing otherwise.
        schema = next((one for one in schema.get("anyOf", ()) if "$ref" in one), schema)
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(value, list):
        for item in value:
            _put_nulls_back(item, schema.get("items", {}), schemas)
    elif isinstance(value, dict):
        for name, described in schema.get("properties", {}).items():
            if name in schema.get("required", ()):
                value.setdefault(name, None)
            _put_nulls_back(value.get(name), described, schemas)


def _impossible(path: str, method: str, operation: Mapping[str, Any]) -> set[int]:
    impossible: set[int] = set()
    if method == "get":
        impossible |= {409, 412, 413}
        if "{" not in path:
            impossible.add(404)
    if "security" not in operation:
        impossible |= {401, 403}
    if not operation.get("parameters") and "requestBody" not in operation:
        impossible |= {400, 422}
    return impossible
