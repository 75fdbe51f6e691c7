"""Key and trust files as a service reads them: in every form that editors leave, or a refusal that
names the line and shows no key."""

from pathlib import Path

import pytest

from shared.chain.keyfiles import BadKeyFile
from shared.chain.trust import BadTrustFile
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.keyfiles import load_keys, load_trust
from shared.tlog.keys import Signer, generate_key

OLD, NEW = (Signer.parse(generate_key("incident-ledger/intake")[0]) for _ in range(2))


def written(folder: Path, data: bytes | str) -> Path:
    file = folder / "file"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return file


@pytest.mark.parametrize(
    "form",
    [
        "{old}\n{new}\n",
        "{old}\n{new}",
        "{old}\r\n{new}\r\n",
        "{old}\r{new}\r",
        "\ufeff{old}\n{new}\n",
        "  {old} \t\n\n\n{new}\n\n",
        "# both\n{old} # the old one\n{new} # the one to come\n#",
    ],
)
def test_keys_are_read_oldest_first(tmp_path: Path, form: str) -> None:
    file = written(tmp_path, form.format(old=OLD.skey, new=NEW.skey))
    assert load_keys(file) == [OLD, NEW]


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("", "the key file holds no key"),
        ("\n\n", "the key file holds no key"),
        ("# {old}\n", "the key file holds no key"),
        ("{old}\n{new}x\n", "line 2: "),
        ("\n# a comment\nno key\n", "line 3: "),
        ("{old} {new}\n", "line 1: "),
        ("{vkey}\n", "line 1: "),
    ],
)
def test_a_bad_key_file_is_named_with_its_line(tmp_path: Path, form: str, why: str) -> None:
    text = form.format(old=OLD.skey, new=NEW.skey, vkey=OLD.vkey)
    file = written(tmp_path, text)
    with pytest.raises(BadKeyFile) as refused:
        load_keys(file)
    assert str(refused.value).startswith(f"{file}: {why}")
    assert OLD.skey not in str(refused.value)
    assert NEW.skey not in str(refused.value)
    assert refused.value.__cause__ is None, "the parser's words never reach a log"


def test_a_key_file_of_other_bytes_is_no_text(tmp_path: Path) -> None:
    file = written(tmp_path, b"\xff\xfe" + OLD.skey.encode("utf-16-le"))
    with pytest.raises(BadKeyFile, match="the key file is not text in UTF-8"):
        load_keys(file)


@pytest.mark.parametrize("load", [load_keys, load_trust])
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, load: object) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        load(tmp_path)


def test_a_trust_file_names_a_key_for_all_chains_or_for_one(tmp_path: Path) -> None:
    text = f"intake * 1 {OLD.vkey}\r\nintake 3 10 {NEW.vkey} # since March\r\n"
    trust = load_trust(written(tmp_path, text))
    for partition in range(PARTITIONS):
        changed = partition == 3
        assert trust.in_force(ServiceName.INTAKE, partition, 9) == OLD.verifier
        later = trust.in_force(ServiceName.INTAKE, partition, 10)
        assert later == (NEW.verifier if changed else OLD.verifier)
    assert trust.in_force(ServiceName.TRIAGE, 0, 1) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("intake * 1", "must be: <service> <partition or *> <first sequence> <vkey>"),
        ("intake * 1 {vkey} more", "must be: <service> <partition or *> <first sequence> <vkey>"),
        ("nobody * 1 {vkey}", "'nobody' is not a valid ServiceName"),
        ("intake * 0 {vkey}", "sequences count from 1, partitions from 0"),
        (f"intake {PARTITIONS} 1 {{vkey}}", "sequences count from 1, partitions from 0"),
    ],
)
def test_a_bad_line_of_a_trust_file_is_named(tmp_path: Path, line: str, why: str) -> None:
    text = f"# keys\nintake * 1 {OLD.vkey}\n{line.format(vkey=OLD.vkey)}\n"
    with pytest.raises(BadTrustFile) as refused:
        load_trust(written(tmp_path, text))
    assert str(refused.value) == f"trust file, line 3: {why}"


@pytest.mark.parametrize("line", ["intake x 1 {vkey}", "intake -1 1 {vkey}", "intake * 01 {vkey}"])
def test_numbers_of_a_trust_file_have_one_spelling(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadTrustFile, match="trust file, line 1: "):
        load_trust(written(tmp_path, line.format(vkey=OLD.vkey)))
