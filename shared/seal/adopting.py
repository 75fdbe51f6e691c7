"""Fills a lost database of the sealer from the log that it had published."""

import asyncio
from datetime import datetime
from typing import Final

import structlog

from shared.chain.trust import Trust
from shared.seal import restored
from shared.seal.decide import take_again
from shared.seal.growth import LogRefused, TreeHead
from shared.seal.published import Published
from shared.seal.state import LogState
from shared.tlog.growth import Edge
from shared.tlog.tiles import bundles_of_growth

BUNDLES_AT_ONCE: Final = 64

log = structlog.get_logger(__name__)


async def adopt(
    state: LogState, published: Published, shown: TreeHead, trust: Trust, now: datetime
) -> None:
    """Reads the published log into the database, a few bundles at a time.

    Raises LogRefused when the log's leaves do not make the root of its checkpoint."""
    log.warning("the database was lost: reading the log from its store", size=shown.size)
    edge = Edge()
    chains = await restored.chains(state, trust, now)
    bundles = list(bundles_of_growth(0, shown.size))
    async with state.adopting(shown, now) as add:
        while edge.size < shown.size:
            some, bundles = bundles[:BUNDLES_AT_ONCE], bundles[BUNDLES_AT_ONCE:]
            read = await asyncio.gather(*map(published.bundle, some))
            entries = [entry for bundle, _ in read for entry in bundle]
            signatures = [signature for _, bundle in read for signature in bundle]
            taken = await asyncio.to_thread(take_again, entries, signatures, chains, trust, now)
            chains, trust = taken[-1].chains, taken[-1].trust
            leaves = [heard for one in taken for heard in one.leaves]
            await add(edge.size, leaves)
            edge = edge.grow([heard.event.hash for heard in leaves]).edge
            log.info("reading the log", leaves=edge.size, of=shown.size)
        if TreeHead(edge.size, edge.root) != shown:
            raise LogRefused(
                "the leaves in the log store do not make the root that was published: "
                "the store was changed"
            )
