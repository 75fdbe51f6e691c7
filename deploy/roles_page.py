"""The page of roles, made from the table of authority: `python -m deploy.roles_page` writes it.

A test holds that the page in the repository is the one that the table makes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shared.contract.authority import AUTHORITY, CAPACITIES, Role, who_may

PAGE: Final = Path(__file__).with_name("ROLES.md")

HEAD: Final = """\
# Roles

A caller has the roles that stand in the `roles` claim of the token. A command that is not listed
here is a service's own: no caller can give it.

This page is made by `python -m deploy.roles_page` from `shared/contract/authority.py`.
"""


def page() -> str:
    return "\n".join((HEAD, *_table(), ""))


def _table() -> Iterator[str]:
    """A row for each command, then one for each capacity, each with the roles that have it."""
    yield f"| command | {' | '.join(Role)} |"
    yield "| --- |" + " :-: |" * len(Role)
    commands = {name for names in AUTHORITY.values() for name in names} - set(CAPACITIES)
    yield from (_row(f"`{name}`", name) for name in sorted(commands))
    yield from (_row(sentence.removesuffix("."), name) for name, sentence in CAPACITIES.items())


def _row(label: str, name: str) -> str:
    roles = who_may(name)
    return f"| {label} | {' | '.join('×' if role in roles else '' for role in Role)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
