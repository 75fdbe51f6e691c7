"""Changes the key of a service by an event on each of its chains.

The chain decides: every writer to it, saying or hearing, locks its row and finds there the number
of the last change. So a process that runs on, a second replica and a late one all learn the key
from the ledger before they sign or trust anything after it."""

from typing import Any

import asyncpg
from asyncpg.pool import Pool

from shared.contract.catalogue.system import KeyRotated
from shared.contract.decision import Actor, Context
from shared.contract.topics import PARTITIONS
from shared.runtime.process import clock
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.record import say_of_the_record
from shared.runtime.say.tables import heads_of, learn_rotations, lock_chains


async def rotate(pool: "Pool[asyncpg.Record]", ledger: Ledger[Any, Any]) -> str:
    """Says on all chains at once, signed with the key in force, that the last key of the key file
    takes over. Does nothing when that key is in force already.

    Raises KeyMissing or KeysDiffer when no single key is in force."""
    keyring, service = ledger.keyring, ledger.service.value
    async with pool.acquire() as connection, connection.transaction():
        chains = await lock_chains(connection, services=[ledger.service])
        await learn_rotations(connection, keyring.trust, chains)
        old = keyring.signer(heads_of(chains))
        new = keyring.next()
        if new.key_id == old.key_id:
            return f"{service} signs with {old.key_id.hex()} already, the last key of its key file"
        records = {partition: [KeyRotated(vkey=new.vkey)] for partition in range(PARTITIONS)}
        context = Context(clock.now(), Actor.service(ledger.service))
        await say_of_the_record(connection, ledger.writer, records, context)
    before, after = old.key_id.hex(), new.key_id.hex()
    return f"{service} signed with {before} until now, and signs with {after} from now on"
