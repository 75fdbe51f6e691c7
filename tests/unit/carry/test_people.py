"""What the topic of texts says of a person: under which key, where, and what a tombstone is for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.topics import PARTITIONS
from shared.runtime.carry.people import KEY, key_of, message_of, partition_of
from tests.unit.runtime.callers import PEOPLE

ANA = PEOPLE.pseudonym_of("ana@corp")


def test_a_person_has_a_key_that_is_no_events() -> None:
    assert key_of(ANA) == b"person:" + ANA.encode()
    assert key_of(ANA).startswith(KEY)


@given(st.text())
def test_every_service_tells_of_a_person_in_one_place(subject: str) -> None:
    places = {partition_of(PEOPLE.pseudonym_of(subject)) for _ in range(2)}
    assert len(places) == 1
    assert places < set(range(PARTITIONS))


def test_persons_are_spread() -> None:
    places = {partition_of(PEOPLE.pseudonym_of(f"u-{number}")) for number in range(200)}
    assert places == set(range(PARTITIONS))


@pytest.mark.parametrize("name", ["Ana Example", "李雷", None])
def test_of_one_who_is_there_it_says_subject_and_name(name: str | None) -> None:
    row: Any = {"pseudonym": ANA, "subject": "ana@corp", "name": name}
    message = message_of(row)
    assert message is not None
    assert json.loads(message) == {"subject": "ana@corp", "name": name}


def test_of_one_who_is_gone_it_says_nothing() -> None:
    gone: Any = {"pseudonym": ANA, "subject": None, "name": None}
    assert message_of(gone) is None
