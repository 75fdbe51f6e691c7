"""Which checkpoint an audit goes by, who must have seen it, and what it must continue."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.files import Folder, NotALog
from shared.audit.heads import Opened, Seen, continues, open_head, trusted_head, witnessed_head
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.cosignature import Cosigner
from shared.tlog.errors import TlogError
from shared.tlog.keys import Signer
from shared.tlog.merkle import root_of
from shared.tlog.note import add_signatures, parse_note
from shared.tlog.policy import Policy
from shared.tlog.tile_proofs import ReadTile
from tests.unit.audit.world import (
    LOG,
)

WITNESSES: Final = [
    Cosigner(Signer(f"witness-{name}.example", bytes([40 + number]) * 32))
    for number, name in enumerate(("a", "b"))
]
POLICY: Final = Policy.parse(
    (
        f"log {LOG.vkey}\n"
        + "".join(f"witness {name} {one.vkey}\n" for name, one in zip("ab", WITNESSES, strict=True))
        + "group both all a b\nquorum both\n"
    ).encode()
)
LEAVES: Final = [bytes([number]) * 32 for number in range(1, 12)]


def head(size: int, *cosigners: Cosigner, log: Signer = LOG) -> bytes:
    """The signed head of the tree of the first so many of LEAVES."""
    note = sign_checkpoint(Checkpoint(log.name, size, root_of(LEAVES[:size])), log)
    text, signatures = parse_note(note)
    return add_signatures(text, [*signatures, *(one.cosign(text, 1000) for one in cosigners)])


def tiles(size: int) -> dict[tuple[int, int, int], bytes]:
    return {(0, 0, width): b"".join(LEAVES[:width]) for width in range(1, size + 1)}


def read_of(size: int) -> ReadTile:
    there = tiles(size)

    def read(level: int, index: int, width: int) -> bytes:
        try:
            return there[level, index, width]
        except KeyError:
            raise TlogError("is not there") from None

    return read


def opened(note: bytes) -> Opened:
    return open_head(note, LOG.verifier, POLICY)


def test_a_quorum_of_cosignatures_is_no_finding() -> None:
    found = opened(head(5, *WITNESSES))
    assert found.findings == ()
    assert found.cosigned == {"a": 1000, "b": 1000}
    assert found.checkpoint == Checkpoint(LOG.name, 5, root_of(LEAVES[:5]))


@pytest.mark.parametrize(("cosigners", "by"), [([], "nobody"), (WITNESSES[:1], "a")])
def test_too_few_cosignatures_are_told_by_name(cosigners: list[Cosigner], by: str) -> None:
    (finding,) = opened(head(5, *cosigners)).findings
    assert (finding.code, finding.where) == ("not_witnessed", "checkpoint")
    assert finding.detail == (
        f"the policy asks for the quorum both, the checkpoint was cosigned by {by}"
    )


def test_without_a_policy_no_witness_is_asked_for() -> None:
    assert open_head(head(5), LOG.verifier, None).findings == ()


def test_a_head_that_another_log_signed_is_none() -> None:
    other = Signer(LOG.name, bytes([77]) * 32)
    with pytest.raises(TlogError):
        opened(head(5, log=other))


@pytest.mark.parametrize(("text", "why"), [(None, "has no checkpoint"), (b"x\n", "does not count")])
def test_a_folder_without_a_signed_head_is_no_log(
    text: bytes | None, why: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "checkpoint").write_bytes(text)
    with pytest.raises(NotALog, match=why):
        trusted_head(Folder(tmp_path), "checkpoint", LOG.verifier)


class TestTheWitnessedHead:
    latest = opened(head(9))

    def held(self, note: bytes | None, latest: Opened | None = None) -> Opened:
        return witnessed_head(latest or self.latest, note, LOG.verifier, POLICY, read_of(11))

    def test_is_the_latest_where_that_was_seen(self) -> None:
        seen = opened(head(9, *WITNESSES))
        assert self.held(head(5, *WITNESSES), seen) is seen

    def test_is_an_earlier_one_that_the_latest_continues(self) -> None:
        found = self.held(head(5, *WITNESSES))
        assert (found.checkpoint.size, found.findings) == (5, ())

    @pytest.mark.parametrize(
        "note",
        [None, b"", head(5), head(5, WITNESSES[0]), head(5, log=Signer("other", bytes(32)))],
        ids=["none", "empty", "unwitnessed", "too few", "another log's"],
    )
    def test_stays_the_latest_with_its_finding_where_there_is_no_better(
        self, note: bytes | None
    ) -> None:
        assert self.held(note) is self.latest
        assert [one.code for one in self.latest.findings] == ["not_witnessed"]

    def test_that_the_latest_does_not_continue_shows_a_fork(self) -> None:
        text = Checkpoint(LOG.name, 5, b"\x05" * 32)
        body, signatures = parse_note(sign_checkpoint(text, LOG))
        cosigned = [one.cosign(body, 1000) for one in WITNESSES]
        forked = add_signatures(body, [*signatures, *cosigned])
        assert [one.code for one in self.held(forked).findings] == ["log_forked"]

    def test_that_is_larger_than_the_latest_shows_that_it_went_back(self) -> None:
        found = self.held(head(11, *WITNESSES))
        assert [one.code for one in found.findings] == ["log_went_back"]


@given(st.integers(1, 11), st.integers(1, 11), st.booleans())
def test_only_a_log_that_has_grown_from_it_continues_a_head(
    before: int, now: int, forged: bool
) -> None:
    seen = Seen(before, b"\x77" * 32 if forged else root_of(LEAVES[:before]))
    found = [
        one.code
        for one in continues(seen, Checkpoint(LOG.name, now, root_of(LEAVES[:now])), read_of(now))
    ]
    if now < before:
        assert found == ["log_went_back"]
    else:
        assert found == (["log_forked"] if forged else [])


def test_a_growth_whose_tiles_are_missing_cannot_be_shown() -> None:
    now = Checkpoint(LOG.name, 9, root_of(LEAVES[:9]))
    (finding,) = continues(Seen(5, root_of(LEAVES[:5])), now, read_of(0))
    assert finding.code == "log_forked"
    assert finding.detail.startswith("it cannot be shown to continue the tree of size 5: ")
