"""Cosignatures: the specification's message and example, and what does not verify."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.cosignature import MAX_TIMESTAMP, CosignatureVerifier, Cosigner, cosigned_at
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer, Verifier
from shared.tlog.note import Signature, add_signatures, open_note, parse_note
from tests.unit.tlog.given import HEAD, LOG, SPEC_NOTE, SPEC_TEXT, flipped, refuses_or_reads

SPEC_LINE = (
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZC"
    "B9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
WITNESS = Cosigner(Signer("witness.example/w1", b"w" * 32))
COSIGNED = WITNESS.cosign(HEAD.text, 1_700_000_000)


def test_the_example_of_the_specification_is_read() -> None:
    cosignature = parse_note(SPEC_NOTE + SPEC_LINE.encode())[1][1]
    assert (cosignature.name, cosignature.key_id.hex()) == ("witness.example.com/w1", "8d66cf3f")
    assert cosigned_at(cosignature) == 1679315147
    assert cosignature.line == SPEC_LINE


def test_the_signed_message_is_that_of_the_specification() -> None:
    cosignature = WITNESS.cosign(SPEC_TEXT, 1679315147)
    message = f"cosignature/v1\ntime 1679315147\n{SPEC_TEXT}".encode()
    assert WITNESS.signer.verifier.verify(message, cosignature.value[8:])
    assert cosignature.value[:8] == (1679315147).to_bytes(8, "big")


def test_the_key_id_is_that_of_the_specification() -> None:
    material = b"witness.example/w1\n\x04" + WITNESS.signer.public_key
    assert WITNESS.verifier.key_id == COSIGNED.key_id == hashlib.sha256(material).digest()[:4]
    assert CosignatureVerifier.parse(WITNESS.vkey) == WITNESS.verifier


def test_each_kind_of_key_has_its_own_text() -> None:
    assert Cosigner.parse(WITNESS.signer.skey) == WITNESS
    for parse, vkey in ((CosignatureVerifier.parse, LOG.vkey), (Verifier.parse, WITNESS.vkey)):
        with pytest.raises(TlogError, match="signature type"):
            parse(vkey)
    assert "seed" not in repr(WITNESS)


def test_a_cosignature_opens_the_note_it_is_on() -> None:
    note = add_signatures(HEAD.text, [COSIGNED])
    assert open_note(note, [WITNESS.verifier]).verified == (COSIGNED,)


def test_another_text_time_or_length_does_not_verify() -> None:
    text, value = HEAD.text.encode(), COSIGNED.value
    later = WITNESS.cosign(HEAD.text, 1_700_000_001).value
    assert WITNESS.verifier.verify(text, value)
    assert not WITNESS.verifier.verify(text + b"extension\n", value)
    for wrong in (b"", value[:-1], value + b"\0", later[:8] + value[8:], b"\xff" * 8 + value[8:]):
        assert not WITNESS.verifier.verify(text, wrong)


@given(st.integers(0, 71), st.integers(1, 255))
def test_one_flipped_byte_does_not_verify(place: int, mask: int) -> None:
    assert not WITNESS.verifier.verify(HEAD.text.encode(), flipped(COSIGNED.value, place, mask))


@pytest.mark.parametrize("timestamp", [-1, MAX_TIMESTAMP + 1])
def test_a_time_that_has_no_form_is_refused(timestamp: int) -> None:
    with pytest.raises(TlogError):
        WITNESS.cosign(HEAD.text, timestamp)


def test_a_plain_signature_has_no_time() -> None:
    with pytest.raises(TlogError):
        cosigned_at(Signature(LOG.name, LOG.key_id, LOG.sign(b"")))


@given(st.data())
def test_parsers_refuse_or_read(data: st.DataObject) -> None:
    refuses_or_reads(
        data,
        lambda t: CosignatureVerifier.parse(t.decode("utf-8", "surrogateescape")),
        WITNESS.vkey.encode(),
    )
    refuses_or_reads(
        data,
        lambda t: Cosigner.parse(t.decode("utf-8", "surrogateescape")),
        WITNESS.signer.skey.encode(),
    )
    assert WITNESS.verifier.verify(HEAD.text.encode(), data.draw(st.binary(max_size=90))) is False
