"""The tables that a campaign ends with: which faults, how often, how fast all was ready again; what
was checked and found."""

import statistics
from collections import defaultdict

from rich.console import Console
from rich.table import Table

from tests.chaos.campaign import Befallen, Campaign
from tests.chaos.faults import Kind

MOST: int = 20
"""Findings that are printed; all of them are in the file."""


def show(campaign: Campaign, console: Console) -> None:
    console.print(_faults(campaign))
    console.print(_checks(campaign))
    for name, _, found in campaign.checks:
        for line in found[:MOST]:
            console.print(f"[red]{name}[/]: {line}", highlight=False)


def _faults(campaign: Campaign) -> Table:
    table = Table(title=f"Faults, seed {campaign.plan.seed}, {campaign.plan.minutes:g} minutes")
    for name in ("fault", "on"):
        table.add_column(name)
    for name in (
        "times",
        "tries without an answer meanwhile",
        "all ready again after, median",
        "worst",
    ):
        table.add_column(name, justify="right")
    groups: defaultdict[tuple[str, str], list[Befallen]] = defaultdict(list)
    for befallen in campaign.befallen:
        groups[befallen.fault.kind, befallen.fault.group].append(befallen)
    for kind, on in sorted(groups, key=lambda group: (list(Kind).index(Kind(group[0])), group[1])):
        befallen_so = groups[kind, on]
        unanswered = sum(befallen.unanswered for befallen in befallen_so)
        ready = [
            befallen.ready_after for befallen in befallen_so if befallen.ready_after is not None
        ]
        again = (f"{statistics.median(ready):.1f} s", f"{max(ready):.1f} s") if ready else ("", "")
        table.add_row(kind, on, str(len(befallen_so)), str(unanswered), *again)
    return table


def _checks(campaign: Campaign) -> Table:
    table = Table("checked", "over", "result")
    for name, over, found in campaign.checks:
        table.add_row(name, over, f"[red]{len(found)} found" if found else "[green]nothing found")
    return table
