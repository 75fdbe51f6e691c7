"""The rows of the benchmark: what is measured, against what, and the goal."""

from typing import Final

from tests.bench import appends, intake, sealed, transport
from tests.bench.measure import Row, at_least, at_most, at_most_times, below, times

ROWS: Final = (
    Row(
        "append",
        "durable append, 64 callers, chained and signed",
        "pgbench, one row a transaction, 64 clients",
        "events/s",
        times(1.3),
        appends.append_and_pgbench,
    ),
    Row(
        "append-library",
        "the same",
        "eventsourcing library, save, unsigned",
        "events/s",
        times(15),
        appends.append_and_library,
    ),
    Row(
        "bulk",
        "bulk append, 1 000 a turn, chained and signed",
        "eventsourcing library, batch of 1 000, unsigned",
        "events/s",
        times(1),
        appends.bulk_and_library,
    ),
    Row(
        "post",
        "intake, one report a post, durable, 64 callers",
        "a FastAPI route that does nothing",
        "requests/s",
        times(0.5),
        intake.single_and_noop,
        apart=True,
    ),
    Row(
        "ndjson",
        "intake, 10 000 reports in one request",
        None,
        "events/s",
        at_least(20_000, "events/s"),
        intake.ndjson,
        apart=True,
    ),
    Row(
        "relay",
        "relay, ledger to Kafka",
        "bare aiokafka send_batch",
        "events/s",
        times(0.8),
        transport.relay_and_send_batch,
    ),
    Row(
        "hear",
        "triage hears, checks, projects",
        None,
        "events/s",
        at_least(20_000, "events/s"),
        transport.hear,
    ),
    Row(
        "replay",
        "replay from the ledger",
        "eventsourcing library, notification log",
        "events/s",
        times(3),
        transport.replay_and_library,
    ),
    Row(
        "journey",
        "post until visible in review, p99, at 1 000/s",
        None,
        "ms",
        below(250, "ms"),
        transport.journey,
        apart=True,
    ),
    Row(
        "command",
        "one command on triage, decide and append, p50",
        "one-row INSERT round trip, p50",
        "ms",
        at_most_times(3),
        appends.command_and_insert,
    ),
    Row(
        "verify",
        "verify a log's folder: links, leaf hashes, root, signatures of the heads",
        "reading and hashing it, no more",
        "events/s a core",
        at_least(500_000, "events/s a core"),
        sealed.verify_and_hashing,
    ),
    Row(
        "proof",
        "proof of one leaf of 10⁹, from tiles",
        None,
        "bytes",
        at_most(1024, "bytes"),
        sealed.proof,
    ),
)
