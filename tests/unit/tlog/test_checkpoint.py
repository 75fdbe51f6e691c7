"""Checkpoints: the specification's example, one spelling per value, and who must have signed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from shared.tlog.encoding import MAX_SIZE
from shared.tlog.errors import SignatureRejected, TlogError
from shared.tlog.keys import Signer
from shared.tlog.merkle import EMPTY_ROOT
from shared.tlog.note import Signature, add_signatures, parse_note, sign_note
from tests.unit.tlog.given import (
    HEAD,
    LOG,
    NOTE,
    OTHER,
    SPEC_NOTE,
    SPEC_TEXT,
    flipped,
    refuses_or_reads,
)


def test_the_example_of_the_specification_is_read() -> None:
    text, signatures = parse_note(SPEC_NOTE)
    checkpoint = Checkpoint.parse(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert (checkpoint.text, signatures[0].key_id.hex()) == (SPEC_TEXT, "033de0ae")


@pytest.mark.parametrize("size", [0, 1, 10, MAX_SIZE])
def test_a_checkpoint_is_read_as_it_was_written(size: int) -> None:
    checkpoint = Checkpoint("any origin + spaces", size, bytes(32), ("extension", "lines"))
    assert Checkpoint.parse(checkpoint.text) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        SPEC_TEXT[:-1],
        SPEC_TEXT + "\n",
        "\n" + SPEC_TEXT,
        SPEC_TEXT.replace("208", "\u0662\u0660\u0668"),
        SPEC_TEXT.replace("208", "0208"),
        SPEC_TEXT.replace("208", "+208"),
        SPEC_TEXT.replace("208", "-208"),
        SPEC_TEXT.replace("208", " 208"),
        SPEC_TEXT.replace("20852163", "00"),
        SPEC_TEXT.replace("20852163", str(2**63)),
        SPEC_TEXT.replace("20852163", "9" * 10_000),
        SPEC_TEXT.replace("q2I=", "q2J="),
        SPEC_TEXT.replace("q2I=", "q2I"),
        SPEC_TEXT.replace("CsUY", ""),
        SPEC_TEXT + "extension\n\nextension\n",
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(TlogError):
        Checkpoint.parse(text)


def test_a_checkpoint_opens_with_the_key_of_its_log() -> None:
    assert open_checkpoint(NOTE, [LOG.verifier])[0] == HEAD
    with pytest.raises(SignatureRejected):
        open_checkpoint(NOTE, [OTHER.verifier])


def test_either_key_of_a_log_that_rotates_will_do_and_neither_may_be_false() -> None:
    new = Signer(LOG.name, bytes(range(32)))
    for signers in ([LOG], [new], [LOG, new]):
        assert (
            open_checkpoint(sign_checkpoint(HEAD, *signers), [LOG.verifier, new.verifier])[0]
            == HEAD
        )
    false = Signature(new.name, new.key_id, bytes(64))
    with pytest.raises(SignatureRejected, match="false"):
        open_checkpoint(
            add_signatures(HEAD.text, [*parse_note(NOTE)[1], false]), [LOG.verifier, new.verifier]
        )


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    with pytest.raises(SignatureRejected, match="no trusted key of"):
        open_checkpoint(sign_checkpoint(HEAD, OTHER), [LOG.verifier], [OTHER.verifier])


def test_a_log_speaks_only_for_its_own_origin() -> None:
    with pytest.raises(SignatureRejected):
        open_checkpoint(sign_checkpoint(HEAD, OTHER), [OTHER.verifier])


def test_an_empty_tree_has_the_empty_root() -> None:
    assert open_checkpoint(
        sign_checkpoint(Checkpoint(LOG.name, 0, EMPTY_ROOT), LOG), [LOG.verifier]
    )
    with pytest.raises(TlogError, match="empty tree"):
        open_checkpoint(sign_checkpoint(Checkpoint(LOG.name, 0, bytes(32)), LOG), [LOG.verifier])


def test_a_signed_note_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(TlogError):
        open_checkpoint(sign_note("hello\n", LOG), [LOG.verifier])


@pytest.mark.parametrize(
    "head",
    [Checkpoint("", 1, bytes(32)), Checkpoint("a\nb", 1, bytes(32)), Checkpoint("a", 1, b"")],
)
def test_what_would_not_be_read_back_is_not_signed(head: Checkpoint) -> None:
    with pytest.raises(TlogError):
        sign_checkpoint(head, LOG)


@given(st.data())
def test_one_flipped_byte_is_refused(data: st.DataObject) -> None:
    place, mask = data.draw(st.integers(0, len(NOTE) - 1)), data.draw(st.integers(1, 255))
    with pytest.raises(TlogError):
        open_checkpoint(flipped(NOTE, place, mask), [LOG.verifier])


@given(st.data())
def test_parsers_refuse_or_read(data: st.DataObject) -> None:
    refuses_or_reads(data, lambda note: open_checkpoint(note, [LOG.verifier]), NOTE)
    refuses_or_reads(
        data,
        lambda text: Checkpoint.parse(text.decode("utf-8", "surrogateescape")),
        SPEC_TEXT.encode(),
    )
