"""`make simulate SEEDS=…`: appender, relay, receiver and sealer under every fault there is, many
times over."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation.campaign import Tally, campaign, minimal
from tests.simulation.world import FAULTS, Result

console = Console()
SHOWN, TRACED = 10, 3


def main(
    seeds: Annotated[int, typer.Option(help="How many runs, each with a seed of its own.")] = 4500,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    seed: Annotated[
        int | None, typer.Option(help="Repeat this one seed, and trace it when it fails.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="Processes; as many as there are cores otherwise.")
    ] = None,
) -> None:
    """Runs the ledger's deciding halves over a model of Postgres and Kafka that misbehaves, and
    checks every history.

    Each seed is one run: other faults, at other moments. The same seed is always the same run. A
    seed that shows an anomaly is printed with the smallest set of faults that still shows it, and
    the exit code is 1."""
    tally, started = Tally(), time.monotonic()
    chosen = [seed] if seed is not None else list(range(first, first + seeds))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("simulating", total=len(chosen))
        for result in campaign(chosen, processes):
            tally.add(result)
            progress.update(
                task,
                advance=1,
                description=f"{tally.faults.total():,} faults, {len(tally.failing)} seeds fail",
            )
    for failing in tally.failing[:TRACED]:
        explain(failing)
    console.print(table(tally, time.monotonic() - started))
    raise typer.Exit(1 if tally.failing else 0)


def table(tally: Tally, seconds: float) -> Table:
    found = Table("fault", "times", "anomalies in those runs", title="Simulation")
    for kind in FAULTS:
        found.add_row(kind, f"{tally.faults[kind]:,}", str(tally.anomalies[kind]))
    found.add_section()
    found.add_row(
        "all", f"{tally.faults.total():,}", f"{len(tally.failing)} of {tally.runs} seeds fail"
    )
    found.caption = (
        f"{tally.runs} runs, {tally.events:,} events held, {seconds:.0f} s, "
        f"{tally.faults.total() / seconds:,.0f} faults/s"
    )
    if tally.failing:
        found.caption += "\nfailing seeds: " + ", ".join(map(str, tally.failing[:50]))
    return found


def explain(seed: int) -> None:
    """Prints a failing seed, the smallest set of its faults that fails, and what happened then."""
    console.print(f"[bold]seed {seed} fails[/bold]; making it small …")
    result, kept = minimal(seed)
    console.print(*_anomalies(result), sep="\n", markup=False, highlight=False, soft_wrap=True)
    console.print(f"with {len(kept)} of its faults:")
    console.print(*_told(result), sep="\n", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"again: python -m tests.simulation --seed {seed}\n", markup=False, highlight=False
    )


def _told(result: Result) -> list[str]:
    """The trace without the commands that no anomaly names."""
    named = {anomaly.where for anomaly in result.anomalies}
    return [
        line
        for line in result.trace
        if " client " not in line or any(f" {name}:" in line for name in named)
    ]


def _anomalies(result: Result) -> list[str]:
    more = len(result.anomalies) - SHOWN
    return [*map(str, result.anomalies[:SHOWN]), *([f"… and {more} more"] if more > 0 else [])]


if __name__ == "__main__":
    typer.run(main)
