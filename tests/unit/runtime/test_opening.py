"""A process that speaks must hold the key in force on every chain, or it does not start."""

from pathlib import Path
from typing import Any

import pytest

from shared.chain.trust import parse
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.opening import _speaks_with_a_trusted_key
from shared.runtime.say.keyring import Keyring
from tests.unit.runtime.driver import Driver
from tests.unit.runtime.test_receiving import signer
from tests.unit.seal.test_decide import NEW, rotating

INTAKE = ServiceName.INTAKE
OLD = signer(INTAKE)
ROTATED = rotating(2, rotates_at=2)[1]


def chains(rotated: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "service": "intake",
            "partition": number,
            "sequence": 2,
            "hash": b"h" * 32,
            "rotated": rotated if number == 3 else 0,
        }
        for number in range(PARTITIONS)
    ]


def keyring(file: Path, keys: str, trusted: str = f"intake * 1 {OLD.vkey}") -> Keyring:
    file.write_text(keys)
    return Keyring(INTAKE, file, parse(trusted))


async def speaks(keys: Keyring, rotated: int = 0) -> None:
    driver = Driver([chains(rotated), [{"envelope": ROTATED.value}]])
    await _speaks_with_a_trusted_key(driver, keys)


@pytest.mark.parametrize(
    ("held", "trusted", "rotated"),
    [
        ([OLD], f"intake * 1 {OLD.vkey}", 0),
        ([NEW], f"intake * 1 {NEW.vkey}", 0),
        ([OLD, NEW], f"intake * 1 {OLD.vkey}", 0),
        ([OLD, NEW], f"intake * 1 {OLD.vkey}", 2),
        ([NEW], f"intake * 1 {OLD.vkey}\nintake * 3 {NEW.vkey}", 0),
        ([OLD], f"intake * 1 {OLD.vkey}\nintake * 4 {NEW.vkey}", 0),
    ],
)
async def test_one_that_holds_every_key_in_force_starts(
    tmp_path: Path, held: list[Any], trusted: str, rotated: int
) -> None:
    text = "\n".join(key.skey for key in held)
    await speaks(keyring(tmp_path / "key", text, trusted), rotated)


@pytest.mark.parametrize(
    ("held", "trusted", "rotated", "why"),
    [
        ([NEW], f"intake * 1 {OLD.vkey}", 0, "must sign intake/0 from 3 on with key"),
        ([OLD], f"intake * 1 {OLD.vkey}", 2, "must sign intake/3 from 3 on with key"),
        ([NEW], f"intake * 1 {OLD.vkey}", 2, "must sign intake/0 from 3 on with key"),
        ([OLD], f"triage * 1 {OLD.vkey}", 0, "no key of intake is trusted on partition 0 from 3"),
        ([OLD], f"intake * 4 {OLD.vkey}", 0, "no key of intake is trusted on partition 0 from 3"),
        ([], f"intake * 1 {OLD.vkey}", 0, "the key file holds no key"),
    ],
)
async def test_one_that_lacks_a_key_ends_with_its_remedy(
    tmp_path: Path, held: list[Any], trusted: str, rotated: int, why: str
) -> None:
    text = "\n".join(key.skey for key in held)
    with pytest.raises(SystemExit) as ended:
        await speaks(keyring(tmp_path / "key", text, trusted), rotated)
    assert why in str(ended.value.code)
    assert not any(key.skey in str(ended.value.code) for key in (OLD, NEW))


async def test_a_key_file_that_cannot_be_read_ends_it_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        await speaks(keyring(tmp_path / "key", f"{OLD.skey}x\n"))
    assert str(ended.value.code).startswith(f"{tmp_path / 'key'}: line 1: ")


async def test_what_the_chains_name_of_new_keys_is_learned_first(tmp_path: Path) -> None:
    keys = keyring(tmp_path / "key", f"{OLD.skey}\n{NEW.skey}")
    await speaks(keys, rotated=2)
    assert keys.trust.in_force(INTAKE, 3, 3) == NEW.verifier
    assert keys.trust.in_force(INTAKE, 4, 3) == OLD.verifier
