"""Views that show persons: by pseudonym in their fields, and beside them by name, for callers who
may read names."""

import re
from typing import Final, TypeVar

from pydantic import BaseModel, Field

_SHOWN: Final = re.compile(r'"(p[a-z2-7]{26})"')
"""A whole string of a JSON text. One that is no person's has no entry in the directory."""


def _nobody(people: dict[str, str]) -> bool:
    return not people


class Peopled(BaseModel):
    """A view in which persons stand."""

    people: dict[str, str] = Field(
        default={},
        exclude_if=_nobody,
        description="By pseudonym: the names, or where none is known the subjects, of the persons "
        "who are shown. Left out where there are none, and for callers who may not `read_people`.",
    )


P = TypeVar("P", bound=Peopled)


def pseudonyms_in(view: BaseModel) -> set[str]:
    """Those that the view shows, wherever they stand in it."""
    return set(_SHOWN.findall(view.model_dump_json()))
