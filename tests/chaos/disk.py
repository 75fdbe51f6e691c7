"""A disk so small that it can be filled: a tmpfs of its own under the sealed log's folder. Only
root may mount one."""

import errno
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SIZE: Final = 256 * 1024 * 1024
"""Bytes; ten minutes of sealed events take a fifth of it."""
BLOCK: Final = 1024 * 1024
BALLAST: Final = "ballast"


@dataclass(frozen=True, slots=True)
class Disk:
    folder: Path

    @classmethod
    def mounted(cls, folder: Path) -> "Disk | None":
        """None where it cannot be mounted."""
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return cls(folder)

    def fill(self) -> None:
        """Leaves not one byte: every write that needs a new page is told that there is no space."""
        ballast = os.open(self.folder / BALLAST, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for block in (BLOCK, 4096):
                self._fill_with(ballast, block)
        finally:
            os.close(ballast)

    def _fill_with(self, ballast: int, block: int) -> None:
        while True:
            try:
                os.posix_fallocate(ballast, os.fstat(ballast).st_size, block)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                return

    def empty(self) -> None:
        (self.folder / BALLAST).unlink(missing_ok=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True, capture_output=True)
