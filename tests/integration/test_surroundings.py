"""The shell that a stack is started from does not steer it."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import postgres
from tests.integration.trap import hostile, trap

LEDGER = str(Path(sys.executable).with_name("ledger"))
pytestmark = pytest.mark.xdist_group("stack")


def test_a_whole_demo_in_a_hostile_shell_is_sound_and_nothing_leaves_by_its_proxy(
    tmp_path: Path,
) -> None:
    """Starts a stack, reports, decides, sends messages to the inbox, reads the log, verifies."""
    with trap() as trapped:
        done = subprocess.run(
            [LEDGER, "demo", "--folder", str(tmp_path / "demo")],
            capture_output=True,
            check=False,
            timeout=240,
            env=hostile(trapped, tmp_path),
        )
        said = (done.stdout + done.stderr).decode("latin-1")
    postgres.remove(tmp_path / "demo" / "stack")
    assert done.returncode == 0, said
    assert trapped.caught == [], said
    assert list((tmp_path / "demo" / "stack" / "inbox").glob("*.json")), "no message was sent"
    assert len(list((tmp_path / "demo" / "dossiers").glob("*.zip"))) == 6
