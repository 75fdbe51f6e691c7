"""`python -m tests.bench`: how fast it is, as ratios against limits taken in the same run."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from shared.runtime.process import clock
from tests.bench.growth import Growth, growth
from tests.bench.log_growth import LogGrowth, log_growth
from tests.bench.machine import machine
from tests.bench.measure import Result, Row, measure
from tests.bench.profile import shares
from tests.bench.rows import ROWS
from tests.bench.world import World, world

NAMES = [row.name for row in ROWS]
QUICK = 0.2


def bench(
    rows: Annotated[
        list[str] | None,
        typer.Argument(help=f"Which rows; all when none is named. They are: {', '.join(NAMES)}."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A fifth of the events: to look, not to publish.")
    ] = False,
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds of each row, ours and the peer in turn.")
    ] = 5,
    long: Annotated[
        bool,
        typer.Option(
            "--long",
            help="Also what changes up to 10^6 events and 10^7 leaves; ten minutes more.",
        ),
    ] = False,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile",
            help="Instead of ratios: what the time of each row that runs in this process goes to.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object a row, for programs.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The table as it stands in the README.")
    ] = False,
) -> None:
    """Measure speed against the limits of the same parts and against what people would use instead.

    One Postgres and one Kafka are started for the run and removed after it. Each row takes rounds
    of ours and of its peer in turn and shows medians. What counts is the ratio: absolute figures
    are this machine's, in its mood. Takes about five minutes; measure on a quiet machine."""
    if unknown := sorted(set(rows or ()) - set(NAMES)):
        raise typer.BadParameter(f"{', '.join(unknown)}: no such row; there are {', '.join(NAMES)}")
    chosen = [row for row in ROWS if not rows or row.name in rows]

    console = Console(file=sys.stderr, highlight=False)
    results = []
    with (
        console.status("starting Postgres and Kafka") as status,
        world(QUICK if quick else 1.0) as ground,
    ):
        if profile:
            for row in chosen:
                uvloop.run(_profile(row, ground, console))
            return
        for row in chosen:
            results.append(uvloop.run(measure(row, ground, rounds, status.update)))
            console.print(_line(results[-1]))
        grown = uvloop.run(growth(ground, status.update)) if long else None
        log = uvloop.run(log_growth(ground, status.update)) if long else None
    if as_json:
        for result in results:
            typer.echo(json.dumps(result.as_json()))
    elif markdown:
        typer.echo(_markdown(results))
    else:
        Console().print(_table(results))
    if grown is not None:
        typer.echo(json.dumps(asdict(grown)) if as_json else _as_grown(grown))
    if log is not None:
        typer.echo(json.dumps(asdict(log)) if as_json else _as_log(log))


async def _profile(row: Row, ground: World, console: Console) -> None:
    if row.apart:
        return
    async with row.ready(ground) as sides:
        await sides.ours()
        found = await shares(sides.ours)
    console.print(
        f"{row.name}: "
        + ", ".join(f"{name} {share:.0%}" for name, share in found.items() if share >= 0.005),
        soft_wrap=True,
    )


def _as_grown(grown: Growth) -> str:
    heads = (
        "events in the ledger",
        "one append, p50",
        "a page of 50 reports, p50",
        "one incident, p50",
        "bulk append",
    )
    rows = [
        (
            f"{size.events:,}",
            *(f"{ms:.2f} ms" for ms in (size.append, size.page, size.incident)),
            f"{size.bulk:,.0f}/s",
        )
        for size in grown.sizes
    ]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, ("---",) * len(heads), *rows])
    return (
        f"\n{table}\n\nStart-up with all of these in the ledger: {grown.start_up:.1f} s. "
        f"Memory for every 100 000 reports taken: {grown.megabytes:.1f} MiB."
    )


def _as_log(log: LogGrowth) -> str:
    sizes = "\n".join(f"| {size.leaves:,} | {size.seal:.1f} ms |" for size in log.sizes)
    memory = "\n".join(
        f"| {one.leaves:,} | {one.verify:.0f} MiB | {one.export:.0f} MiB |" for one in log.memory
    )
    return (
        f"\n| leaves in the log | sealing 1 000 more, p50 |\n| --- | --- |\n{sizes}\n"
        f"\n| leaves | most resident to verify | to export |\n| --- | --- | --- |\n{memory}"
    )


def _line(result: Result) -> str:
    ratio = f", {result.ratio:.2f}×" if result.ratio is not None else ""
    return f"{result.row.name}: {_figure(result.ours)} {result.row.unit}{ratio}"


def _cells(result: Result) -> tuple[str, ...]:
    row = result.row
    return (
        row.what,
        f"{_figure(result.ours)} {row.unit}",
        "–"
        if row.against is None or result.peer is None
        else f"{row.against}: {_figure(result.peer)}",
        "–" if result.ratio is None else f"{result.ratio:.2f}×",
        row.goal.text,
        "yes" if result.met else "no",
    )


HEADS = ("row", "ours", "against", "ratio", "goal", "met")


def _table(results: list[Result]) -> Table:
    table = Table(*HEADS, title=machine(), title_justify="left")
    for result in results:
        table.add_row(*_cells(result), style=None if result.met else "yellow")
    return table


def _markdown(results: list[Result]) -> str:
    rows = [HEADS, ("---",) * len(HEADS), *map(_cells, results)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    return f"Measured on {clock.now():%Y-%m-%d}, {machine()}.\n\n{table}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_show_locals=False)
    app.command()(bench)
    app()
