"""Files of keys and policies read the same however an editor left them, and wrongly never."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review.settings import ReviewSettings
from shared.chain import keyfiles
from shared.chain.keyfiles import BadKeyFile, normal
from shared.chain.trust import BadTrustFile, parse
from shared.runtime.process.keyfiles import load_keys, load_trust
from shared.tlog.cosignature import Cosigner
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer
from tests.unit.audit.world import LOG, POLICY_TEXT, TRUST_TEXT

SECOND: Final = Signer("incident-ledger/intake-2", bytes([9]) * 32)
WITNESS: Final = Cosigner(Signer("witness.example", bytes([8]) * 32))
KEYS_TEXT: Final = f"# old\n{LOG.skey}\n{SECOND.skey} # new\n"
TRUST: Final = f"# whom we believe\n\n{TRUST_TEXT}"
POLICY: Final = f"# who must have seen it\n{POLICY_TEXT}"

TEXTS: Final[dict[str, tuple[str, Callable[[bytes], Any]]]] = {
    "vkey": (f"{LOG.vkey}\n", keyfiles.log_key),
    "log key": (f"{LOG.skey}\n", lambda data: keyfiles.log_signer(data).skey),
    "witness key": (
        f"{WITNESS.signer.skey}\n",
        lambda data: keyfiles.witness_key(data).signer.skey,
    ),
    "signing keys": (
        KEYS_TEXT,
        lambda data: [key.skey for key in keyfiles.signing_keys(data)],
    ),
    "trust": (TRUST, lambda data: keyfiles.services_keys(data).keys),
    "policy": (POLICY, keyfiles.witness_policy),
}


def on_disk(read: Callable[[Path], Any]) -> Callable[[Path, bytes], Any]:
    def take(folder: Path, data: bytes) -> Any:
        (folder / "file").write_bytes(data)
        return read(folder / "file")

    return take


def of_review(folder: Path, name: str, data: bytes) -> bytes:
    """The file as review publishes it, once its settings have taken it."""
    given = {"log_key_file": f"{LOG.skey}\n".encode(), "log_policy_file": POLICY.encode()}
    for about, text in {**given, name: data}.items():
        (folder / about).write_bytes(text)
        fields = ReviewSettings.model_fields[about].metadata
        for check in fields:
            if hasattr(check, "func"):
                check.func(folder / about)
    return normal(data)


FILES: Final[dict[str, tuple[str, Callable[[Path, bytes], Any]]]] = {
    "load_trust": (TRUST, on_disk(lambda file: load_trust(file).keys)),
    "load_keys": (KEYS_TEXT, on_disk(lambda file: [key.skey for key in load_keys(file)])),
    "review's log key": (
        f"{LOG.skey}\n",
        lambda folder, data: of_review(folder, "log_key_file", data),
    ),
    "review's policy": (POLICY, lambda folder, data: of_review(folder, "log_policy_file", data)),
}


def spellings(text: str) -> list[bytes]:
    """The same lines, in every combination of what editors do to a file."""
    found = []
    for end, last, mark, blank in itertools.product(
        ("\n", "\r\n", "\r"), ("", "\n", "\n\n\n"), ("", "\ufeff"), ("", " ", "\t ")
    ):
        lines = [line + blank for line in text.splitlines()]
        found.append((mark + end.join(lines) + last.replace("\n", end)).encode())
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_line_ends_are_no_content(name: str) -> None:
    text, read = TEXTS[name]
    meant = read(text.encode())
    for spelling in spellings(text):
        assert read(spelling) == meant, spelling


@pytest.mark.parametrize("name", FILES)
def test_nor_are_they_in_a_file(name: str, tmp_path: Path) -> None:
    text, read = FILES[name]
    meant = read(tmp_path, text.encode())
    for spelling in spellings(text):
        assert read(tmp_path, spelling) == meant, spelling


@given(st.lists(st.binary(max_size=20)))
def test_what_is_normal_stays_and_anything_becomes_so(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    once = normal(data)
    assert normal(once) == once
    assert once == b"" or once.endswith(b"\n")
    assert b"\r" not in once
    kept = [line for line in data.removeprefix(b"\xef\xbb\xbf").split() if line]
    assert once.split() == kept


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("data", [b"\xff\xfe", b"", b"# nothing\n", b"\x00", b"a\nb\nc\n"])
def test_a_file_that_is_none_is_refused_by_a_line_that_shows_no_secret(
    name: str, data: bytes
) -> None:
    _, read = TEXTS[name]
    if name == "trust" and data in {b"", b"# nothing\n"}:
        assert read(data) == frozenset(), "to believe nobody is allowed"
        return
    with pytest.raises((BadKeyFile, BadTrustFile, TlogError)):
        read(data)


@pytest.mark.parametrize("name", ["log key", "witness key", "signing keys"])
def test_the_refusal_of_a_damaged_secret_does_not_show_it(name: str) -> None:
    text, read = TEXTS[name]
    secret = text.rpartition("+")[2].partition("\n")[0][:20]
    with pytest.raises(BadKeyFile, match="line") as refused:
        read(text.replace("KEY+", "KEY+x", 1).encode())
    assert secret not in str(refused.value)


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
def test_a_comment_never_hides_a_key(sign: str) -> None:
    """An editor shows one line, so it is one."""
    line = TRUST_TEXT.splitlines()[0]
    assert parse(f"# a comment{sign}{line}\n").keys == frozenset()


@pytest.mark.parametrize(
    "line",
    [
        f"intake ٣ 1 {LOG.vkey}",
        f"intake 0 1_0 {LOG.vkey}",
        f"intake 0 +1 {LOG.vkey}",
        f"intake 0 0 {LOG.vkey}",
        f"intake -1 1 {LOG.vkey}",
        f"intake 99999 1 {LOG.vkey}",
        f"nobody * 1 {LOG.vkey}",
        f"intake * 1 {LOG.vkey} more",
        f"intake\u00a0* 1 {LOG.vkey}",
    ],
)
def test_a_line_of_the_trust_file_that_is_none_is_named(line: str) -> None:
    with pytest.raises(BadTrustFile, match="line 2"):
        parse(f"# one\n{line}\n")
