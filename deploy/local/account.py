"""The unprivileged account that Postgres runs as when we are root, and which folders it can
reach."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

NAME: Final = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int

    @property
    def popen(self) -> dict[str, Any]:
        """What `subprocess` needs to start a process as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, folder: Path) -> bool:
        """Whether every folder down to this one lets the account through."""
        folder = folder.resolve()
        return all(self._enters(step) for step in (folder, *folder.parents))

    def _enters(self, folder: Path) -> bool:
        about = folder.stat()
        if about.st_uid == self.uid:
            return bool(about.st_mode & stat.S_IXUSR)
        if about.st_gid == self.gid:
            return bool(about.st_mode & stat.S_IXGRP)
        return bool(about.st_mode & stat.S_IXOTH)


def account() -> Account | None:
    """None: run Postgres as ourselves."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(NAME)
    return Account(entry.pw_uid, entry.pw_gid)
