"""`make chaos MINUTES=10`: a campaign on a stack of its own, and its tables. Exit code: 0 clean, 1
something was found."""

import argparse
import asyncio
import secrets
import shutil
import sys
from pathlib import Path

from rich.console import Console

from deploy.local import postgres
from deploy.local.errors import StackError
from tests.chaos import campaign, report
from tests.chaos.campaign import Campaign, Plan


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--minutes",
        type=float,
        default=10.0,
        help="how long faults are done (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=None,
        help="repeats the faults of that seed (default: drawn, and printed)",
    )
    parser.add_argument(
        "--pace",
        type=float,
        default=80.0,
        help="commands a second, of all clients (default: %(default)s)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("chaos"),
        help="data, logs and answers; kept when something is found",
    )
    parser.add_argument("--port-base", type=int, default=27000)
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    arguments = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    plan = Plan(
        seed, arguments.minutes, arguments.pace, arguments.folder.absolute(), arguments.port_base
    )
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"seed {seed}; {plan.minutes:g} minutes; everything goes to {plan.folder}")
    try:
        done = asyncio.run(campaign.run(plan, console.print))
    except FileExistsError:
        console.print(
            f"{plan.folder} is there already, from a campaign that found something: look, then "
            "remove it"
        )
        return 2
    except StackError as error:
        console.print(str(error))
        return 2
    report.show(done, console)
    return _end(done, console, keep=arguments.keep)


def _end(done: Campaign, console: Console, *, keep: bool) -> int:
    if not done.clean:
        console.print(
            f"kept: {campaign.keep(done)}, answers.jsonl and logs/ beside it; repeat with --seed "
            f"{done.plan.seed}"
        )
    elif not keep:
        remove(done.plan.folder)
    return 0 if done.clean else 1


def remove(folder: Path) -> None:
    postgres.remove(folder)
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
