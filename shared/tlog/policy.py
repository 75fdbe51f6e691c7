"""Trust policies (c2sp.org/tlog-policy): which logs to trust, and which witnesses must have
cosigned their checkpoints."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from shared.tlog.checkpoint import Checkpoint, open_checkpoint
from shared.tlog.cosignature import CosignatureVerifier, cosigned_at
from shared.tlog.encoding import from_decimal
from shared.tlog.errors import QuorumMissing, TlogError
from shared.tlog.keys import Verifier

MAX_POLICY: Final = 1_000_000
"""Bytes; the specification asks for at least 32 logs, 32 witnesses and 32 groups."""

NOBODY: Final = "none"
_Key = TypeVar("_Key", Verifier, CosignatureVerifier)
_FORBIDDEN: Final = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_WHITESPACE: Final = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Log:
    """tlog-policy, "Defining a log"."""

    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """`name` is its name in the policy, the verifier's name that in its signature lines ("Defining
    a witness")."""

    name: str
    verifier: CosignatureVerifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """At least `threshold` of the members (tlog-policy, "Defining a witness group")."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A checkpoint that a log of the policy signed, when each witness (by its name in the policy)
    cosigned it, and whether these are a quorum."""

    checkpoint: Checkpoint
    log: Log
    cosigned: Mapping[str, int]
    quorum: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """tlog-policy, "What is a policy?". Groups are in the order of the file: each names only
    witnesses and groups of lines before it."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    @classmethod
    def parse(cls, data: bytes) -> "Policy":
        """Reads a policy file; an error names its line (tlog-policy, "Policy file syntax and
        structure")."""
        draft = _Draft()
        for number, words in _lines(data):
            try:
                draft.take(words)
            except TlogError as error:
                raise TlogError(f"policy, line {number}: {error}") from error
        if draft.quorum is None:
            raise TlogError("policy: there is no quorum line")
        return cls(tuple(draft.logs), tuple(draft.witnesses), tuple(draft.groups), draft.quorum)

    def is_quorum(self, cosigned: Iterable[str]) -> bool:
        """Whether witnesses of these names are a quorum (tlog-policy, "Defining the quorum")."""
        if self.quorum == NOBODY:
            return True
        witnessed = {witness.name for witness in self.witnesses}.intersection(cosigned)
        for group in self.groups:
            if sum(member in witnessed for member in group.members) >= group.threshold:
                witnessed.add(group.name)
        return self.quorum in witnessed

    def judge(self, note: bytes) -> Judgement:
        """Judges a signed checkpoint by this policy (tlog-policy, "What is a policy?").

        Raises TlogError unless a log of the policy signed it, and when a signature of a known key
        is false."""
        logs = {(log.verifier.name, log.verifier.key_id): log for log in self.logs}
        checkpoint, opened = open_checkpoint(
            note,
            [log.verifier for log in self.logs],
            [witness.verifier for witness in self.witnesses],
        )
        signatures = {
            (signature.name, signature.key_id): signature for signature in opened.verified
        }
        cosigned = {
            witness.name: cosigned_at(signatures[identity])
            for witness in self.witnesses
            if (identity := (witness.verifier.name, witness.verifier.key_id)) in signatures
        }
        log = next(logs[identity] for identity in signatures if identity in logs)
        return Judgement(checkpoint, log, cosigned, self.is_quorum(cosigned))

    def require(self, note: bytes) -> Judgement:
        """Like `judge`, but raises QuorumMissing when too few witnesses cosigned."""
        judgement = self.judge(note)
        if not judgement.quorum:
            seen = ", ".join(judgement.cosigned) or "nobody"
            raise QuorumMissing(
                f"the policy asks for the quorum {self.quorum}, "
                f"the checkpoint was cosigned by {seen}"
            )
        return judgement


def _lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    if len(data) > MAX_POLICY:
        raise TlogError(f"the policy is longer than {MAX_POLICY} bytes")
    if _FORBIDDEN.search(data):
        raise TlogError("the policy contains a control character")
    if data and not data.endswith(b"\n"):
        raise TlogError("the last line of the policy does not end with a newline")
    # Names are opaque octets: this decoding is one to one even where they are not UTF-8.
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = _WHITESPACE.split(line.strip(" \t"))
        if words[0] and not words[0].startswith("#"):
            yield number, words


@dataclass(slots=True)
class _Draft:
    logs: list[Log] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    keys: set[tuple[type, bytes]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    grouped: set[str] = field(default_factory=set)

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                self.logs.append(Log(self.new_key(Verifier.parse(vkey)), *url))
            case ["witness", name, vkey, *url] if len(url) < 2:
                verifier = self.new_key(CosignatureVerifier.parse(vkey))
                self.witnesses.append(Witness(self.new_name(name), verifier, *url))
            case ["group", name, threshold, *members]:
                self.groups.append(
                    Group(name, _threshold(threshold, len(members)), self.new_members(members))
                )
                self.new_name(name)
            case ["quorum", name]:
                self.set_quorum(name)
            case _:
                raise TlogError("not a line that defines a log, witness, group or quorum")

    def new_key(self, verifier: _Key) -> _Key:
        if (kind := (type(verifier), verifier.public_key)) in self.keys:
            raise TlogError("another line has the same public key")
        self.keys.add(kind)
        return verifier

    def set_quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise TlogError("there is already a quorum line")
        if name != NOBODY and name not in self.names:
            raise TlogError("the quorum is no witness or group of a line before")
        self.quorum = name

    def new_name(self, name: str) -> str:
        if name == NOBODY or name in self.names:
            raise TlogError("this name is already defined")
        self.names.add(name)
        return name

    def new_members(self, members: list[str]) -> tuple[str, ...]:
        for member in members:
            if member not in self.names:
                raise TlogError("a member of the group is no witness or group of a line before")
            if member in self.grouped:
                raise TlogError("a member of the group is already a member of one")
            self.grouped.add(member)
        return tuple(members)


def _threshold(word: str, members: int) -> int:
    match word:
        case "any":
            threshold = 1
        case "all":
            threshold = members
        case _:
            threshold = from_decimal(word)
    if not 1 <= threshold <= members:
        raise TlogError(
            "the threshold of a group is any, all or a number from 1 to that of its members"
        )
    return threshold
