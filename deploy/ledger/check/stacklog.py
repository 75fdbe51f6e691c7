"""The log of a local stack: its files as review serves them, each service's word as the service
itself gives it."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.ledger.check.believing import Pinned
from deploy.ledger.check.web import Web, open_files
from deploy.local import state
from deploy.local.errors import StackError
from deploy.local.tokens import for_auditing
from shared.audit.files import Files
from shared.contract.vocabulary import ServiceName

CHAINS = "chains/"


@dataclass(frozen=True, slots=True)
class StackLog:
    """Whoever serves the log cannot keep back what a service says of its own chains: the service is
    asked."""

    log: Web
    services: dict[str, Web]

    @property
    def name(self) -> str:
        return self.log.name

    def read(self, path: str) -> bytes | None:
        if path.startswith(CHAINS):
            return self.services[path.removeprefix(CHAINS)].read("chains")
        return self.log.read(path)

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        return self.log.read_all(paths)


def log_of_stack(data: Path | None) -> Files | None:
    """The log of the stack in this folder, or with LEDGER_AUDITOR_DSN and no folder the one that
    LEDGER_LOG_URL names, or none."""
    if data is None and "LEDGER_AUDITOR_DSN" in os.environ:
        url = os.environ.get("LEDGER_LOG_URL")
        return Web(url, os.environ.get("LEDGER_TOKEN")) if url else None
    stack = state.recorded(data or state.DEFAULT_DATA)
    if stack is None:
        return None
    token = for_auditing(stack.data, "ledger-audit")
    urls = {name: service.url for name, service in stack.services.items()}
    return StackLog(
        Web(f"{urls[ServiceName.REVIEW.value]}/log", token),
        {name: Web(url, token) for name, url in urls.items()},
    )


def log_at(source: str | None, data: Path | None, token: str | None) -> Files:
    """The log at this folder or address, or the stack's. Raises StackError, Unreachable."""
    if source is not None:
        return open_files(source, token)
    files = log_of_stack(data)
    if files is None:
        raise StackError(
            "no stack runs here; name the folder or address of a log, or a stack with --data"
        )
    return files


def pinned_by_stack(data: Path | None, pinned: Pinned) -> Pinned:
    """The operator's own key files, wherever the auditor brought none: nobody can serve another log
    in its place."""
    if data is None and "LEDGER_AUDITOR_DSN" in os.environ:
        return Pinned(
            pinned.vkey, pinned.trust or Path(os.environ["LEDGER_TRUST_FILE"]), pinned.policy
        )
    stack = state.load(data or state.DEFAULT_DATA)
    folder = stack.keys.folder
    policy = pinned.policy or _there(folder / "policy")
    return Pinned(
        pinned.vkey or _there(folder / "log.vkey"), pinned.trust or stack.trust_file, policy
    )


def _there(path: Path) -> Path | None:
    return path if path.exists() else None
