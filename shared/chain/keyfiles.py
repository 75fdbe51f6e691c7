"""Files of keys and policies, as editors, shells and mounted secrets leave them.

Line ends, a byte order mark, blanks at the end of a line and a missing last newline are no content:
`normal` takes them away, and every reader of such a file starts with it. A file that still cannot
be read is a `BadKeyFile`, which names the line and never shows a secret."""

from collections.abc import Callable
from typing import Final, TypeVar

from shared.chain import trust
from shared.chain.trust import Trust
from shared.tlog.cosignature import Cosigner
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer, Verifier
from shared.tlog.policy import Policy

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_Key = TypeVar("_Key")


class BadKeyFile(ValueError):
    """The file does not hold what it must; the message says which line, and shows no secret."""


def normal(data: bytes) -> bytes:
    """The same lines with `\\n` at the end of each and nothing blank before it."""
    text = data.removeprefix(_BYTE_ORDER_MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = [line.rstrip(b" \t") for line in text.split(b"\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\n" for line in lines)


def log_key(data: bytes) -> Verifier:
    """The verifier key of a log: one line. Raises BadKeyFile."""
    return _only("verifier key", data, Verifier.parse)


def log_signer(data: bytes) -> Signer:
    """The signing key of a log: one line. Raises BadKeyFile."""
    return _only("signing key", data, Signer.parse)


def witness_key(data: bytes) -> Cosigner:
    """The key of a witness: one line. Raises BadKeyFile."""
    return _only("key of a witness", data, Cosigner.parse)


def signing_keys(data: bytes) -> list[Signer]:
    """A service's keys, one a line, `#` begins a comment; the one that is to come is the last.
    Raises BadKeyFile."""
    lines = _text("key file", data).split("\n")
    texts = [line.partition("#")[0].strip(" \t") for line in lines]
    keys = [_key(number, text, Signer.parse) for number, text in enumerate(texts, 1) if text]
    if not keys:
        raise BadKeyFile("the key file holds no key")
    return keys


def services_keys(data: bytes) -> Trust:
    """A trust file. Raises BadTrustFile, or BadKeyFile when it is no text."""
    return trust.parse(_text("trust file", data))


def witness_policy(data: bytes) -> Policy:
    """A policy (c2sp.org/tlog-policy). Raises TlogError."""
    return Policy.parse(normal(data))


def _only(kind: str, data: bytes, parse: Callable[[str], _Key]) -> _Key:
    lines = [
        (number, line.strip(" \t"))
        for number, line in enumerate(_text(f"file of a {kind}", data).split("\n"), 1)
        if line and not line.startswith("#")
    ]
    if len(lines) != 1:
        raise BadKeyFile(f"the file of a {kind} holds {len(lines)} lines; it must be 1")
    return _key(*lines[0], parse)


def _key(number: int, line: str, parse: Callable[[str], _Key]) -> _Key:
    try:
        return parse(line)
    except TlogError as error:
        raise BadKeyFile(f"line {number}: {error}") from None


def _text(kind: str, data: bytes) -> str:
    try:
        return normal(data).decode("utf-8")
    except UnicodeDecodeError:
        raise BadKeyFile(f"the {kind} is not text in UTF-8") from None
