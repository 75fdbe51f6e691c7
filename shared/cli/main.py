"""The `ledger` command. Each topic is a module beside this one; here they only get their names."""

import typer

from shared.cli import (
    catalogue,
    demo,
    diff,
    export,
    migrate,
    parked,
    rebuild,
    relay_again,
    replay,
    report,
    rotate_key,
    stack,
    token,
    verify,
    witness,
)

app = typer.Typer(
    name="ledger",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
    help="The incident ledger: run it, read it, check it.",
)

app.command()(stack.up)
app.command()(stack.down)
app.command()(stack.status)
app.command()(token.token)
app.command()(migrate.migrate)
app.command()(verify.verify)
app.command()(replay.replay)
app.command()(diff.diff)
app.command()(export.export)
app.command()(export.dossier)
app.command()(report.report)
app.add_typer(parked.app, name="parked")
app.command()(rebuild.rebuild)
app.command()(relay_again.relay_again)
app.command()(rotate_key.rotate_key)
app.command()(catalogue.catalogue)
app.command()(demo.demo)
app.command(epilog=witness.EPILOG)(witness.witness)
