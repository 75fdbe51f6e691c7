"""Our digests and disclosures, checked by a reader that was written from the text of RFC 9901 alone
and shares no line with ours."""

import base64
import hashlib
import json
from typing import Any

import pytest

from shared.contract.catalogue import BY_TYPE
from shared.contract.disclosure import digest_of, read_disclosure
from tests.unit.contract.record import examples, recorded, texts_of, told

RECORDED = recorded()
TOLD = told()


def processed(value: Any, disclosures: list[str]) -> Any:
    """§7.1, steps 3 and 4: the payload with what is disclosed put in, and no digest left."""
    by_digest: dict[str, list[Any]] = {}
    for text in disclosures:
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode("ascii")).digest())
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        by_digest[digest.decode().rstrip("=")] = json.loads(decoded)
    seen: set[str] = set()
    result = _restored(value, by_digest, seen)
    assert by_digest.keys() <= seen, "§7.1, step 5: a disclosure that no digest refers to"
    return result


def _restored(value: Any, by_digest: dict[str, list[Any]], seen: set[str]) -> Any:
    if isinstance(value, list):
        return [_restored(one, by_digest, seen) for one in value]
    if not isinstance(value, dict):
        return value
    restored = {
        name: _restored(one, by_digest, seen) for name, one in value.items() if name != "_sd"
    }
    for digest in value.get("_sd", []):
        assert digest not in seen, "§7.1, step 4: a digest that stands twice"
        seen.add(digest)
        if digest in by_digest:
            _, name, claim = by_digest[digest]
            assert name not in {"_sd", "...", *value}, "§7.1, step 3.c.ii.3 and 4"
            restored[name] = _restored(claim, by_digest, seen)
    return restored


@pytest.mark.parametrize(
    ("disclosure", "digest"),
    [  # the examples of §4.2.3 and §4.2.1
        (
            "WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
            "uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY",
        ),
        (
            "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
        ),
        (
            "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd",
            "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
        ),
    ],
)
def test_the_digests_of_the_specification_are_ours(disclosure: str, digest: str) -> None:
    assert digest_of(disclosure) == digest


def test_a_disclosure_of_the_specification_is_read() -> None:
    text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert read_disclosure(text).named() == ("family_name", "Möbius")


@pytest.mark.parametrize("kind", RECORDED)
def test_the_reader_of_the_specification_restores_what_was_said(kind: str) -> None:
    said = examples()[BY_TYPE[kind]][2]
    data = json.loads(RECORDED[kind])["data"]
    restored = processed(data, [one.text for one in TOLD.get(kind, ())])
    everything = said.model_dump(mode="json")
    assert _without_nulls(restored) == _without_nulls(everything)


@pytest.mark.parametrize("kind", RECORDED)
def test_without_disclosures_it_restores_what_stands_in_the_clear(kind: str) -> None:
    bare, _ = texts_of(examples()[BY_TYPE[kind]][2])
    data = json.loads(RECORDED[kind])["data"]
    in_the_clear = bare.model_dump(mode="json", by_alias=False)
    assert processed(data, []) == _without(in_the_clear, "sd")


def test_it_would_see_a_disclosure_of_nothing() -> None:
    kind = "incident.reported.v1"
    foreign = TOLD["incident.lesson_recorded.v1"][0].text
    with pytest.raises(AssertionError, match="no digest refers to"):
        processed(json.loads(RECORDED[kind])["data"], [foreign])


@pytest.mark.parametrize("kind", TOLD)
def test_salts_have_128_bits_and_digests_stand_in_order(kind: str) -> None:
    salts = [json.loads(_decoded(one.text))[0] for one in TOLD[kind]]
    assert all(len(_decoded(salt)) == 16 for salt in salts)
    assert len(set(salts)) == len(salts)
    for digests in _lists_of_digests(json.loads(RECORDED[kind])["data"]):
        assert digests == sorted(digests), "§4.2.4.1: the order tells nothing of the fields"


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _lists_of_digests(value: Any) -> list[list[str]]:
    if isinstance(value, list):
        return [found for one in value for found in _lists_of_digests(one)]
    if not isinstance(value, dict):
        return []
    own = [value["_sd"]] if "_sd" in value else []
    return own + [found for one in value.values() for found in _lists_of_digests(one)]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _without(value: Any, left_out: str) -> Any:
    if isinstance(value, dict):
        return {
            name: _without(one, left_out)
            for name, one in value.items()
            if name not in {left_out, "_sd"}
        }
    return [_without(one, left_out) for one in value] if isinstance(value, list) else value
