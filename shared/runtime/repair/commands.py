"""What an operator may have a service do instead of running: one flag each."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from shared.runtime.hear.receiver import Receiver
from shared.runtime.repair import rebuilding, replaying, rotation, settling
from shared.runtime.running import Running


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the flags, of which a start takes one at most."""
    flags = parser.add_mutually_exclusive_group()
    flags.add_argument(
        "--rebuild-views",
        action="store_true",
        help="empty the views, write them again from the ledger, and end",
    )
    flags.add_argument(
        "--relay-again",
        action="store_true",
        help="set the relay back to the beginning of every chain, and end",
    )
    flags.add_argument(
        "--replay-parked",
        type=int,
        nargs="+",
        metavar="ID",
        help="try these parked messages again, and end",
    )
    flags.add_argument(
        "--settle-parked",
        type=int,
        nargs="+",
        metavar="ID",
        help="say that these parked messages will never be heard, and end",
    )
    for name in ("reason", "proposed-by", "confirmed-by"):
        parser.add_argument(f"--{name}", default="", help="with --settle-parked")
    flags.add_argument(
        "--rebuild-ledger",
        action="store_true",
        help="take from the topic what the database lacks of what was heard and said, and end; "
        "the service must be stopped",
    )
    flags.add_argument(
        "--rotate-key",
        action="store_true",
        help="say on every chain that the last key of LEDGER_SIGNING_KEY_FILE is the next one, "
        "and end",
    )


async def carry_out(
    arguments: argparse.Namespace, process: Running[Any, Any, Any], receiver: Receiver
) -> Sequence[str] | None:
    """Does what a flag says, and tells what came of it, a line each; None: no flag was given, and
    the service is to run. The receiver must be one that is `rebuilding` for a lost ledger. Ends the
    process when the service still runs that must be stopped."""
    pool, settings = process.pool, process.settings
    if arguments.rebuild_views:
        return [await rebuilding.rebuild_views(pool, process.service.rules)]
    if arguments.rebuild_ledger:
        kafka, topic = settings.kafka(), settings.topic
        try:
            return [await rebuilding.rebuild_ledger(pool, receiver, kafka, topic)]
        except rebuilding.StillRuns as error:
            sys.exit(str(error))
    if arguments.rotate_key:
        return [await rotation.rotate(pool, process.ledger)]
    if arguments.relay_again:
        return [await rebuilding.relay_again(pool)]
    if arguments.settle_parked:
        return await _settle(arguments, process)
    if arguments.replay_parked:
        return await replaying.replay_parked(pool, receiver, arguments.replay_parked)
    return None


async def _settle(arguments: argparse.Namespace, process: Running[Any, Any, Any]) -> Sequence[str]:
    try:
        settlement = settling.Settlement(
            arguments.reason, arguments.proposed_by, arguments.confirmed_by
        )
        return await settling.settle(
            process.pool, process.ledger, arguments.settle_parked, settlement
        )
    except settling.CannotSettle as error:
        sys.exit(str(error))
