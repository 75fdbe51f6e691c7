"""What a caller writes of a fact, and what the rules are told of it: they read no text."""

import pytest

from services.triage.bodies import FactBody
from shared.contract.vocabulary import Confidence, FactKey


def body(key: str = "where", value: str = "on a forum") -> FactBody:
    return FactBody.model_validate(
        {
            "key": key,
            "value": value,
            "confidence": Confidence.LOW,
            "source": "seen",
            "observed_at": "2026-03-02T09:10:00Z",
        }
    )


@pytest.mark.parametrize("value", ["unknown", "Unknown", "UNKNOWN"])
def test_the_value_unknown_is_known_to_be_none(value: str) -> None:
    assert not body(value=value).known
    assert body(value=f"{value} to us").known


@pytest.mark.parametrize("key", [key for key in FactKey if key is not FactKey.OTHER])
def test_a_key_that_gates_ask_for_needs_no_label(key: FactKey) -> None:
    assert (body(key).known_key, body(key).label) == (key, None)


@pytest.mark.parametrize("key", ["who_took_the_photo", "Where", "where it was", "other"])
def test_any_other_key_is_a_label_and_stands_among_the_texts(key: str) -> None:
    assert (body(key).known_key, body(key).label) == (FactKey.OTHER, key)
