"""Whom a command believes: the files that an auditor brought, by name, or what lies there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.ledger.check import telling
from deploy.ledger.check.believing import OWN, BadPin, Pinned, believe, read_pins
from shared.audit.files import MAX_TEXT, Folder
from tests.unit.audit.world import LOG, POLICY_TEXT, TRUST_TEXT, put


def test_what_was_not_brought_along_is_believed_as_found_and_said_so(tmp_path: Path) -> None:
    put(tmp_path, "log.vkey", f"{LOG.vkey}\n".encode())
    put(tmp_path, "trust", TRUST_TEXT.encode())
    put(tmp_path, "policy", POLICY_TEXT.encode())
    pin = tmp_path / "mine"
    pin.write_text(f"{LOG.vkey}\n")
    for pinned, unpinned in (
        (Pinned(), ["vkey", "trust", "policy"]),
        (Pinned(vkey=pin), ["trust", "policy"]),
        (Pinned(pin, tmp_path / "trust", tmp_path / "policy"), []),
    ):
        believed = believe(Folder(tmp_path), pinned)
        assert believed.unpinned == unpinned
        assert believed.foreign == ()
        assert {believed.source[name] for name in unpinned} <= {OWN}
        assert believed.anchors.log == LOG.verifier


@pytest.mark.parametrize("name", ["vkey", "trust", "policy"])
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b"\xff\x00 no key"), ": "),
        (lambda path: path.write_bytes(b"#" * (MAX_TEXT + 1)), "longer than any key file"),
    ],
    ids=["missing", "folder", "no key", "too long"],
)
def test_a_pin_that_is_none_is_named(
    name: str, make: Callable[[Path], object], why: str, tmp_path: Path
) -> None:
    path = tmp_path / "pin"
    make(path)
    with pytest.raises(BadPin) as refused:
        read_pins(Pinned(**{name: path}))
    assert str(refused.value).startswith(str(path))
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        (1_772_442_000, "2026-03-02T09:00:00+00:00"),
        (253_402_300_799, "9999-12-31T23:59:59+00:00"),
        (2**63, "9999-12-31T23:59:59+00:00"),
    ],
)
def test_any_second_that_a_witness_may_claim_is_shown(seconds: int, text: str) -> None:
    assert telling.moment(seconds) == text
