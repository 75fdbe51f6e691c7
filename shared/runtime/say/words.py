"""Reads where a service's chains stand and signs it: its own word, by its own database alone."""

from datetime import datetime
from uuid import UUID

from shared.chain.link import Head
from shared.chain.statements import ChainHeads, SubjectStatement, sign
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS, partition_of
from shared.runtime.process.database import Connection
from shared.runtime.say.keyring import Keyring
from shared.runtime.say.tables import chains_of, heads_of, learn_rotations


async def chain_checkpoint(connection: Connection, keyring: Keyring, now: datetime) -> bytes:
    """The signed heads of all chains, as of one moment."""
    rows = await chains_of(connection, keyring.service)
    await learn_rotations(connection, keyring.trust, rows)
    heads = heads_of(rows)
    statement = ChainHeads(
        keyring.service, now, tuple(heads[number] for number in range(PARTITIONS))
    )
    return sign(statement.text, keyring.signer(heads))


async def subject_head(
    connection: Connection, keyring: Keyring, subject_id: UUID, now: datetime
) -> bytes:
    """How much the service has said of the subject, signed; also when that is nothing."""
    row = await connection.fetchrow(
        """SELECT service, partition, sequence, hash, rotated,
                  (SELECT count(*) FROM ledger
                   WHERE subject_id = $2 AND ledger.service = chain.service) AS said,
                  (SELECT said_hash FROM subject_head WHERE subject_id = $2) AS said_hash
           FROM chain WHERE service = $1 AND partition = $3""",
        keyring.service.value,
        subject_id,
        partition_of(subject_id),
    )
    assert row is not None
    await learn_rotations(connection, keyring.trust, [row])
    head = Head(row["sequence"], row["hash"])
    last = row["said_hash"] or ZERO_HASH
    statement = SubjectStatement(keyring.service, subject_id, now, row["said"], last, head)
    return sign(statement.text, keyring.signer({row["partition"]: head}))
