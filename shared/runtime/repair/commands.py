"""What an operator may have a service do instead of running: one flag each."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from shared.contract.catalogue.review import ErasureGround
from shared.contract.catalogue.system import PersonErased
from shared.contract.characters import has_visible
from shared.runtime.hear.receiver import Receiver
from shared.runtime.repair import rebuilding, replaying, rotation, settling, view_rebuilding
from shared.runtime.repair.person_erasing import CannotErase, erase_person
from shared.runtime.repair.settlement import CannotSettle, Settlement
from shared.runtime.running import Running
from shared.runtime.say.people import keep


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
    _add_settling(parser, flags)


def _add_settling(parser: argparse.ArgumentParser, flags: argparse._MutuallyExclusiveGroup) -> None:
    flags.add_argument(
        "--settle-parked",
        type=int,
        nargs="+",
        metavar="ID",
        help="say that these parked messages will never be heard, and end",
    )
    flags.add_argument(
        "--erase-person",
        metavar="PERSON",
        help="say that this person is erased from every directory, and end; review alone does so",
    )
    parser.add_argument("--reason", default="", help="with --settle-parked")
    for name in ("proposed-by", "confirmed-by"):
        parser.add_argument(f"--{name}", default="", help="with --settle-parked, --erase-person")
    parser.add_argument(
        "--ground",
        choices=[ground.value for ground in ErasureGround],
        default=ErasureGround.OBJECTION.value,
        help="with --erase-person (default: %(default)s)",
    )


async def carry_out(
    arguments: argparse.Namespace, process: Running[Any, Any, Any], receiver: Receiver
) -> Sequence[str] | None:
    """Carries out the flag that was given, and returns a line for each result; None when there was
    none and the service is to run. For `--rebuild-ledger` the receiver must be one that is
    `rebuilding`, and the process ends if the service still runs."""
    pool, settings = process.pool, process.settings
    if arguments.rebuild_views:
        return [await view_rebuilding.rebuild_views(pool, *process.service.kinds)]
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
    if arguments.erase_person:
        return [await _erase_person(arguments, process)]
    if arguments.replay_parked:
        return await replaying.replay_parked(pool, receiver, arguments.replay_parked)
    return None


async def _settle(arguments: argparse.Namespace, process: Running[Any, Any, Any]) -> Sequence[str]:
    people, persons = process.people, (arguments.proposed_by, arguments.confirmed_by)
    try:
        settlement = Settlement.by(people.pseudonym_of, arguments.reason, *persons)
        settled = await settling.settle(
            process.pool, process.ledger, arguments.settle_parked, settlement
        )
    except CannotSettle as error:
        sys.exit(str(error))
    async with process.read() as connection:
        await keep(connection, people.named(*persons))
    return settled


async def _erase_person(arguments: argparse.Namespace, process: Running[Any, Any, Any]) -> str:
    people, persons = process.people, (arguments.proposed_by, arguments.confirmed_by)
    if not all(map(has_visible, persons)):
        sys.exit("two persons answer for it: --proposed-by and --confirmed-by")
    try:
        erasure = PersonErased(
            person=people.pseudonym_of(arguments.erase_person),
            ground=arguments.ground,
            requested_by=people.pseudonym_of(arguments.proposed_by),
            confirmed_by=people.pseudonym_of(arguments.confirmed_by),
        )
        return await erase_person(process.pool, process.ledger, erasure, people.named(*persons))
    except ValidationError:
        sys.exit("nobody confirms an erasure of their own: a second person is needed")
    except CannotErase as error:
        sys.exit(str(error))
