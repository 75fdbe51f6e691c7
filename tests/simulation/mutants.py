"""Planted bugs: each replaces one function, of the product's pure halves or of the model's order of
steps, by one that is wrong.

They are here to show that the simulation would find them. Each says what was broken and which
anomalies are allowed to give it away."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from unittest.mock import patch

from shared.chain import link, signatures
from shared.chain.link import Head, Verdict
from shared.contract.envelope import Event
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry import cursor
from shared.runtime.carry.cursor import Progress, Sent
from shared.runtime.hear import judge
from shared.runtime.hear.judge import Heard, Known, Parked, ParkReason, Received, Record
from shared.runtime.hear.tables import Stretch
from shared.runtime.say import plan
from shared.runtime.say.plan import Idempotency, Proposal, Signed, Speaker, SubjectHead, Turn
from shared.seal import decide
from shared.seal.decide import Chains
from shared.tlog import turns
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier
from tests.simulation import replica
from tests.simulation.broker import Producer, Request
from tests.simulation.database import ConnectionLost, Row, Transaction, UniqueViolation
from tests.simulation.replica import KeyTaken, Replica, Waiting, place_of
from tests.simulation.schedule import Steps
from tests.simulation.sealer import Sealer
from tests.simulation.world import FAULTS, SETTLES_WITHIN


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    owner: Any
    attribute: str
    wrong: Callable[..., Any]
    betrayed_by: frozenset[str]
    commands: int = 60
    """How long a run shows it soonest."""
    first: int = 0
    """The seed to begin with, where it takes many to show it."""
    settles_within: float = SETTLES_WITHIN
    """Less where the bug makes the relay send the same for ever."""
    faults: Mapping[str, float] = field(default_factory=dict)
    """More of these than usual, where the bug takes several that are rare at once."""

    @contextlib.contextmanager
    def planted(self) -> Iterator[None]:
        with patch.object(self.owner, self.attribute, self.wrong), patch.dict(FAULTS, self.faults):
            yield


_progress, _receive, _plan, _judge = cursor.progress, judge.receive, plan.plan, link.judge


def _cursor_before_acknowledgement(cursors: Mapping[int, int], round_: Sequence[Sent]) -> Progress:
    return replace(
        _progress(cursors, [replace(sent, acknowledged=True) for sent in round_]),
        failed=not all(sent.acknowledged for sent in round_),
    )


def _no_fence(_self: Replica, _epoch: int) -> bool:
    return False


def _producer_kept(self: Replica) -> Producer:
    """Begins again at the cursor, with the producer whose batch failed."""
    kept: Producer = self.__dict__.setdefault(f"kept {self.starts}", self.world.broker.producer())
    kept.alive = True
    return kept


def _no_going_back(_self: Replica) -> None:
    """Goes on behind the batch that failed."""


def _relays_before_commit(self: Transaction) -> Steps:
    """The ledger's rows can be read by the relay before their transaction is known to commit."""
    database = self.database
    rows: Mapping[Any, Row] = self._written.get("ledger", {})
    for (service, partition, sequence), row in rows.items():
        if row.offset is None and sequence not in database.sequences[service, partition]:
            database.sequences[service, partition].append(sequence)
            database.sequences[service, partition].sort()
            database.tables["ledger"][service, partition, sequence] = row
            self._inserted.remove(("ledger", (service, partition, sequence)))
            database.order.append(row)
            self._written["ledger"] = {
                key: value
                for key, value in self._written["ledger"].items()
                if key != (service, partition, sequence)
            }
    yield from _commit(self)


_commit = Transaction.commit


def _last_number_again(head: Head, event: Event, known: bytes | None) -> Verdict:
    verdict = _judge(head, event, known)
    return Verdict.ACCEPT if event.link.sequence == head.sequence > 0 else verdict


def _gap_accepted(head: Head, event: Event, known: bytes | None) -> Verdict:
    verdict = _judge(head, event, known)
    return Verdict.ACCEPT if verdict is Verdict.GAP else verdict


def _duplicate_not_dropped(head: Head, event: Event, known: bytes | None) -> Verdict:
    verdict = _judge(head, event, known)
    return Verdict.ACCEPT if verdict is Verdict.DUPLICATE else verdict


def _gap_dropped(
    own: ServiceName,
    heads: Mapping[ServiceName, Head],
    known: Known,
    waiting: Sequence[Heard],
    examined: Sequence[Heard | Parked],
) -> Received:
    received = _receive(own, heads, known, waiting, examined)
    return replace(
        received,
        parked=tuple(item for item in received.parked if item.reason is not ParkReason.GAP),
    )


def _waiting_forgotten(
    own: ServiceName,
    heads: Mapping[ServiceName, Head],
    known: Known,
    _waiting: Sequence[Heard],
    examined: Sequence[Heard | Parked],
) -> Received:
    return _receive(own, heads, known, (), examined)


def _untrusted_dropped(
    own: ServiceName,
    heads: Mapping[ServiceName, Head],
    known: Known,
    waiting: Sequence[Heard],
    examined: Sequence[Heard | Parked],
) -> Received:
    received = _receive(own, heads, known, waiting, examined)
    return replace(
        received,
        parked=tuple(item for item in received.parked if item.reason is not ParkReason.UNTRUSTED),
    )


def _heard_head_not_moved(
    _self: Replica, _transaction: Transaction, _partition: int, _received: Received
) -> None:
    return


def _hash_not_moved(
    proposals: Sequence[Proposal],
    heads: Mapping[int, Head],
    incidents: Mapping[Any, SubjectHead],
    taken: Mapping[str, bytes],
    speaker: Speaker,
) -> Turn:
    turn = _plan(proposals, heads, incidents, taken, speaker)
    return replace(
        turn, heads={number: Head(head.sequence, ZERO_HASH) for number, head in turn.heads.items()}
    )


def _version_not_checked(
    proposals: Sequence[Proposal],
    heads: Mapping[int, Head],
    incidents: Mapping[Any, SubjectHead],
    taken: Mapping[str, bytes],
    speaker: Speaker,
) -> Turn:
    known = {key: incidents[key] for key in incidents}
    unchecked = []
    for proposal in proposals:
        head = known[proposal.subject_id]
        unchecked.append(proposal._replace(expected_version=head.version))
        if proposal.idempotency is None or proposal.idempotency.key not in taken:
            known[proposal.subject_id] = head._replace(version=head.version + len(proposal.said))
    return _plan(unchecked, heads, incidents, taken, speaker)


def _taken_version_not_refused(
    transaction: Transaction, rows: Sequence[Signed], offsets: Sequence[int | None]
) -> None:
    """As a ledger without its unique (incident, version): who says what he remembers to follow is
    not told that more was heard."""
    for row, offset in zip(rows, offsets, strict=True):
        event = row.recorded.event
        transaction.insert(
            "ledger", place_of(event), Row(event, row.recorded.version, row.signature, offset)
        )


def _digest_not_compared(self: Replica, idempotency: Idempotency) -> Any:
    """Whoever comes with a key that was used gets the answer of the other request."""
    taken = self.database.get("idempotency", idempotency.key)
    return _earlier(self, Idempotency(idempotency.key, taken[0])) if taken is not None else None


_earlier = Replica.earlier


def _key_not_taken(
    _self: Replica, _transaction: Transaction, _proposals: Sequence[Proposal], _turn: Turn
) -> Steps:
    yield 0.0


def _offset_first(
    self: Replica, partition: int, records: Sequence[Record], stretch: Stretch | None = None
) -> Steps:
    """The offset is committed by itself, before what it stands for."""
    if stretch is not None:
        self.database.tables["heard_offset"][partition] = stretch.end
        yield self.world.delay(0.001)
    yield from _hear(self, partition, records)


_hear = Replica.hear


def _answered_before_commit(self: Replica, waiting: Sequence[Waiting]) -> Steps:
    with self.database.transaction(f"{self.name} writer") as transaction:
        try:
            turn = yield from self.append_within(transaction, [item.proposal for item in waiting])
        except (ConnectionLost, UniqueViolation, KeyTaken) as error:
            failure: Exception = error
        else:
            self.answer(waiting, turn)
            with contextlib.suppress(ConnectionLost):
                yield from transaction.commit()
            return
    yield from self.commit_singly(waiting, failure)


def _tried_again_after_a_lost_answer(self: Replica, waiting: Sequence[Waiting]) -> Steps:
    """A commit whose answer was lost may have happened; a second try finds a conflict and decides
    once more."""
    with self.database.transaction(f"{self.name} writer") as transaction:
        try:
            turn = yield from self.append_within(transaction, [item.proposal for item in waiting])
            yield from transaction.commit()
        except (ConnectionLost, UniqueViolation, KeyTaken) as error:
            failure = error
        else:
            self.answer(waiting, turn)
            return
    yield from self.commit_singly(waiting, failure)


def _number_outside_the_transaction(self: Replica, transaction: Transaction, turn: Turn) -> Steps:
    """As a sequence of the database does: the number is gone even when the transaction is rolled
    back."""
    for number, head in turn.heads.items():
        self.database.tables["chain"][self.service, number] = head
    yield from _move_own_heads(self, transaction, turn)


_move_own_heads = Replica.move_own_heads


def _resolved_only_gaps(
    self: Replica, transaction: Transaction, partition: int, received: Received
) -> None:
    """A copy that was parked because its key was missing stays parked for ever."""
    heard = {item.record.offset for item in received.accepted}
    copies = {item.record.offset for item in received.duplicates}
    for key, (item, resolved) in transaction.scan(("parked", partition)).items():
        gap = item.reason is ParkReason.GAP
        row = transaction.get("ledger", place_of(item.event)) if gap else None
        here = item.record.offset in heard or (gap and item.record.offset in copies)
        if not resolved and (here or (row is not None and row.event.envelope == item.record.value)):
            transaction.put(("parked", partition), key, (item, True))


def _log_offset_first(self: Sealer, _transaction: Transaction, offsets: Mapping[int, int]) -> None:
    """Moved whether or not the decision commits."""
    self.database.tables["log_offset"].update(offsets)


def _not_kept(_self: Sealer, _transaction: Transaction, _untrusted: Sequence[Record]) -> None:
    """Its key comes, and nothing is left to seal."""


def _not_taken_up(_self: Replica, _partition: int) -> Steps:
    """Until something arrives that it waits for: for the last of a chain, never."""
    yield from ()


def _published_before_decided(
    self: Sealer, arrived: Mapping[int, Sequence[Heard | Parked]], offsets: Mapping[int, int]
) -> Steps:
    """Everybody sees leaves that the database does not know of when the sealer dies."""
    decide = self.decide

    def show_first(
        turn: Sequence[Any], leaves: tuple[bytes, ...], to: Mapping[int, int], chains: Chains
    ) -> Steps:
        if leaves != self.leaves:
            self.store.replace(self.leaves, leaves)
        yield from decide(turn, leaves, to, chains)

    self.decide = show_first  # type: ignore[method-assign]
    try:
        yield from _seal(self, arrived, offsets)
    finally:
        del self.decide


def _any_index(event: Event, signature: bytes, key: Verifier, roots: turns.Roots) -> bool:
    """The path is followed from whatever place in the turn it fits."""
    if len(signature) <= turns.ALONE:
        return _verify(event, signature, key, roots)
    size = signature[66:68]
    places = [at.to_bytes(2, "big") + size for at in range(int.from_bytes(size, "big"))]
    return any(
        _verify(event, signature[:64] + place + signature[68:], key, roots) for place in places
    )


def _roots_without_the_key(self: turns.Roots, key: Verifier, leaf: bytes, data: bytes) -> bool:
    """A root that one service signed is anybody's."""
    try:
        turn = turns.TurnSignature.parse(data)
    except TlogError:
        return False
    root = turn.root(leaf)
    known = self._known.get((b"", turn.signature, turn.size, root))
    if known is None:
        known = key.verify(turns.message(turn.size, root), turn.signature)
        self._known[b"", turn.signature, turn.size, root] = known
    return known


def _roots_without_the_root(self: turns.Roots, key: Verifier, leaf: bytes, data: bytes) -> bool:
    """Whatever comes with a signature that was true is true."""
    try:
        turn = turns.TurnSignature.parse(data)
    except TlogError:
        return False
    known = self._known.get((key.public_key, turn.signature, turn.size, b""))
    if not known:
        known = key.verify(turns.message(turn.size, turn.root(leaf)), turn.signature)
        self._known[key.public_key, turn.signature, turn.size, b""] = known
    return known


def _path_of_the_next(events: Sequence[Event], signer: signatures.Sign) -> list[bytes]:
    signed = _sign(events, signer)
    return [*signed[1:], *signed[:1]]


_sign, _verify = signatures.sign, signatures.verify


def _sealed_across_a_hole(*arguments: Any) -> decide.Taken:
    with patch.object(judge, "judge", _gap_accepted):
        return _take(*arguments)


_take, _seal = decide.take, Sealer.seal


def _never(*_: object) -> bool:
    return False


def _nothing(*_: object) -> None:
    """Leaves out a step."""


def _no_steps(*_: object) -> Steps:
    yield 0.0


def _told_again_ahead(self: Replica) -> Steps:
    """Tells texts again and goes on with the round that was read before. The topic would be heard,
    and heal: here nobody listens."""
    for one in self.world.replicas:
        one.__dict__["tell_away"] = _nothing
    yield from self.retell()
    return False


def _only_events_acknowledged(_self: Replica, requests: Sequence[Request]) -> bool:
    return bool(requests[0].answer.value)


MUTANTS: Final = (
    Mutant(
        "the cursor moves before the acknowledgement",
        cursor,
        "progress",
        _cursor_before_acknowledgement,
        frozenset({"lost", "reordered", "hole"}),
    ),
    Mutant(
        "no fence",
        Replica,
        "fenced",
        _no_fence,
        frozenset({"lost"}),
        commands=96,
        first=10,
        faults={"lease lost, session lives": 0.1, "log truncated": 0.08, "request late": 0.2},
    ),
    Mutant(
        "the producer is kept after a failure",
        Replica,
        "new_producer",
        _producer_kept,
        frozenset({"lost", "hole"}),
        commands=96,
        first=36,
    ),
    Mutant(
        "no going back after a failure",
        Replica,
        "send_failed",
        _no_going_back,
        frozenset({"lost", "hole"}),
        first=13,
    ),
    Mutant(
        "relayed before the commit",
        Transaction,
        "commit",
        _relays_before_commit,
        frozenset({"fork", "lost", "phantom"}),
    ),
    Mutant(
        "a version that is taken is not refused",
        replica,
        "insert",
        _taken_version_not_refused,
        frozenset({"reordered"}),
    ),
    Mutant(">= for last+1", judge, "judge", _last_number_again, frozenset({"lost", "duplicated"})),
    Mutant("a gap is accepted", judge, "judge", _gap_accepted, frozenset({"hole", "fork"})),
    Mutant(
        "a duplicate is not dropped",
        judge,
        "judge",
        _duplicate_not_dropped,
        frozenset({"lost", "duplicated"}),
    ),
    Mutant(
        "an early event is dropped", judge, "receive", _gap_dropped, frozenset({"lost"}), first=28
    ),
    Mutant("what waits is forgotten", judge, "receive", _waiting_forgotten, frozenset({"lost"})),
    Mutant(
        "what is not trusted is dropped", judge, "receive", _untrusted_dropped, frozenset({"lost"})
    ),
    Mutant(
        "the head of what was heard is not moved",
        Replica,
        "move_heads",
        _heard_head_not_moved,
        frozenset({"lost"}),
    ),
    Mutant("the head's hash is not moved", plan, "plan", _hash_not_moved, frozenset({"fork"})),
    Mutant(
        "the version is not checked",
        plan,
        "plan",
        _version_not_checked,
        frozenset({"reordered", "duplicated", "phantom"}),
    ),
    Mutant(
        "the digest under a key is not compared",
        Replica,
        "earlier",
        _digest_not_compared,
        frozenset({"lost"}),
    ),
    Mutant(
        "the idempotency key is ignored",
        Replica,
        "take_keys",
        _key_not_taken,
        frozenset({"duplicated"}),
    ),
    Mutant(
        "the offset is committed before what it stands for",
        Replica,
        "hear",
        _offset_first,
        frozenset({"lost"}),
    ),
    Mutant(
        "answered before the commit",
        Replica,
        "commit",
        _answered_before_commit,
        frozenset({"lost"}),
    ),
    Mutant(
        "tried again after a lost answer",
        Replica,
        "commit",
        _tried_again_after_a_lost_answer,
        frozenset({"duplicated"}),
        commands=24,
        first=5,
    ),
    Mutant(
        "numbers are drawn outside the transaction",
        Replica,
        "move_own_heads",
        _number_outside_the_transaction,
        frozenset({"hole"}),
        commands=24,
        settles_within=1.0,
    ),
    Mutant("a copy stays parked", Replica, "resolve", _resolved_only_gaps, frozenset({"waiting"})),
    Mutant(
        "the sealer's offset moves before its leaves are decided",
        Sealer,
        "move_offsets",
        _log_offset_first,
        frozenset({"lost"}),
    ),
    Mutant(
        "what is not trusted is not kept for its key",
        Sealer,
        "park",
        _not_kept,
        frozenset({"lost"}),
    ),
    Mutant(
        "what waited is not taken up at a start",
        Replica,
        "take_up",
        _not_taken_up,
        frozenset({"waiting"}),
    ),
    Mutant(
        "published before it is decided",
        Sealer,
        "seal",
        _published_before_decided,
        frozenset({"lost", "fork"}),
    ),
    Mutant(
        "the index in a turn is not checked",
        signatures,
        "verify",
        _any_index,
        frozenset({"unsigned"}),
    ),
    Mutant(
        "roots are remembered without their key",
        turns.Roots,
        "verify",
        _roots_without_the_key,
        frozenset({"phantom", "unsigned"}),
    ),
    Mutant(
        "signatures are remembered without their root",
        turns.Roots,
        "verify",
        _roots_without_the_root,
        frozenset({"phantom", "unsigned"}),
    ),
    Mutant(
        "each event of a turn gets the path of the next",
        signatures,
        "sign",
        _path_of_the_next,
        frozenset({"lost", "unsigned"}),
    ),
    Mutant("what was erased is taken in", Replica, "is_erased", _never, frozenset({"resurrected"})),
    Mutant(
        "taking in and erasing go on side by side",
        Replica,
        "exclude_erasing",
        _no_steps,
        frozenset({"resurrected"}),
        commands=96,
        first=34,
    ),
    Mutant(
        "the topic is not told of what was erased",
        Replica,
        "have_told_again",
        _nothing,
        frozenset({"resurrected"}),
    ),
    Mutant(
        "what a replaced relay tells stays",
        Replica,
        "tell_away",
        _nothing,
        frozenset({"resurrected"}),
        commands=96,
        faults={"request late": 0.3, "acknowledgement lost": 0.05},
    ),
    Mutant(
        "texts are told again ahead of a round that was read before",
        Replica,
        "breaks_off",
        _told_again_ahead,
        frozenset({"resurrected"}),
        faults={
            **dict.fromkeys(FAULTS, 0.0),
            "request lost": 0.3,
            "acknowledgement lost": 0.3,
        },
    ),
    Mutant(
        "the cursor moves over events whose texts are not acknowledged",
        Replica,
        "both_acknowledged",
        _only_events_acknowledged,
        frozenset({"lost"}),
    ),
    Mutant(
        "sealed across a hole",
        decide,
        "take",
        _sealed_across_a_hole,
        frozenset({"hole", "reordered", "lost"}),
        commands=96,
        first=4,
    ),
)
