"""What an auditor remembers from one verification to the next: the last size and root of each log,
in a file of their own."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.audit.files import read_regular
from shared.audit.heads import Seen
from shared.audit.writing import make_folder, write_whole
from shared.tlog.encoding import hash_from_base64, to_base64

MAX_STATE: Final = 10_000_000
"""Bytes."""


class BadState(ValueError):
    """The state file is not one; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SeenFile:
    """By verifier key, since two logs may call themselves the same."""

    path: Path

    def load(self, vkey: str) -> Seen | None:
        """Raises BadState."""
        logs = self._logs()
        if vkey not in logs:
            return None
        one = logs[vkey]
        try:
            return Seen(int(one["size"]), hash_from_base64(one["root"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._bad() from error

    def save(self, vkey: str, seen: Seen) -> None:
        """Replaces the file in one step. Call it only for a log that was checked and has not gone
        back."""
        logs = self._logs() | {vkey: {"size": seen.size, "root": to_base64(seen.root)}}
        make_folder(self.path.parent)
        text = json.dumps({"logs": logs}, indent=2, sort_keys=True)
        write_whole(self.path, f"{text}\n".encode())

    def _logs(self) -> dict[str, Any]:
        try:
            logs = json.loads(read_regular(self.path, MAX_STATE))["logs"]
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError) as error:
            raise self._bad() from error
        if not isinstance(logs, dict):
            raise self._bad()
        return logs

    def _bad(self) -> BadState:
        return BadState(
            f"{self.path} is damaged; it holds what was seen of logs before, so look for a "
            "backup before you remove it"
        )


def default_path() -> Path:
    """Below the user's state folder (XDG base directory specification)."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "incident-ledger" / "seen.json"
