"""The log that a local stack's review serves, and the keys that its data folder holds for it."""

from pathlib import Path

from deploy.local import state
from deploy.local.keys import Keys
from shared.audit.files import Files, Web
from shared.cli.audits import Pinned
from shared.cli.token import issue
from shared.contract.vocabulary import Role, ServiceName


def log_of_stack(data: Path | None) -> Files | None:
    """None where no stack runs in that folder."""
    stack = state.recorded(data or state.DEFAULT_DATA)
    if stack is None:
        return None
    token = issue(Keys.of(stack.data), "ledger-audit", [Role.AUDITOR])
    return Web(f"{stack.services[ServiceName.REVIEW.value].url}/log", token)


def pinned_by_stack(data: Path | None, pinned: Pinned) -> Pinned:
    """The stack's own key files, wherever the auditor brought none: nobody can serve another log in its place."""
    stack = state.load(data or state.DEFAULT_DATA)
    folder = Keys.of(stack.data).folder
    return Pinned(pinned.vkey or _there(folder / "log.vkey"), pinned.trust or stack.trust_file, pinned.policy)


def _there(path: Path) -> Path | None:
    return path if path.exists() else None
