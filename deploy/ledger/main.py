"""The `ledger` command. Each topic is a module beside this one; here they only get their names.

A topic is imported when its command is asked for: who asks for the status need not wait for what
migrates a database."""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from shared.runtime.process.surroundings import CERTIFICATES, PROXIES, forget_foreign

COMMANDS: Final = {
    "up": "run.stack",
    "down": "run.stack",
    "status": "run.status",
    "token": "run.token",
    "source": "mend.source",
    "whois": "mend.whois",
    "migrate": "mend.migrate",
    "verify": "check.verify",
    "replay": "check.replay",
    "diff": "check.diff",
    "export": "check.export",
    "dossier": "check.dossier",
    "report": "run.report",
    "subject-access": "forget.subject_access",
    "erase": "forget.erase",
    "parked": "mend.parked",
    "rebuild": "mend.rebuild",
    "relay-again": "mend.relay_again",
    "rotate-key": "mend.rotate_key",
    "catalogue": "catalogue",
    "demo": "run.demo",
    "witness": "witness",
}
"""The module of each command, in the order of the help."""


class Commands(TyperGroup):
    """The table above, of which nothing is imported before it is needed."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(
        self,
        ctx: Any,  # noqa: ARG002
        cmd_name: str,
    ) -> TyperCommand | TyperGroup | None:
        if cmd_name in COMMANDS:
            return _command(cmd_name)
        self.commands.update(
            dict.fromkeys(COMMANDS, self)
        )  # of whose names the refusal suggests the nearest
        return None


def _command(name: str) -> TyperCommand | TyperGroup:
    # Before its module is imported: some libraries read the environment when they are.
    forget_foreign(sparing=(PROXIES, CERTIFICATES))
    module = import_module(f"deploy.ledger.{COMMANDS[name]}")
    topic = getattr(module, "app", None)
    if topic is None:
        topic = typer.Typer(
            rich_markup_mode=None, pretty_exceptions_show_locals=False, add_completion=False
        )
        topic.command(name, epilog=getattr(module, "EPILOG", None))(
            getattr(module, name.replace("-", "_"))
        )
    command = typer.main.get_command(topic)
    assert isinstance(command, TyperCommand | TyperGroup)
    command.name = name
    return command


def _ledger() -> None:
    """Has no options of its own."""


app = typer.Typer(
    name="ledger",
    cls=Commands,
    callback=_ledger,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
    help="The incident ledger: run it, read it, check it.",
)
