"""The state of the log, for readiness."""

from typing import Any, Final

from shared.runtime.process.database import Connection
from shared.seal.rows import holes

PARKED: Final = """
    SELECT count(*) FROM log_parked WHERE value IS NULL OR NOT EXISTS (
    SELECT FROM log_leaf WHERE log_leaf.service = log_parked.service
    AND log_leaf.partition = log_parked.partition
    AND log_leaf.sequence = log_parked.sequence
    AND log_leaf.hash = sha256('\\x00'::bytea || value))"""
"""Messages of which no copy has become a leaf since."""


async def about(connection: Connection) -> dict[str, Any]:
    """Sizes, open holes, waiting and parked messages, and what each witness answered last."""
    row = await connection.fetchrow(
        "SELECT size, published_size, published_at, witnessed_size FROM log_state"
    )
    assert row is not None
    witnesses = await connection.fetch(
        "SELECT name, size, answered_at, problem FROM log_witness ORDER BY name"
    )
    return {
        "size": row["published_size"],
        "deciding": row["size"] - row["published_size"],
        "published_at": row["published_at"].isoformat() if row["published_at"] else None,
        "witnessed_size": row["witnessed_size"],
        "holes": [
            {
                "chain": f"{hole.service}/{hole.partition}",
                "missing": hole.sequence,
                "since": hole.since.isoformat(),
                "recorded": hole.recorded,
            }
            for hole in await holes(connection)
        ],
        "waiting": await connection.fetchval("SELECT count(*) FROM log_waiting"),
        "parked": await connection.fetchval(PARKED),
        "witnesses": [
            {
                "name": one["name"],
                "size": one["size"],
                "answered_at": one["answered_at"].isoformat() if one["answered_at"] else None,
                "problem": one["problem"],
            }
            for one in witnesses
        ],
    }
