"""A file that holds a secret: who may open it, how long it is, and that nothing shows it."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from services.intake.settings import IntakeSettings, Secrets, open_secrets
from shared.runtime.process.secretfiles import SHORTEST, SecretFile
from shared.runtime.process.settings import ServiceSettings

FILE: TypeAdapter[Path] = TypeAdapter(SecretFile)
FIELDS = ("anonymity_key_file", "pseudonym_key_file")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("settings", [IntakeSettings, ServiceSettings])
def test_every_setting_that_names_one_is_checked(
    settings: type[ServiceSettings], field: str, tmp_path: Path
) -> None:
    if (wanted := settings.model_fields.get(field)) is None:
        assert (settings, field) == (ServiceSettings, "anonymity_key_file")
        return
    with pytest.raises(ValidationError, match="chmod 600"):
        TypeAdapter(Annotated[wanted.annotation, wanted]).validate_python(
            kept(tmp_path, b"s" * SHORTEST, 0o644)
        )


def kept(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    file = folder / "anonymity.key"
    file.write_bytes(content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    "content",
    [b"s" * SHORTEST, b"s" * 4096, b"s" * SHORTEST + b"\n", bytes(range(1, 33)) + b"end"],
    ids=["shortest", "long", "with a line end", "bytes"],
)
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_secret_of_its_owner_alone_is_taken(tmp_path: Path, content: bytes, mode: int) -> None:
    file = kept(tmp_path, content, mode)
    assert FILE.validate_python(file) == file


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666])
def test_one_that_others_may_open_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ValidationError, match="others than its owner may open it; chmod 600"):
        FILE.validate_python(kept(tmp_path, b"s" * SHORTEST, mode))


@pytest.mark.parametrize(
    "content",
    [b"", b"s" * (SHORTEST - 1), b" " * 100, b"\n" + b"s" * (SHORTEST - 1) + b"\n"],
    ids=["empty", "one too few", "blanks", "blanks around"],
)
def test_one_that_could_be_guessed_is_refused_with_the_remedy(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(
        ValidationError, match=f"must hold at least {SHORTEST} random bytes: openssl rand -hex 32"
    ) as refused:
        FILE.validate_python(kept(tmp_path, content))
    assert "sss" not in str(refused.value)


def test_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="does not point to a file"):
        FILE.validate_python(tmp_path / "nowhere")


async def test_line_ends_around_it_are_no_part_of_it(tmp_path: Path) -> None:
    """Two machines whose editors differ have the same secret."""
    secret = b"0123456789abcdef" * 4
    for number, content in enumerate((secret, secret + b"\n", b"\n" + secret + b"\r\n")):
        folder = tmp_path / str(number)
        folder.mkdir()
        settings = IntakeSettings.model_construct(anonymity_key_file=kept(folder, content))
        async with open_secrets(settings) as secrets:
            assert secrets.anonymity_key == secret


def test_it_is_not_shown() -> None:
    assert "0123" not in repr(Secrets(b"0123456789abcdef" * 4))
