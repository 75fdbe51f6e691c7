"""Small documents, put right one thing at a time."""

import copy
from typing import Any

import pytest

from shared.runtime.web.openapi import GUARDS, documented
from shared.runtime.web.problems import RESPONSES

ALL = {str(status): response for status, response in RESPONSES.items()}


def operation(
    *, parameters: tuple[str, ...] = (), body: bool = False, secured: bool = False
) -> dict[str, Any]:
    made: dict[str, Any] = {"responses": {"200": {}, **copy.deepcopy(ALL)}}
    if parameters:
        made["parameters"] = [{"name": name, "in": "header"} for name in parameters]
    if body:
        made["requestBody"] = {}
    if secured:
        made["security"] = [{"token": []}]
    return made


def left(method: str, path: str, made: dict[str, Any]) -> set[str]:
    document = documented({"paths": {path: {method: made}}})
    return set(document["paths"][path][method]["responses"]) - {"200"}


@pytest.mark.parametrize(
    ("method", "path", "made", "expected"),
    [
        ("get", "/all", operation(), {"503"}),
        ("get", "/all", operation(secured=True), {"401", "403", "503"}),
        ("get", "/all", operation(parameters=("limit",)), {"400", "422", "503"}),
        ("get", "/one/{id}", operation(parameters=("id",)), {"400", "404", "422", "503"}),
        ("post", "/all", operation(body=True), {"400", "404", "409", "412", "413", "422", "503"}),
        ("post", "/all", operation(), {"404", "409", "412", "413", "503"}),
        ("post", "/all", operation(body=True, secured=True), set(ALL)),
        ("get", "/all", operation(parameters=("If-Match",)), {"503"}),
    ],
)
def test_an_operation_keeps_the_problems_that_it_can_have(
    method: str, path: str, made: dict[str, Any], expected: set[str]
) -> None:
    assert left(method, path, made) == expected


def test_what_a_route_describes_itself_stays() -> None:
    made = operation()
    made["responses"]["404"] = {"description": "No such list"}
    assert "404" in left("get", "/all", made)


@pytest.mark.parametrize("guard", sorted(GUARDS))
@pytest.mark.parametrize(("method", "kept"), [("get", False), ("post", True), ("put", True)])
def test_guards_are_for_commands(guard: str, method: str, kept: bool) -> None:
    made = operation(parameters=(guard, "limit"))
    documented({"paths": {"/": {method: made}}})
    assert [one["name"] for one in made["parameters"]] == ([guard] if kept else []) + ["limit"]


def test_the_frameworks_errors_are_replaced_by_ours() -> None:
    document = documented(
        {
            "paths": {},
            "components": {"schemas": {"HTTPValidationError": {}, "ValidationError": {}, "A": {}}},
        }
    )
    assert set(document["components"]["schemas"]) == {"A", "Problem", "FieldProblem"}
    assert "$defs" not in document["components"]["schemas"]["Problem"]


REQUIRING = {"required": ["must"], "properties": {"must": {}, "may": {}}}
NESTED: dict[str, Any] = {"properties": {"inner": {"$ref": "#/components/schemas/Requiring"}}}
LISTED: dict[str, Any] = {
    "properties": {"all": {"type": "array", "items": {"$ref": "#/components/schemas/Requiring"}}}
}


@pytest.mark.parametrize(
    ("schema", "example", "expected"),
    [
        (REQUIRING, {}, {"must": None}),
        (REQUIRING, {"must": 1}, {"must": 1}),
        (REQUIRING, {"may": 1}, {"may": 1, "must": None}),
        (NESTED, {"inner": {}}, {"inner": {"must": None}}),
        (NESTED, {}, {}),
        (LISTED, {"all": [{}, {"must": 1}]}, {"all": [{"must": None}, {"must": 1}]}),
        (LISTED, {"all": []}, {"all": []}),
        ({}, "a text", "a text"),
    ],
)
def test_an_example_has_the_nulls_that_its_schema_requires(
    schema: dict[str, Any], example: Any, expected: Any
) -> None:
    for member, given in (("example", example), ("examples", [example])):
        schemas = {
            "Requiring": copy.deepcopy(REQUIRING),
            "Shown": {**copy.deepcopy(schema), member: copy.deepcopy(given)},
        }
        document = documented({"paths": {}, "components": {"schemas": schemas}})
        shown = document["components"]["schemas"]["Shown"][member]
        assert shown == (expected if member == "example" else [expected])
