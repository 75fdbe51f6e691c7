"""What every service's OpenAPI document must be: a summary, a description and true examples for
each route."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator

Document: TypeAlias = dict[str, Any]


def flaws(document: Document) -> list[str]:
    """What is missing in the document or is not true in it."""
    return [*_undocumented(document), *_untrue(document)]


def _undocumented(document: Document) -> Iterator[str]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            yield from (
                f"{where} has no {text}"
                for text in ("summary", "description")
                if not operation.get(text)
            )
            success = next(
                answer for status, answer in operation["responses"].items() if status < "300"
            )
            for content in (success, operation.get("requestBody", {})):
                for media_type, about in content.get("content", {}).items():
                    if not _has_example(about, document):
                        yield f"{where} has no example of {media_type}"


def _has_example(content: dict[str, Any], document: Document) -> bool:
    """Its own, or that of the schema that it stands for: of a page's items, of what may be left
    out."""
    if {"example", "examples"} & content.keys():
        return True
    schema = content.get("schema", content)
    if "$ref" in schema:
        return _has_example(
            document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document
        )
    if "items" in schema.get("properties", {}):
        return _has_example(schema["properties"]["items"]["items"], document)
    if "anyOf" in schema:
        return any(_has_example(one, document) for one in schema["anyOf"] if "$ref" in one)
    return bool({"example", "examples"} & schema.keys())


def _untrue(document: Document) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        validator = Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": document["components"]},
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        for example in [
            *([schema["example"]] if "example" in schema else []),
            *schema.get("examples", []),
        ]:
            yield from (
                f"an example of {name}: {error.message}" for error in validator.iter_errors(example)
            )
