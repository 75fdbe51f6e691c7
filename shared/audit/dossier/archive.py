"""The archive of a dossier: its parts by name in a zip file that can be made in one way only.

So it is read only if it is exactly the one that its parts give, and its size and number of parts
are known before a part is read."""

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Final

MAX_SIZE: Final = 128 * 1024 * 1024
"""Bytes of the archive."""

MAX_PARTS: Final = 60_000
MAX_NAME: Final = 200

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_END: Final = struct.Struct("<4s4H2LH")
"""The record at the end of a zip file without a comment: signature, disk, disk of the directory,
entries here, entries, bytes and place of the directory, length of the comment (APPNOTE 4.3.16)."""

_ENTRY: Final = 46
"""Bytes of a directory entry beside its name (APPNOTE 4.3.12)."""


def pack(parts: Mapping[str, bytes]) -> bytes:
    """The archive: parts by name, neither compressed nor dated."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(parts):
            about = zipfile.ZipInfo(name, _EPOCH)
            about.external_attr = 0o644 << 16
            about.create_system = 3
            file.writestr(about, parts[name])
    return archive.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Raises ValueError when it is not an archive that `pack` makes."""
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            infos = file.infolist()
            _check_parts(infos, len(data))
            parts = {info.filename: file.read(info) for info in infos}
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        RuntimeError,
        OSError,
        UnicodeError,
        struct.error,
    ) as error:
        raise ValueError(str(error)) from error
    if pack(parts) != data:
        raise ValueError(
            "its parts, packed again, give another archive: something was added, doubled or cut off"
        )
    return parts


def _check_directory(data: bytes) -> None:
    """Before a list of its parts is made: there may be as many as one likes in few bytes."""
    if len(data) > MAX_SIZE:
        raise ValueError(f"it is longer than {MAX_SIZE:,} bytes, too large for a dossier")
    if len(data) < _END.size:
        raise ValueError("it is too short for a zip file")
    signature, *_, entries, size, place, comment = _END.unpack_from(data, len(data) - _END.size)
    if signature != b"PK\5\6" or comment:
        raise ValueError("it does not end as the zip file of a dossier does")
    if entries > MAX_PARTS or size > entries * (_ENTRY + MAX_NAME):
        raise ValueError(f"it has more than {MAX_PARTS:,} parts, or names that no part has")
    if place + size + _END.size != len(data):
        raise ValueError("its directory does not stand at its end")


def _check_parts(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Stored as they are, the parts together are shorter than the archive: unless they overlap."""
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos):
        raise ValueError("its parts are compressed or encrypted; a dossier's are neither")
    if any(info.compress_size != info.file_size for info in infos):
        raise ValueError("a part states two sizes")
    if sum(info.file_size for info in infos) > size:
        raise ValueError("its parts overlap: together they are longer than the archive")
    if len({info.filename for info in infos}) != len(infos):
        raise ValueError("a part stands in it twice")
