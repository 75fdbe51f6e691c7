"""A small run of the load campaign: what its tables say of the record must hold, whatever the
machine's speed."""

import asyncio
import io

from rich.console import Console

from deploy.local.state import Stack
from tests.load import campaign, report
from tests.load.campaign import Size

SMALL = Size(
    rate=50,
    seconds=2,
    times_over=5,
    overload_seconds=2,
    idle=1500,
    others=20,
    huge=200,
    alone_seconds=0.5,
)


def test_what_is_accepted_is_kept_and_what_is_refused_is_told_when_to_come_again(
    stack: Stack,
) -> None:
    done = asyncio.run(campaign.run(stack, SMALL, lambda _: None))
    assert done.sound, report.as_json(done)
    assert len(done.overload.tally.accepted) > 0
    assert len(done.hostile) == 5
    assert all(one.tally.accepted for one in done.hostile), (
        "honest callers are served beside all others"
    )
    page = io.StringIO()
    report.show(done, Console(file=page, width=140))
    assert "a command on the huge incident afterwards" in page.getvalue()
    assert report.markdown(done).count("| **") == 5
