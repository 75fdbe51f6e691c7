"""Which paths of the sealed log are files that never change: each tile, bundle of entries and file
of signatures under its one spelling (c2sp.org/tlog-tiles), and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review.api.log import CHANGING, is_tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",
        "tile/3/000",
        "tile/0/000.p/1",
        "tile/0/000.p/255",
        "tile/0/x001/234",
        "tile/entries/000",
        "tile/entries/x123/x456/789.p/12",
        "signatures/000",
        "signatures/x001/234.p/7",
    ],
)
def test_a_tile_a_bundle_and_a_file_of_signatures_are_served(path: str) -> None:
    assert is_tile(path)
    assert not CHANGING.fullmatch(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "/tile/0/000",
        "tile//000",
        "tile/entries/../0/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "signatures",
        "signatures/",
        "signatures/0",
        "signatures/entries/000",
        "signatures/../log.key",
        "log.key",
        "../checkpoint",
    ],
)
def test_another_spelling_is_no_file_of_the_log(path: str) -> None:
    assert not is_tile(path)
    assert not CHANGING.fullmatch(path)


@pytest.mark.parametrize(
    "path", ["checkpoint", "witnessed", "log.vkey", "trust", "policy", "chains/triage"]
)
def test_what_changes_is_served_with_an_etag(path: str) -> None:
    assert CHANGING.fullmatch(path)
    assert not is_tile(path)


@given(st.text(max_size=40))
def test_no_path_is_too_odd_for_an_answer(path: str) -> None:
    assert is_tile(path) in {True, False}


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_entries_and_signatures_lie_at_the_same_places(number: int, width: int) -> None:
    digits = f"{number:d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    place = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    for path in (place, f"{place}.p/{width}"):
        assert is_tile(f"tile/entries/{path}")
        assert is_tile(f"signatures/{path}")
