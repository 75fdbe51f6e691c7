"""A witness remembers what it cosigned, across restarts, and never begins anew by itself."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from deploy.ledger.witness.memory import KEY, BadWitness, Witness, alone, open_witness
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.keys import Signer
from shared.tlog.merkle import consistency_proof, root_of
from shared.tlog.note import add_signatures, open_note, parse_note
from shared.tlog.witness import AddCheckpoint, Answer, Latest, monitoring_path, read_size

LOG: Final = Signer("example.com/log", b"l" * 32)
OTHER: Final = Signer("example.com/other", b"o" * 32)
NAME: Final = "witness.example/w1"
LEAVES: Final = [bytes([number]) * 32 for number in range(1, 12)]


def opened(folder: Path, name: str = NAME) -> Witness:
    return open_witness(folder, name, [LOG.verifier, OTHER.verifier], lambda: 1000)


def request(old: int, new: int, by: Signer = LOG, leaves: list[bytes] = LEAVES) -> bytes:
    note = sign_checkpoint(Checkpoint(by.name, new, root_of(leaves[:new])), by)
    return AddCheckpoint.of(old, consistency_proof(old, leaves[:new]), note).encode()


def ask(witness: Witness, body: bytes) -> Answer:
    return asyncio.run(witness.add_checkpoint(body))


def head(size: int) -> Latest:
    return Latest(size, root_of(LEAVES[:size]))


def test_what_was_cosigned_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    first = opened(tmp_path)
    assert first.latest(LOG.name) == Latest()
    assert ask(first, request(0, 5)).status == 200
    second = opened(tmp_path)
    assert second.cosigner.vkey == first.cosigner.vkey
    assert second.latest(LOG.name) == head(5)
    assert ask(second, request(5, 9)).status == 200
    assert opened(tmp_path).latest(LOG.name) == head(9)


def test_a_refused_growth_changes_nothing_that_is_remembered(tmp_path: Path) -> None:
    witness = opened(tmp_path)
    ask(witness, request(0, 5))
    before = witness.shown(monitoring_path(LOG.name))
    fork = [bytes([77]) * 32, *LEAVES[1:]]
    conflict = ask(witness, request(0, 9))
    assert (conflict.status, read_size(conflict.body)) == (409, 5)
    assert ask(witness, request(5, 9, leaves=fork)).status == 422
    assert ask(witness, request(3, 4)).status == 409
    assert ask(witness, b"old x\n\n").status == 400
    assert ask(witness, request(0, 5, Signer("example.com/unknown", b"u" * 32))).status == 404
    assert ask(witness, request(5, 9, Signer(LOG.name, b"x" * 32))).status == 403
    assert witness.shown(monitoring_path(LOG.name)) == before
    assert opened(tmp_path).latest(LOG.name) == head(5)


def test_each_log_has_a_memory_of_its_own(tmp_path: Path) -> None:
    witness = opened(tmp_path)
    assert ask(witness, request(0, 5)).status == 200
    assert ask(witness, request(0, 3, OTHER)).status == 200
    assert (witness.latest(LOG.name), witness.latest(OTHER.name)) == (head(5), head(3))


def test_what_is_shown_carries_the_logs_signature_and_the_witnesss(tmp_path: Path) -> None:
    witness = opened(tmp_path)
    assert witness.shown(monitoring_path(LOG.name)) is None
    ask(witness, request(0, 5))
    shown = witness.shown(monitoring_path(LOG.name))
    assert shown is not None
    verified = open_note(shown, [LOG.verifier, witness.cosigner.verifier]).verified
    assert {one.name for one in verified} == {LOG.name, NAME}
    for path in ("", KEY, "../key", monitoring_path("example.com/unknown"), "0" * 64):
        assert witness.shown(path) is None


def test_of_ten_that_ask_at_once_one_is_first(tmp_path: Path) -> None:
    witness = opened(tmp_path)

    async def all_at_once() -> list[int]:
        asked = (witness.add_checkpoint(request(0, size)) for size in range(1, 11))
        return [answer.status for answer in await asyncio.gather(*asked)]

    assert sorted(asyncio.run(all_at_once())) == [200, *[409] * 9]


def test_a_lost_key_beside_a_memory_is_not_made_anew(tmp_path: Path) -> None:
    ask(opened(tmp_path), request(0, 5))
    (tmp_path / KEY).unlink()
    with pytest.raises(BadWitness, match="put it back from a backup"):
        opened(tmp_path)
    assert not (tmp_path / KEY).exists()


def test_key_and_folder_are_the_owners_alone(tmp_path: Path) -> None:
    ask(opened(tmp_path / "witness"), request(0, 5))
    assert (tmp_path / "witness").stat().st_mode & 0o777 == 0o700
    files = list((tmp_path / "witness").iterdir())
    assert len(files) == 2
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@pytest.mark.parametrize(
    "damage", ["", "garbage\n", "cut", "unsigned", "another origin", "another log's"]
)
def test_a_damaged_memory_is_refused_at_the_start_and_kept(damage: str, tmp_path: Path) -> None:
    witness = opened(tmp_path)
    ask(witness, request(0, 5))
    ask(witness, request(0, 3, OTHER))
    path, other = (tmp_path / monitoring_path(log.name).replace("/", ".") for log in (LOG, OTHER))
    note = path.read_bytes()
    match damage:
        case "cut":
            note = note[:-20]
        case "unsigned":
            note = sign_checkpoint(Checkpoint(LOG.name, 5, root_of(LEAVES[:5])), LOG)
        case "another origin":
            other_origin = Checkpoint(OTHER.name, 5, root_of(LEAVES[:5]))
            text, signatures = parse_note(sign_checkpoint(other_origin, LOG))
            cosigned = witness.cosigner.cosign(text, 1000)
            note = add_signatures(text, [*signatures, cosigned])
        case "another log's":
            note = other.read_bytes()
        case _:
            note = damage.encode()
    path.write_bytes(note)
    with pytest.raises(BadWitness, match=r"never begin anew|put the right one back") as refused:
        opened(tmp_path)
    assert str(path) in str(refused.value)
    assert path.read_bytes() == note


def test_a_folder_is_of_one_witness(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(BadWitness, match=f"is the key of {NAME}, not of witness.example/w2"):
        opened(tmp_path, "witness.example/w2")


@pytest.mark.parametrize("name", ["", "two words", "plus+sign", "line\nend"])
def test_a_name_that_no_key_can_have_is_refused_by_its_option(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadWitness, match=r"^--name: "):
        opened(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_witness_of_no_log_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadWitness, match="name at least one log"):
        open_witness(tmp_path / "made", NAME, [], lambda: 1000)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("text", ["", "no key\n", "PRIVATE+KEY+w+00000000+AAAA\n"])
def test_a_key_file_that_is_none_is_named_and_not_shown(text: str, tmp_path: Path) -> None:
    (tmp_path / KEY).write_text(text)
    with pytest.raises(BadWitness) as refused:
        opened(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path / KEY}: ")
    assert "AAAA" not in str(refused.value)


def test_one_process_at_a_time_is_on_a_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(BadWitness, match=r"runs on .* already"), alone(tmp_path):
        raise AssertionError
    with alone(tmp_path):
        pass
