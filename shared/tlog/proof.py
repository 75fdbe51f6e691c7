"""Offline proofs (c2sp.org/tlog-proof): one file that proves an entry to be in a log that
witnesses have seen."""

from dataclasses import dataclass
from typing import Final, Self

from shared.tlog.encoding import from_base64, from_decimal, hash_from_base64, to_base64
from shared.tlog.errors import TlogError
from shared.tlog.merkle import verify_inclusion
from shared.tlog.note import MAX_NOTE
from shared.tlog.policy import Judgement, Policy

SUFFIX: Final = ".tlog-proof"
MAX_HASHES: Final = 63
MAX_PROOF: Final = 2 * MAX_NOTE
"""Bytes."""

_HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """`checkpoint` is the signed note, verbatim; `extra` is not authenticated (tlog-proof,
    "Format")."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """tlog-proof, "Format"."""
        if len(data) > MAX_PROOF:
            raise TlogError(f"the proof is longer than {MAX_PROOF} bytes")
        head, blank, checkpoint = data.partition(b"\n\n")
        if not blank or not head.isascii():
            raise TlogError("a proof is ASCII lines, an empty line and a checkpoint")
        match head.decode("ascii").split("\n"):
            case [header, extra, index, *hashes] if header == _HEADER and extra.startswith(
                "extra "
            ):
                return cls(_index(index), _hashes(hashes), checkpoint, _extra(extra))
            case [header, index, *hashes] if header == _HEADER:
                return cls(_index(index), _hashes(hashes), checkpoint)
            case _:
                raise TlogError(f"a proof begins with {_HEADER}")

    def encode(self) -> bytes:
        """tlog-proof, "Format"."""
        extra = [f"extra {to_base64(self.extra)}"] if self.extra else []
        lines = [_HEADER, *extra, f"index {self.index}", *map(to_base64, self.hashes), ""]
        return "".join(f"{line}\n" for line in lines).encode("ascii") + self.checkpoint

    def verify(self, leaf: bytes, policy: Policy) -> Judgement:
        """Raises TlogError unless the entry with this leaf hash is at `index` of a log that
        satisfies the policy.

        (tlog-proof, introduction; RFC 9162 §2.1.3.2; tlog-policy, "What is a policy?")"""
        judgement = policy.require(self.checkpoint)
        head = judgement.checkpoint
        if not verify_inclusion(self.index, head.size, leaf, self.hashes, head.root):
            raise TlogError(
                f"the entry is not number {self.index} of {head.origin} at size {head.size}"
            )
        return judgement


def _index(line: str) -> int:
    if not line.startswith("index "):
        raise TlogError("a proof has a line: index, space, number")
    return from_decimal(line.removeprefix("index "))


def _hashes(lines: list[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_HASHES:
        raise TlogError(f"a proof has at most {MAX_HASHES} hashes")
    return tuple(map(hash_from_base64, lines))


def _extra(line: str) -> bytes:
    if not (extra := from_base64(line.removeprefix("extra "))):
        raise TlogError("a proof without extra data has no extra line")
    return extra
