"""One campaign: start, load and faults side by side, settle, judge."""

import asyncio
import contextlib
import json
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx

from deploy.ledger.run.demo.cast import PEOPLE
from deploy.local.keys import Keys, write_secret
from deploy.local.tokens import issue
from shared.contract.vocabulary import ServiceName
from tests.chaos import faults, history
from tests.chaos.clients import CHANNEL, PETRA, Clients
from tests.chaos.faults import Fault
from tests.chaos.record import Record
from tests.chaos.stack import READY_WITHIN, Chaos, running
from tests.simulation.checking import History, Outcome, check

SOURCES: Final = 32
STAFF: Final = 16
SETTLED_WITHIN: Final = 120.0
LOOK_EVERY: Final = 0.5
TELL_EVERY: Final = 5.0
SHOWN_EVERY: Final = 15.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    minutes: float
    pace: float
    folder: Path
    port_base: int


@dataclass(slots=True)
class Befallen:
    """A fault that was done: when it ended, and how long after it all four services were ready
    (None: not before the next look)."""

    fault: Fault
    ended: float
    unanswered: int
    ready_after: float | None = None


@dataclass(slots=True)
class Campaign:
    """What became of it."""

    plan: Plan
    record: Record
    befallen: list[Befallen] = field(default_factory=list)
    shown: list[list[bytes]] = field(default_factory=list)
    """The leaves of the sealed log as it was shown now and then."""
    settled_after: float | None = None
    read: History | None = None
    """What was held against the answers."""
    checks: list[tuple[str, str, Sequence[str]]] = field(default_factory=list)
    """What was checked, over how much, and what was found."""

    @property
    def clean(self) -> bool:
        return not any(found for _, _, found in self.checks)


async def run(plan: Plan, say: Say) -> Campaign:
    """Raises StackError when the stack cannot start; whatever goes wrong afterwards is a
    finding."""
    plan.folder.mkdir(parents=True)
    keys = Keys.of(plan.folder)
    keys.make()
    # Drafts name a channel; nothing is sent, so nobody listens.
    write_secret(keys.channels, json.dumps({CHANNEL: "json://127.0.0.1:9"}))
    campaign = Campaign(plan, Record.on(plan.folder / "answers.jsonl"))
    async with running(plan.folder, plan.port_base, say) as chaos:
        if chaos.disk is None:
            say(
                "NOT DONE: no full disk for the sealed log, as this account may not mount a "
                "small one (root may)"
            )
        await _all_ready(chaos)
        await _under_fire(chaos, campaign, keys, say)
        await _judge(chaos, campaign, say)
    return campaign


async def _under_fire(chaos: Chaos, campaign: Campaign, keys: Keys, say: Say) -> None:
    plan = campaign.plan
    tokens = {
        person.name: issue(keys, person.name, [person.role], timedelta(hours=12))
        for person in (*PEOPLE, PETRA)
    }
    urls = {service: chaos.url(service) for service in ServiceName}
    clients = Clients(urls, tokens, campaign.record, random.Random(plan.seed), plan.pace)
    async with asyncio.TaskGroup() as group:
        load = group.create_task(clients.run(SOURCES, STAFF))
        watch = group.create_task(_watch(chaos, campaign))
        look = group.create_task(_look_at_the_log(chaos, campaign))
        tell = group.create_task(_tell(campaign, say))
        await _do(
            faults.schedule(plan.seed, plan.minutes * 60, disk=chaos.disk is not None),
            chaos,
            campaign,
        )
        faults.heal(chaos)
        say("the faults have ended; every client still learns what became of its command")
        clients.stopping.set()
        await history.settled(chaos, SETTLED_WITHIN)
        clients.settled.set()
        await load
        began = time.monotonic()
        if await history.settled(chaos, SETTLED_WITHIN):
            campaign.settled_after = time.monotonic() - began
        else:
            for service in ServiceName:
                chaos.signal(service, signal.SIGUSR1)  # its log says what it waits for
        for task in (watch, look, tell):
            task.cancel()


async def _do(schedule: Sequence[Fault], chaos: Chaos, campaign: Campaign) -> None:
    record = campaign.record
    record.began = time.monotonic()

    async def befall(fault: Fault) -> None:
        await asyncio.sleep(fault.at)
        record.note(fault=fault.kind.value, on=fault.on, lasts=fault.lasts, amount=fault.amount)
        before = record.unanswered
        await faults.commit(fault, chaos)
        campaign.befallen.append(Befallen(fault, record.at, record.unanswered - before))

    async with asyncio.TaskGroup() as group:
        for fault in schedule:
            group.create_task(befall(fault))
        await asyncio.sleep(campaign.plan.minutes * 60)


async def _watch(chaos: Chaos, campaign: Campaign) -> None:
    """Asks all four for readiness, past the links, and dates the recovery from each fault."""
    async with httpx.AsyncClient(timeout=4, trust_env=False) as http:
        while True:
            asked = campaign.record.at
            if await _ready(http, chaos):
                for befallen in campaign.befallen:
                    if befallen.ready_after is None and befallen.ended <= asked:
                        befallen.ready_after = campaign.record.at - befallen.ended
            await asyncio.sleep(LOOK_EVERY)


async def _look_at_the_log(chaos: Chaos, campaign: Campaign) -> None:
    """What was shown once must be the beginning of all that is shown later."""
    while True:
        await asyncio.sleep(SHOWN_EVERY)
        # A bundle that was full in the meantime has another name: then the next look will do.
        with contextlib.suppress(FileNotFoundError):
            campaign.shown.append(await asyncio.to_thread(history.sealed, chaos.stack))


async def _ready(http: httpx.AsyncClient, chaos: Chaos) -> bool:
    try:
        answers = [await http.get(f"{local.url}/readyz") for local in chaos.stack.services.values()]
    except httpx.HTTPError:
        return False
    return all(answer.status_code == 200 for answer in answers)


async def _all_ready(chaos: Chaos) -> None:
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http, asyncio.timeout(READY_WITHIN):
        while not await _ready(http, chaos):
            await asyncio.sleep(LOOK_EVERY)


async def _tell(campaign: Campaign, say: Say) -> None:
    record, of = campaign.record, campaign.plan.minutes * 60
    while True:
        await asyncio.sleep(TELL_EVERY)
        last = campaign.befallen[-1].fault if campaign.befallen else None
        say(
            f"{record.at:.0f} of {of:.0f} s: {record.count(Outcome.ACCEPTED)} accepted, "
            f"{record.count(Outcome.REFUSED)} refused, "
            f"{record.count(Outcome.UNKNOWN)} unknown; {record.unanswered} tries without an "
            f"answer; {len(campaign.befallen)} faults"
            + (f", last: {last.kind} on {last.on}" if last else "")
        )


async def _judge(chaos: Chaos, campaign: Campaign, say: Say) -> None:
    record = campaign.record
    say("reading every ledger and the topic")
    campaign.read = read = await history.history(chaos, record.answers, campaign.shown)
    anomalies = [str(anomaly) for anomaly in check(read)]
    say("verifying, as `ledger verify` does")
    verified = await history.verify(chaos)
    findings = [
        f"{finding['code']}: {finding['where']}: {finding['detail']}"
        for finding in verified["findings"]
    ]
    say("rebuilding every view")
    views = await history.views_that_differ(chaos)
    held = sum(map(len, read.ledgers.values()))
    late = (
        []
        if campaign.settled_after is not None
        else [f"not within {SETTLED_WITHIN:.0f} s of the last fault"]
    )
    bugs = [f"a bug was answered: {bug}" for bug in record.bugs]
    campaign.checks = [
        ("all is said, relayed, heard and sealed once the faults end", _settled(campaign), late),
        (
            "accepted once everywhere, refused nowhere, unknown at most once, chains in order, "
            "texts everywhere but the erased ones",
            _answers(record),
            anomalies,
        ),
        (
            "`ledger verify`",
            f"{held} rows in four ledgers, {len(read.sealed or ())} leaves",
            findings,
        ),
        ("each view equals its rebuild", "four services", views),
        ("no answer is a bug", f"{sum(record.tries.values())} tries", bugs),
    ]


def _settled(campaign: Campaign) -> str:
    return "" if campaign.settled_after is None else f"after {campaign.settled_after:.1f} s"


def _answers(record: Record) -> str:
    return ", ".join(f"{record.count(outcome)} {outcome}" for outcome in Outcome)


def keep(campaign: Campaign) -> Path:
    """Writes what was found next to the logs and the answers; the file."""
    path = campaign.plan.folder / "findings.txt"
    with contextlib.closing(path.open("w", encoding="utf-8")) as file:
        for name, over, found in campaign.checks:
            file.writelines(f"{name} ({over}): {line}\n" for line in found)
    return path
