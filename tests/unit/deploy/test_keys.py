"""The secrets of a data folder: whole or not at all, made once, their owner's alone."""

import errno
import json
import os
from pathlib import Path

import pytest

from deploy.local.errors import StackError
from deploy.local.keys import PASSWORDS, Keys, write_secret
from shared.contract.vocabulary import ServiceName


def test_everything_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    keys = Keys.of(tmp_path)
    keys.make()
    before = {path.name: path.read_bytes() for path in keys.folder.iterdir()}
    keys.make()
    assert {path.name: path.read_bytes() for path in keys.folder.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in keys.folder.iterdir()} == {0o600}
    assert keys.folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_an_earlier_version_gets_the_password_that_it_lacks(tmp_path: Path) -> None:
    keys = Keys.of(tmp_path)
    keys.make()
    old = {name: word for name, word in keys.passwords().items() if name != "kafka"}
    write_secret(keys.folder / "passwords.json", json.dumps(old))
    keys.make()
    assert keys.passwords().keys() == set(PASSWORDS)
    assert keys.passwords().items() >= old.items()


@pytest.mark.parametrize("service", ServiceName)
def test_a_lost_signing_key_is_not_made_anew(service: ServiceName, tmp_path: Path) -> None:
    keys = Keys.of(tmp_path)
    keys.make()
    keys.signing_key(service).unlink()
    with pytest.raises(StackError, match="put it back from a backup"):
        keys.make()


def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    write_secret(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as failed:
        write_secret(path, "new")
    assert failed.value.filename == str(path)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("secret", "old")]


def test_a_file_that_waits_under_its_name_is_not_written_through(tmp_path: Path) -> None:
    """A link that somebody else laid there leads nowhere."""
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "secret.new").symlink_to(elsewhere)
    write_secret(tmp_path / "secret", "text")
    assert not elsewhere.exists()
    assert (tmp_path / "secret").read_text() == "text"
