"""The texts beside the events: read to be shown, and erased for good by the event that says so.

Erasing and taking in exclude each other: a text that is on its way in while its erasure commits
would otherwise outlive it. The lock is one of its own. With a lock on the table, every command
would wait behind an erasure that waits for a vacuum, and two turns that say texts and erase others
would wait for each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from shared.contract.catalogue.base import Part
from shared.contract.catalogue.review import ContentErased, ErasureGround
from shared.contract.disclosure import Disclosure, by_digest, digest_of, digests, reveal
from shared.contract.envelope import Event
from shared.runtime.process.database import Connection, Row
from shared.runtime.say.plan import Write

P = TypeVar("P", bound=Part)

OWN: Final = "kafka_offset IS NULL"
TELL_AGAIN: Final = """INSERT INTO retold (event_id, partition)
    SELECT DISTINCT ON (event_id) event_id, partition FROM ledger"""
ONCE_MORE: Final = "ORDER BY event_id ON CONFLICT (event_id) DO UPDATE SET mark = DEFAULT"

_ERASED: Final = "SELECT digest, event_id, name, erased_at, ground FROM erased"
_LOCK: Final = "hashtextextended('texts are taken in or erased', 0)"
_TAKE_IN: Final = f"SELECT pg_advisory_xact_lock_shared({_LOCK})"
_EXCLUDE: Final = f"SELECT pg_advisory_xact_lock({_LOCK})"


class Erasure(NamedTuple):
    """What was a text: the field it stood in, since when it is gone, and on which ground."""

    event_id: UUID
    name: str
    erased_at: datetime
    ground: ErasureGround


async def found(connection: Connection, parts: Iterable[Part]) -> dict[str, Disclosure]:
    """The texts of these data that are at hand, by digest."""
    return await _at_hand(connection, [digest for part in parts for digest in digests(part)])


async def _at_hand(connection: Connection, wanted: Sequence[str]) -> dict[str, Disclosure]:
    if not wanted:
        return {}
    rows = await connection.fetch("SELECT content FROM disclosure WHERE digest = ANY($1)", wanted)
    # The digest again, from the text itself: a row that somebody changed is no disclosure.
    return {
        one.digest: one
        for one in (Disclosure(digest_of(row["content"]), row["content"]) for row in rows)
    }


async def told_of(connection: Connection, events: Sequence[UUID]) -> dict[str, Disclosure]:
    """All texts that are kept for these events, by digest, also of types not known here."""
    rows = await connection.fetch(
        "SELECT content FROM disclosure WHERE event_id = ANY($1)", list(events)
    )
    return by_digest(Disclosure(digest_of(row["content"]), row["content"]) for row in rows)


@dataclass(frozen=True, slots=True)
class Told:
    """Texts by the digests that views keep of them, and what was erased of these."""

    found: Mapping[str, Disclosure]
    erased: Mapping[str, Erasure] = field(default_factory=dict)

    def of(self, digest: str | None) -> str | None:
        """The text; None when there was none, or it is not at hand."""
        if digest is None or digest not in self.found:
            return None
        return str(self.found[digest].named()[1])

    def named(self, several: Iterable[str]) -> dict[str, str]:
        """Those that are at hand, by the names of their fields."""
        return dict(self.found[one].named() for one in several if one in self.found)

    def erasure(self, digest: str | None) -> Erasure | None:
        """Why the text is not there; None where it is, where there was none, and where it is merely
        not at hand."""
        return None if digest is None else self.erased.get(digest)

    def at_hand(self, several: Iterable[str]) -> list[str]:
        return [one for one in several if one in self.found]


async def found_by(connection: Connection, several: Iterable[str | None]) -> Told:
    """The texts that have these digests, and the erasures of those that are gone."""
    wanted = [one for one in several if one is not None]
    at_hand = await _at_hand(connection, wanted)
    missing = [one for one in wanted if one not in at_hand]
    if not missing:
        return Told(at_hand)
    rows = await connection.fetch(f"{_ERASED} WHERE digest = ANY($1)", missing)
    return Told(at_hand, _erasures(rows))


async def revealed(connection: Connection, parts: Sequence[P]) -> list[P]:
    """The same data with their texts, as far as they are at hand."""
    at_hand = await found(connection, parts)
    return [reveal(part, at_hand) for part in parts]


async def erasures_of(connection: Connection, events: Iterable[UUID]) -> dict[str, Erasure]:
    """What was erased of these events, by digest."""
    return _erasures(await connection.fetch(f"{_ERASED} WHERE event_id = ANY($1)", list(events)))


def _erasures(rows: Sequence[Row]) -> dict[str, Erasure]:
    return {
        row["digest"]: Erasure(
            row["event_id"], row["name"], row["erased_at"], ErasureGround(row["ground"])
        )
        for row in rows
    }


def forgetting(event: Event) -> Iterable[Write]:
    """What an erasure does to this service's tables, whoever said it. Where a text of the service's
    own goes, the relay tells those of its event again: fewer, or none. A service that did not have
    the text tells nothing: it may be without the others too, until it has heard them again."""
    if not isinstance(event.data, ContentErased):
        return
    texts = event.data.texts
    gone = [one.digest for one in texts]
    yield Write(_EXCLUDE)
    yield Write(
        """INSERT INTO erased (digest, event_id, name, erased_by, erased_at, ground)
           SELECT *, $4::uuid, $5::timestamptz, $6::text
           FROM unnest($1::text[], $2::uuid[], $3::text[])
           ON CONFLICT DO NOTHING""",
        (
            gone,
            [one.event_id for one in texts],
            [one.name for one in texts],
            event.id,
            event.time,
            event.data.ground.value,
        ),
    )
    yield Write(
        f"""WITH gone AS (DELETE FROM disclosure WHERE digest = ANY($1) RETURNING event_id)
            {TELL_AGAIN} WHERE event_id IN (SELECT event_id FROM gone) AND {OWN}
            {ONCE_MORE}""",  # noqa: S608  nothing but our own text
        (gone,),
    )


async def take_in(connection: Connection, told: Mapping[UUID, Sequence[Disclosure]]) -> int:
    """Keeps texts that were heard, but for those that were erased. How many were new. Within the
    caller's transaction, until whose end erasures wait."""
    # In one order, so that two replicas that take in the same never wait for each other.
    rows = sorted((one, event_id) for event_id, several in told.items() for one in several)
    if not rows:
        return 0
    await connection.execute(_TAKE_IN)
    status = await connection.execute(
        """INSERT INTO disclosure (digest, event_id, content)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[]) AS told (digest)
           WHERE NOT EXISTS (SELECT FROM erased WHERE erased.digest = told.digest)
           ON CONFLICT DO NOTHING""",
        [one.digest for one, _ in rows],
        [event_id for _, event_id in rows],
        [one.text for one, _ in rows],
    )
    return int(status.rpartition(" ")[2])
