"""The command line of every service: what a service's `__main__` imports."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from shared.runtime.opening import running
from shared.runtime.process import early, logging, telemetry
from shared.runtime.process import settings as settings_
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.repair import commands
from shared.runtime.running import ROLES, Resources, Running, Service
from shared.runtime.siblings import consumer_of, receiver_of, relay_of, run

__all__ = [
    "Resources",
    "Running",
    "Service",
    "consumer_of",
    "main",
    "receiver_of",
    "relay_of",
    "run",
    "running",
]

log = structlog.get_logger(__name__)

C = TypeVar("C")
S = TypeVar("S")
R = TypeVar("R")


def main(service: Service[C, S, R]) -> None:
    """Runs a service, or does what an operator's flag says, and ends."""
    arguments = _parser(service).parse_args()
    settings = settings_.load(service.settings)
    logging.configure(service.name, settings.log_format)
    if early.FORGOTTEN:
        log.info("variables meant for other programs are ignored", names=early.FORGOTTEN)
    try:
        telemetry.configure(service.name)
    except ValueError as error:
        sys.exit(f"an OTEL_* variable cannot be used: {error}")
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_main(service, settings, arguments))
    finally:
        telemetry.shutdown()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where there is one: it is not made for every platform."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


def _parser(service: Service[Any, Any, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{service.name}",
        description=f"{service.title}. Every setting comes from the environment (LEDGER_*), see "
        "the README.",
    )
    parser.add_argument(
        "--roles",
        default=",".join(ROLES),
        type=lambda text: frozenset(text.split(",")),
        help="which parts to run in this process (so that they scale apart), of: "
        f"{', '.join(service.roles)}; default: %(default)s",
    )
    commands.add_to(parser)
    return parser


async def _main(
    service: Service[C, S, R], settings: ServiceSettings, arguments: argparse.Namespace
) -> None:
    if unknown := sorted(arguments.roles - set(service.roles)):
        sys.exit(f"--roles: {', '.join(unknown)} is not one of {', '.join(service.roles)}")
    speaks = not arguments.rebuild_ledger
    async with running(service, settings, arguments.roles, speaks=speaks) as process:
        receiver = receiver_of(process, rebuilding=arguments.rebuild_ledger)
        done = await commands.carry_out(arguments, process, receiver)
        if done is None:
            await run(process)
        else:
            print(*done, sep="\n")  # noqa: T201
