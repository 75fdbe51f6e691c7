"""Signed notes: the specification's example, its rules one by one, and what may not pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.note import (
    MAX_SIGNATURES,
    Note,
    Signature,
    SignatureRejected,
    Signer,
    TlogError,
    Verifier,
    add_signatures,
    generate_key,
    open_note,
    parse_note,
    sign_note,
)
from tests.unit.tlog.given import flipped, refuses_or_reads

SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

ALICE = Signer("example.com/alice", bytes(32))
BOB = Signer("example.com/bob", bytes(range(32)))
TEXT = "first line\n\nthird line\n"
NOTE = sign_note(TEXT, ALICE, BOB)


def test_the_example_of_the_specification_verifies() -> None:
    note = open_note(SPEC_NOTE, [Verifier.parse(SPEC_VKEY)])
    assert note.text == "This is an example message.\n"
    assert [(signature.name, signature.key_id.hex()) for signature in note.verified] == [
        ("example.com/foo", "530d903a")
    ]
    assert add_signatures(note.text, note.verified) == SPEC_NOTE


def test_keys_keep_their_text_forms() -> None:
    assert Verifier.parse(SPEC_VKEY).vkey == SPEC_VKEY
    skey, vkey = generate_key("example.com/log")
    signer = Signer.parse(skey)
    assert (signer.skey, signer.vkey, Verifier.parse(vkey)) == (skey, vkey, signer.verifier)
    assert Verifier.parse(vkey).verify(b"any bytes", signer.sign(b"any bytes"))


def test_a_printed_key_shows_no_secret() -> None:
    assert "seed" not in repr(BOB)
    assert "\\x01\\x02\\x03" not in repr(BOB)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "a\x07b", "a\ud800b"]
)
def test_a_name_that_the_specification_forbids_makes_no_key(name: str) -> None:
    with pytest.raises(TlogError):
        generate_key(name)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        SPEC_VKEY.replace("530d903a", "530d903b"),
        SPEC_VKEY.replace("530d903a", "530D903A"),
        SPEC_VKEY.replace("foo", "fop"),
        SPEC_VKEY + "\n",
        SPEC_VKEY[:-1],
        "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+" + "A" * 100_000,
    ],
)
def test_a_damaged_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(TlogError):
        Verifier.parse(vkey)


def test_a_damaged_signing_key_is_refused() -> None:
    for place in range(len(BOB.skey)):
        with pytest.raises(TlogError):
            Signer.parse(flipped(BOB.skey.encode(), place).decode("latin-1"))


def test_the_text_ends_at_the_last_blank_line() -> None:
    assert open_note(NOTE, [ALICE.verifier]).text == TEXT


def test_signatures_of_unknown_keys_are_kept_apart() -> None:
    note = open_note(NOTE, [BOB.verifier])
    assert [signature.name for signature in note.verified] == ["example.com/bob"]
    assert [signature.name for signature in note.unverified] == ["example.com/alice"]


def test_a_key_that_shares_only_name_or_only_id_is_unknown() -> None:
    value = ALICE.sign(TEXT.encode())
    strangers = [
        Signature("example.com/bob", ALICE.key_id, value),
        Signature("example.com/x", BOB.key_id, value),
    ]
    known = Signature(BOB.name, BOB.key_id, BOB.sign(TEXT.encode()))
    assert open_note(add_signatures(TEXT, [*strangers, known]), [BOB.verifier]) == Note(
        TEXT, (known,), tuple(strangers)
    )


def test_a_note_without_a_trusted_signature_is_refused() -> None:
    with pytest.raises(SignatureRejected):
        open_note(NOTE, [])


def test_one_false_signature_of_a_trusted_key_refuses_the_note() -> None:
    signatures = parse_note(NOTE)[1]
    false = Signature(ALICE.name, ALICE.key_id, bytes(64))
    for lines in ([false, signatures[1]], [signatures[1], false], [*signatures, false]):
        with pytest.raises(SignatureRejected):
            open_note(add_signatures(TEXT, lines), [ALICE.verifier, BOB.verifier])


def test_a_repeated_signature_counts_once() -> None:
    signatures = parse_note(NOTE)[1]
    assert (
        open_note(add_signatures(TEXT, signatures * 2), [ALICE.verifier]).verified == signatures[:1]
    )


def test_a_hundred_signatures_are_read_and_one_more_is_not() -> None:
    signature = parse_note(NOTE)[1][0]
    assert len(parse_note(add_signatures(TEXT, [signature] * MAX_SIGNATURES))[1]) == MAX_SIGNATURES
    with pytest.raises(TlogError):
        add_signatures(TEXT, [signature] * (MAX_SIGNATURES + 1))


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n",
        b"text\n",
        b"text\n\n",
        NOTE[:-1],
        NOTE + b"\n",
        NOTE + b"x",
        NOTE.replace("—".encode(), b"-"),
        NOTE.replace("— ".encode(), "—\u00a0".encode()),
        NOTE.replace(b"first", b"fi\trst"),
        NOTE.replace(b"first line\n", b"first line\r\n"),
        NOTE.replace(b"first", b"fi\xffrst"),
        NOTE.replace(b"alice ", b"alice  "),
        NOTE.replace(b"alice", b"al+ice"),
        NOTE.replace(b"=\n", b"\n"),
        "text\n\n— name AAAAAA==\n".encode(),
        "text\n\n— name AAAAAAB=\n".encode(),
        b"a" * 1_000_001,
    ],
)
def test_a_malformed_note_is_refused(note: bytes) -> None:
    with pytest.raises(TlogError):
        open_note(note, [ALICE.verifier])


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "\ud800\n"])
def test_a_text_that_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(TlogError):
        sign_note(text, ALICE)


def test_two_trusted_keys_of_one_name_and_id_are_a_mistake() -> None:
    twin = Verifier(ALICE.name, ALICE.key_id, BOB.public_key)
    with pytest.raises(TlogError, match="share"):
        open_note(NOTE, [ALICE.verifier, twin])
    assert open_note(NOTE, [ALICE.verifier, ALICE.verifier]).verified


def test_any_flipped_byte_of_a_note_is_refused() -> None:
    note = sign_note(TEXT, ALICE)
    for place in range(len(note)):
        with pytest.raises(TlogError):
            open_note(flipped(note, place), [ALICE.verifier])


@given(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="".join(map(chr, range(32))))
    )
)
def test_what_is_signed_is_read_back(line: str) -> None:
    assert open_note(sign_note(line + "\n", ALICE), [ALICE.verifier]).text == line + "\n"


@given(st.data())
def test_parsers_refuse_or_read(data: st.DataObject) -> None:
    refuses_or_reads(data, parse_note, NOTE)
    refuses_or_reads(data, lambda note: open_note(note, [ALICE.verifier]), NOTE)
    refuses_or_reads(
        data,
        lambda text: Verifier.parse(text.decode("utf-8", "surrogateescape")),
        SPEC_VKEY.encode(),
    )
    refuses_or_reads(
        data, lambda text: Signer.parse(text.decode("utf-8", "surrogateescape")), BOB.skey.encode()
    )
