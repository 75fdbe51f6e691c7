"""A dossier's archive can be made in one way only, and every other file is refused in words."""

import io
import struct
import zipfile
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit.dossier import archive
from shared.audit.dossier.archive import MAX_NAME, MAX_PARTS, MAX_SIZE, pack, unpack
from shared.audit.dossier.parts import ANCHORS, REPORTS, event_names, may_hold
from shared.contract.vocabulary import ServiceName
from tests.examples import examples

PARTS = {"incident": b"1\n", "events/0001-intake-1.json": b"{}", "trust": b""}
ARCHIVE = pack(PARTS)

names = st.from_regex(r"[a-z0-9./-]{1,40}", fullmatch=True)
parts = st.dictionaries(names, st.binary(max_size=200), max_size=6)


@given(parts)
def test_what_is_packed_comes_back_and_packs_to_the_same_bytes(given_: dict[str, bytes]) -> None:
    packed = pack(given_)
    assert unpack(packed) == given_
    assert pack(dict(reversed(given_.items()))) == packed


@settings(max_examples=examples(200))
@given(st.integers(0, len(ARCHIVE) - 1), st.integers(1, 255))
def test_no_changed_byte_leaves_the_parts_what_they_were(at: int, mask: int) -> None:
    changed = ARCHIVE[:at] + bytes([ARCHIVE[at] ^ mask]) + ARCHIVE[at + 1 :]
    try:
        found = unpack(changed)
    except ValueError:
        return
    assert found != PARTS


@given(st.integers(0, len(ARCHIVE) - 1))
def test_no_beginning_of_an_archive_is_one(end: int) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        unpack(ARCHIVE[:end])


def zipped(
    compression: int = zipfile.ZIP_STORED, comment: bytes = b"", twice: bool = False
) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        made.writestr("incident", b"1" * 100)
        if twice:
            with pytest.warns(UserWarning, match="Duplicate name"):
                made.writestr("incident", b"2" * 100)
        made.comment = comment
    return file.getvalue()


def with_end(entries: int, size: int) -> bytes:
    """The archive, with another number of parts and another length of the directory at its end."""
    *_, place, comment = struct.unpack("<4s4H2LH", ARCHIVE[-22:])
    return ARCHIVE[:-22] + struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, entries, entries, size, place, comment
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too short for a zip file"),
        (b"PK\5\6" + bytes(17), "too short for a zip file"),
        (bytes(22), "does not end as the zip file of a dossier does"),
        (ARCHIVE + b"\n", "does not end as the zip file of a dossier does"),
        (zipped(comment=b"hello"), "does not end as the zip file of a dossier does"),
        (ARCHIVE[:-2] + b"\1\0", "does not end as the zip file of a dossier does"),
        (b"before" + ARCHIVE, "its directory does not stand at its end"),
        (with_end(MAX_PARTS + 1, 0), f"more than {MAX_PARTS:,} parts"),
        (with_end(1, 47 + MAX_NAME), "names that no part has"),
        (zipped(zipfile.ZIP_DEFLATED), "its parts are compressed or encrypted"),
        (zipped(), "packed again, give another archive"),
        (zipped(twice=True), "a part stands in it twice"),
    ],
    ids=range(12),
)
def test_what_is_no_dossiers_archive_is_refused_in_words(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        unpack(data)


def test_a_file_longer_than_any_dossier_is_not_looked_into() -> None:
    with pytest.raises(ValueError, match=f"longer than {MAX_SIZE:,} bytes"):
        unpack(bytes(MAX_SIZE + 1))


def test_parts_that_overlap_are_longer_than_what_holds_them() -> None:
    infos = [zipfile.ZipInfo(f"part {number}") for number in range(3)]
    for info in infos:
        info.file_size = info.compress_size = 100
    archive._check_parts(infos, 300)
    with pytest.raises(ValueError, match="its parts overlap"):
        archive._check_parts(infos, 299)
    infos[0].compress_size = 99
    with pytest.raises(ValueError, match="a part states two sizes"):
        archive._check_parts(infos, 300)


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("incident", True),
        ("checkpoint", True),
        ("README.txt", True),
        ("readme.txt", False),
        ("events/0001-intake-1.json", True),
        ("events/0001-intake-1.sig", True),
        ("events/0001-intake-1.tlog-proof", True),
        ("keys/10000-review-99999999999999999999.json", True),
        ("events/001-intake-1.json", False),
        ("events/0001-intake-.json", False),
        ("events/0001-intake-1", False),
        ("events/0001-intake-1.json.sig", False),
        ("events/0001-Intake-1.json", False),
        ("events/000١-intake-1.json", False),
        ("events/../incident", False),
        ("heads/intake", True),
        ("heads/payroll", False),
        ("heads/", False),
        ("", False),
        *((name, True) for name in (*ANCHORS, *REPORTS)),
    ],
)
def test_a_part_has_one_of_the_names_that_are_written_down(name: str, may: bool) -> None:
    assert may_hold(name) is may


def test_events_are_named_once_in_the_order_of_their_numbers() -> None:
    given_ = {
        f"{folder}/{number:04d}-{service}-{number}{ending}": b""
        for folder in ("keys", "events")
        for number, service in zip((3, 1, 2), ServiceName, strict=False)
        for ending in (".tlog-proof", ".json")
    }
    assert list(event_names({**given_, "events/junk": b"", "incident": b""}, "events/")) == [
        "events/0001-triage-1",
        "events/0002-notify-2",
        "events/0003-intake-3",
    ]
    assert list(event_names({"incident": str(UUID(int=1)).encode()}, "events/")) == []


def test_events_beyond_the_ten_thousandth_still_come_after_those_before() -> None:
    given_ = dict.fromkeys(
        (f"events/{number:04d}-intake-{number}.json" for number in (9999, 10000, 10001)), b""
    )
    numbers = [name.split("-")[2] for name in event_names(given_, "events/")]
    assert numbers == ["9999", "10000", "10001"]
