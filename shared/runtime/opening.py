"""Opens what a service needs: its trust, its key, its database, and what it alone has."""

import contextlib
import sys
from collections.abc import AsyncIterator
from typing import TypeVar

import asyncpg
from asyncpg.pool import Pool

from shared.chain.keyfiles import BadKeyFile
from shared.runtime.process.keyfiles import load_trust
from shared.runtime.process.pool import pool_of
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.running import ROLES, Running, Service
from shared.runtime.say.keyring import KeyMissing, Keyring
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.tables import chains_of, heads_of, learn_rotations

C = TypeVar("C")
S = TypeVar("S")
R = TypeVar("R")


@contextlib.asynccontextmanager
async def running(
    service: Service[C, S, R],
    settings: ServiceSettings,
    roles: frozenset[str] = frozenset(ROLES),
    *,
    speaks: bool = True,
) -> AsyncIterator[Running[C, S, R]]:
    """Opens what a service needs; closes it at the end. `settings` are of the service's own class.
    A process that `speaks` must hold the key in force, and ends when it does not."""
    trusted = load_trust(settings.trust_file)
    keyring = Keyring(service.name, settings.signing_key_file, trusted)
    async with (
        service.resources.open(settings) as resources,
        pool_of(service.name, settings) as pool,
    ):
        if speaks:
            await _speaks_with_a_trusted_key(pool, keyring)
        ledger = Ledger(pool, keyring, service.rules, service.beside)
        yield Running(service, settings, resources, pool, ledger, trusted, roles)


async def _speaks_with_a_trusted_key(pool: "Pool[asyncpg.Record]", keyring: Keyring) -> None:
    """Stops the process rather than let it say what every receiver would have to park."""
    async with pool.acquire() as connection:
        chains = await chains_of(connection, keyring.service)
        await learn_rotations(connection, keyring.trust, chains)
    try:
        for partition, head in heads_of(chains).items():
            keyring.signer({partition: head})
    except (KeyMissing, BadKeyFile) as error:
        sys.exit(str(error))
