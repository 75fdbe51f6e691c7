"""The tables that a run ends with, and the same for programs."""

from typing import Any

from rich.console import Console, Group
from rich.table import Table

from tests.bench.machine import machine
from tests.load.campaign import Campaign
from tests.load.ground import MIB
from tests.load.watch import Times

Row = tuple[str, str]


def show(campaign: Campaign, console: Console) -> None:
    console.print(machine())
    console.print(Group(*(_table(title, rows) for title, rows in tables(campaign).items())))


def markdown(campaign: Campaign) -> str:
    lines = ["| | |", "|---|---|"]
    for title, rows in tables(campaign).items():
        lines += [f"| **{title}** | |", *(f"| {name} | {value} |" for name, value in rows)]
    return f"{machine()}\n\n" + "\n".join(lines)


def as_json(campaign: Campaign) -> dict[str, Any]:
    return {"machine": machine(), "sound": campaign.sound} | {
        title: dict(rows) for title, rows in tables(campaign).items()
    }


def tables(campaign: Campaign) -> dict[str, list[Row]]:
    size = campaign.size
    times, seconds = size.times_over, size.overload_seconds
    overload = f"Overload: {times:g} times what intake takes, for {seconds:g} s"
    return {
        f"Steady: {size.rate:g} reports a second for {size.seconds:g} s": _steady(campaign),
        overload: _overload(campaign),
        "An honest source of 50 reports a second, beside": _hostile(campaign),
        f"One incident of {size.huge:,} events": _huge(campaign),
        "Record": _record(campaign),
    }


def _steady(campaign: Campaign) -> list[Row]:
    steady = campaign.steady
    tally, gauge, visible = steady.tally, steady.gauge, steady.visible.of()
    rate = len(tally.accepted) / tally.elapsed
    memory = [
        (f"{name}: resident at start, middle, end", _memory(looks))
        for name, looks in gauge.memory.items()
    ]
    lags = [(f"{name}: lag, middle value, most", _lag(looks)) for name, looks in gauge.lags.items()]
    return [
        ("accepted", f"{len(tally.accepted):,} of {tally.offered:,}, {rate:,.0f} a second"),
        (
            "refused, not sent, unknown",
            f"{tally.refused.total():,}, {tally.unsent:,}, {tally.unknown:,}",
        ),
        ("post to receipt, p50, p99", _times(Times(tally.seconds))),
        ("post to visible in review, p50, p99", _times(visible)),
        ("all relayed, heard and sealed after the last", f"{steady.settled_after:.1f} s"),
        *memory,
        *lags,
        ("cores used", _cores(gauge.cores)),
    ]


def _overload(campaign: Campaign) -> list[Row]:
    overload = campaign.overload
    tally = overload.tally
    share = tally.overloaded / tally.sent if tally.sent else 0.0
    most = {name: max(looks) / MIB for name, looks in overload.gauge.memory.items()}
    return [
        ("takes from 64 callers who wait", f"{overload.bears:,.0f} a second"),
        (
            "asked",
            f"{tally.sent / tally.elapsed:,.0f} a second; {tally.unsent:,} were not even sent",
        ),
        (
            "accepted",
            f"{len(tally.accepted):,}, {len(tally.accepted) / tally.elapsed:,.0f} a second",
        ),
        (
            "refused by 429 or 503",
            f"{tally.overloaded:,}, {share:.0%}; without Retry-After: {tally.without_retry_after}",
        ),
        (
            "other refusals, connections cut",
            f"{tally.refused.total() - tally.overloaded:,}, {tally.unknown:,}",
        ),
        ("post to receipt, p50, p99", _times(Times(tally.seconds))),
        ("health meanwhile within 1 s, p50, p99", _times(overload.health)),
        ("readiness meanwhile within 1 s, p50, p99", _times(overload.ready)),
        ("health in line with all others within 1 s, p50, p99", _times(overload.in_line)),
        ("a reader of intake meanwhile, p50, p99", _times(overload.readers)),
        ("a single report is taken again after", f"{overload.taken_again_after:.2f} s"),
        ("all relayed, heard and sealed after", f"{overload.settled_after:.1f} s"),
        ("most resident, MiB", ", ".join(f"{name} {value:.0f}" for name, value in most.items())),
        ("cores used", _cores(overload.gauge.cores)),
    ]


def _hostile(campaign: Campaign) -> list[Row]:
    return [
        (
            f"{one.count:,} {one.what}" if one.count else one.what,
            f"accepted {len(one.tally.accepted)} of {one.tally.offered}, refused "
            f"{one.tally.refused.total()}, "
            f"cut {one.tally.unknown}, p50, p99 {_times(Times(one.tally.seconds))}; intake "
            f"{one.memory / MIB:.0f} MiB",
        )
        for one in campaign.hostile
    ]


def _huge(campaign: Campaign) -> list[Row]:
    huge = campaign.huge
    return [
        ("taken in", f"{huge.seconds:.1f} s, heard by review {huge.heard_after:.1f} s later"),
        ("another's report visible in review before, p50, p99", _times(huge.before.of())),
        ("meanwhile, on the same partition", f"{_times(huge.same)}, most {_ms(huge.same.most)}"),
        ("meanwhile, on other partitions", f"{_times(huge.others)}, most {_ms(huge.others.most)}"),
        ("a command on the huge incident afterwards", _ms(huge.command)),
    ]


def _record(campaign: Campaign) -> list[Row]:
    rows = [
        (service.value, f"lost {held.lost}, doubled {held.doubled}, unasked {held.unasked}")
        for service, held in campaign.held.items()
    ]
    about = f"{campaign.accepted:,}; of {campaign.unknown:,} the caller never heard"
    return [("accepted in all", about), *rows, ("sound", "yes" if campaign.sound else "no")]


def _table(title: str, rows: list[Row]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    for row in rows:
        table.add_row(*row)
    return table


def _memory(looks: list[int]) -> str:
    return ", ".join(f"{looks[at] / MIB:.0f}" for at in (0, len(looks) // 2, -1)) + " MiB"


def _lag(looks: list[int]) -> str:
    return f"{sorted(looks)[len(looks) // 2]:,}, {max(looks):,} events"


def _times(times: Times) -> str:
    failed = f" ({times.failed} without a good answer)" if times.failed else ""
    return f"{_ms(times.p50)}, {_ms(times.p99)} of {len(times.seconds):,}{failed}"


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:,.0f} ms"


def _cores(cores: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.2f}" for name, share in cores.items())
