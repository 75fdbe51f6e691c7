"""What the demo shows at its end: the milestones of each story, and what to try next."""

import shlex
from pathlib import Path

from deploy.ledger.printing import bold, say, show_table
from deploy.ledger.run.demo.playing import Told
from deploy.local import state
from deploy.local.folder import hint
from shared.contract.catalogue import MILESTONES


def show(told: list[Told], inbox: Path) -> None:
    """A row for each story, and where its report lies."""
    rows = [
        (number, *(one.milestones[name] for name in MILESTONES), one.events)
        for number, one in enumerate(told, start=1)
    ]
    title = "Six incidents, five events (UTC)"
    show_table(("", *MILESTONES, "events"), rows, title=title)
    for number, one in enumerate(told, start=1):
        say(f" {number} {one.report or 'no report'}: {one.story.shows}")
    messages = len(list(inbox.glob("*.json")))
    say(f"{messages} messages were sent to a webhook of this stack, and lie in {inbox}.")
    say()


def show_what_next(folder: Path, data: Path, told: list[Told], *, keep: bool) -> None:
    """Commands to go on with, as a shell takes them."""
    say()
    say(bold("What to try next"))
    proof = shlex.quote(str(folder / "dossiers" / f"{told[0].story.incident}.zip"))
    lines = {"read a report": str(told[0].report), "check its proof": f"ledger verify {proof}"}
    for what, how in (lines | (_running(data, told) if keep else _ended(data))).items():
        say(f"  {what:<23} {how}")
    say(f"All of it is in {folder}/; the `ledger` command is in .venv/bin.")


def _running(data: Path, told: list[Told]) -> dict[str, str]:
    token = f"{hint('ledger token', data)} --role lead --name you"
    url = state.load(data).services["triage"].url
    return {
        "see the stack": hint("ledger status", data),
        "replay the history": f"{hint('ledger replay', data)} --incident {told[0].incident}",
        "verify it again": hint("ledger verify", data),
        "call an API": f'curl -H "Authorization: Bearer $({token})" {url}/incidents',
        "end it": hint("ledger down", data),
    }


def _ended(data: Path) -> dict[str, str]:
    again = f"{hint('ledger up --detach', data)}, then {hint('ledger verify', data)}"
    return {
        "keep the stack running": "make demo DEMO=--keep",
        "or start this one again": again,
        "change a rule": "services/triage/domain/tables.py, then make test",
    }
