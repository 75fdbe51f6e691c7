"""What tests of single parts share."""

from collections.abc import Iterator

import pytest

from shared.runtime.web.persons.named import naming
from tests.unit.runtime.callers import PEOPLE


@pytest.fixture
def within_a_request() -> Iterator[None]:
    """Where bodies are read: a person whom one names has a pseudonym there, and nowhere else."""
    with naming(PEOPLE):
        yield
