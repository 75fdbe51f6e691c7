"""How a check of the whole history names a number."""

import pytest

from shared.contract.envelope import read
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair.chain_numbers import ChainNumber, chain_number, printed
from tests.unit.runtime.test_receiving import chain


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ((ServiceName.INTAKE, 3, 1), "intake/3 number 1"),
        ((ServiceName.REVIEW, 0, 12345), "review/0 number 12345"),
    ],
)
def test_a_number_is_printed_as_people_say_it(number: ChainNumber, text: str) -> None:
    assert printed(number) == text


def test_an_event_has_the_number_of_its_link() -> None:
    numbers = [chain_number(read(record.value)) for record in chain(ServiceName.INTAKE, 3)]
    assert numbers == [(ServiceName.INTAKE, 3, sequence) for sequence in (1, 2, 3)]
