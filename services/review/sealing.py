"""The worker that seals: all services' events become the leaves of one log."""

from typing import Any

from services.review.log import Log
from shared.chain.keyfiles import normal
from shared.runtime.process import telemetry
from shared.runtime.running import Running
from shared.seal.growth import LogRefused
from shared.seal.sealer import Sealer
from shared.seal.term import Pace
from shared.tlog.policy import Policy


async def sealer(process: Running[Any, Any, Log]) -> None:
    """Seals until it fails. Any number of processes may run it; one at a time holds the lease."""
    settings, signer = process.resources.settings, process.resources.signer
    policy = normal(settings.log_policy_file.read_bytes())
    if signer.name != settings.log_origin:
        raise LogRefused(
            f"LEDGER_LOG_KEY_FILE holds a key of {signer.name}, "
            f"the log's origin is {settings.log_origin}"
        )
    worker = Sealer(
        dsn=settings.database_dsn.get_secret_value(),
        ledger=process.ledger,
        trust=process.trust,
        kafka=settings.kafka(),
        topic=settings.topic,
        store=process.resources.store,
        signer=signer,
        policy=Policy.parse(policy),
        pace=Pace(
            settings.log_checkpoint_every,
            settings.log_heartbeat_every,
            settings.log_hole_after,
            settings.log_witness_within,
        ),
        public={
            "log.vkey": f"{signer.vkey}\n".encode(),
            "trust": normal(settings.trust_file.read_bytes()),
            "policy": policy,
        },
    )
    telemetry.observe_log(worker.measures)
    await worker.run()
