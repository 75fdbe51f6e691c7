"""What the log says of exceptions: what failed and where, and no value that somebody sent."""

import sys

import asyncpg
import pytest
from pydantic import BaseModel, ValidationError

from shared.contract.decision import Missing
from shared.runtime.process.logging import _traced, said

SECRET = "maria.muster@example.org"


class Row(BaseModel):
    number: int


def of_postgres(kind: type[asyncpg.PostgresError]) -> asyncpg.PostgresError:
    return kind.new(
        {
            "C": kind.sqlstate,
            "M": f"invalid input: {SECRET}",
            "D": f"Key (name)=({SECRET}) already exists.",
            "n": "reporter_name_key",
            "t": "reporter",
        }
    )


def of_pydantic() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Row.model_validate({"number": SECRET})
    return caught.value


EXCEPTIONS = [
    of_postgres(asyncpg.UniqueViolationError),
    of_postgres(asyncpg.InvalidTextRepresentationError),
    asyncpg.DataError(f"invalid input for query argument $1: {SECRET!r}"),
    of_pydantic(),
    ValueError(f"invalid literal for int(): {SECRET!r}"),
    KeyError(SECRET),
    UnicodeEncodeError("ascii", SECRET, 0, 1, "no"),
    ExceptionGroup(SECRET, [KeyError(SECRET)]),
]


@pytest.mark.parametrize("error", EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_no_value_is_said(error: Exception) -> None:
    assert SECRET not in said(error)
    assert said(error).startswith(type(error).__name__)


@pytest.mark.parametrize("error", EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_no_value_is_in_a_traceback(error: Exception) -> None:
    try:
        try:
            raise error
        except Exception as inner:
            raise RuntimeError("while it was stored") from inner
    except RuntimeError:
        text = _traced(sys.exc_info())  # type: ignore[arg-type]
    assert SECRET not in text
    assert type(error).__name__ in text
    assert "while it was stored" in text
    assert "test_logging.py" in text


def test_what_helps_is_said() -> None:
    assert said(of_postgres(asyncpg.UniqueViolationError)) == (
        "UniqueViolationError(23505, reporter, reporter_name_key)"
    )
    assert said(of_pydantic()) == "ValidationError(Row: int_parsing)"
    assert said(ConnectionRefusedError(111, "refused")) == "ConnectionRefusedError(111, 'refused')"
    assert said(Missing("incident 7")) == "Missing('incident 7 is not known here')"
