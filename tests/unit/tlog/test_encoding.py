"""One value has one spelling: base64, hashes and decimal numbers are read strictly."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.encoding import (
    HASH_SIZE,
    MAX_SIZE,
    from_base64,
    from_decimal,
    hash_from_base64,
    to_base64,
)
from shared.tlog.errors import QuorumMissing, SignatureRejected, TlogError


@given(st.binary(max_size=200))
def test_bytes_are_read_as_they_were_written(data: bytes) -> None:
    text = to_base64(data)
    assert text.isascii()
    assert text == base64.b64encode(data).decode()
    assert from_base64(text) == data


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AA",
        "AAA",
        "AA=",
        "AA==\n",
        " AA==",
        "AA= =",
        "A-==",
        "A_==",
        "AB==",
        "AAB=",
        "AA====",
        "AA==AA==",
        "=",
        "ÄA==",
        "AA\0=",
    ],
)
def test_another_spelling_of_base64_is_refused(text: str) -> None:
    with pytest.raises(TlogError, match="base64"):
        from_base64(text)


@given(st.text(max_size=12))
def test_any_text_is_refused_or_is_the_only_spelling_of_its_bytes(text: str) -> None:
    try:
        data = from_base64(text)
    except TlogError:
        return
    assert to_base64(data) == text


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_a_hash_has_thirty_two_bytes(size: int) -> None:
    assert hash_from_base64(to_base64(bytes(HASH_SIZE))) == bytes(32)
    with pytest.raises(TlogError, match=f"32 bytes, not {size}"):
        hash_from_base64(to_base64(bytes(size)))


@pytest.mark.parametrize("value", [0, 1, 9, 10, 2**31, 2**53 + 1, MAX_SIZE - 1, MAX_SIZE])
def test_a_size_is_read_up_to_the_largest_tree(value: int) -> None:
    assert from_decimal(str(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "01",
        "+1",
        "-1",
        "-0",
        " 1",
        "1 ",
        "1\n",
        "1.0",
        "1e3",
        "0x1",
        "1_000",
        "1,000",
        "\u0661",
        "\u00b2",
        "nan",
        str(MAX_SIZE + 1),
        str(2**64),
        "9" * 19,
        "1" * 5000,
    ],
)
def test_another_spelling_of_a_size_is_refused(text: str) -> None:
    with pytest.raises(TlogError, match="decimal"):
        from_decimal(text)


@given(st.integers(0, MAX_SIZE))
def test_every_size_has_one_spelling(value: int) -> None:
    assert from_decimal(str(value)) == value
    for other in (f"0{value}", f"+{value}", f"{value}\n", f" {value}"):
        with pytest.raises(TlogError):
            from_decimal(other)


@pytest.mark.parametrize("refuse", [from_base64, hash_from_base64, from_decimal])
def test_a_refusal_does_not_repeat_what_a_stranger_wrote(
    refuse: Callable[[str], object],
) -> None:
    with pytest.raises(TlogError) as raised:
        refuse("\x1b[31m<script>")
    assert "script" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_one_except_clause_catches_every_refusal_of_this_package() -> None:
    for kind in (TlogError, SignatureRejected, QuorumMissing):
        assert issubclass(kind, TlogError)
        assert issubclass(kind, ValueError)
    assert not issubclass(QuorumMissing, SignatureRejected)
