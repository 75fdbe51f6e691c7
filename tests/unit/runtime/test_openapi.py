"""What is put right in the document that the framework writes."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Header
from pydantic import BaseModel, ConfigDict

from shared.runtime.web import problems
from shared.runtime.web.desk import Limit
from shared.runtime.web.openapi import documented


class Shown(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"must": None, "inner": [{"x": None}]}})
    must: str | None
    may: str | None = None


router = APIRouter()


@router.get("/plain")
async def plain() -> Shown:
    return Shown(must=None)


@router.get("/found/{name}")
async def found(name: str, guard: Annotated[str | None, Header(alias="If-Match")] = None) -> None:
    """With a guard that a reader has no use for."""


@router.get("/listed")
async def listed(limit: Limit = 50) -> None:
    """With bounds."""


@router.post("/done/{name}")
async def done(name: str, guard: Annotated[str | None, Header(alias="If-Match")] = None) -> None:
    """With a guard that it needs."""


@pytest.fixture
def document() -> dict[str, Any]:
    app = FastAPI()
    app.include_router(router, responses=problems.RESPONSES)
    return documented(app.openapi())


@pytest.mark.parametrize(
    ("method", "path", "never"),
    [
        ("get", "/plain", {"400", "401", "403", "404", "409", "412", "413", "422"}),
        ("get", "/found/{name}", {"401", "403", "409", "412", "413"}),
        ("post", "/done/{name}", {"401", "403"}),
    ],
)
def test_a_route_names_no_problem_that_it_cannot_have(
    document: dict[str, Any], method: str, path: str, never: set[str]
) -> None:
    named = set(document["paths"][path][method]["responses"])
    possible = {str(status) for status in problems.RESPONSES}
    assert named & possible == possible - never


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [("get", "/found/{name}", ["name"]), ("post", "/done/{name}", ["name", "If-Match"])],
)
def test_only_commands_have_guards(
    document: dict[str, Any], method: str, path: str, names: list[str]
) -> None:
    assert [one["name"] for one in document["paths"][path][method]["parameters"]] == names


def test_an_example_keeps_the_nulls_that_its_schema_requires(document: dict[str, Any]) -> None:
    example = document["components"]["schemas"]["Shown"]["example"]
    assert example["must"] is None
    assert "may" not in example


def test_a_page_has_its_bounds(document: dict[str, Any]) -> None:
    (limit,) = document["paths"]["/listed"]["get"]["parameters"]
    assert limit["schema"].items() >= {"minimum": 1, "maximum": 200, "default": 50}.items()


def test_errors_are_ours_and_not_the_frameworks(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "Problem" in schemas
    assert not {"HTTPValidationError", "ValidationError"} & schemas.keys()
