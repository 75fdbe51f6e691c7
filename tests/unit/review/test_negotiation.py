"""Which form of the report an `Accept` header gets (RFC 9110 §12.5.1)."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review.negotiation import preferred
from services.review.report import RENDERINGS, Form, build, digest_of
from services.review.report.model import FORMAT
from shared.contract.catalogue.review import ReportDigest
from tests.unit.review.story import events


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Form.JSON),
        ("", Form.JSON),
        ("*/*", Form.JSON),
        ("text/html", Form.HTML),
        ("text/markdown", Form.MARKDOWN),
        ("application/json", Form.JSON),
        ("TEXT/HTML", Form.HTML),
        ("text/*", Form.MARKDOWN),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form.HTML),
        ("application/json;q=0.5, text/markdown;q=0.7", Form.MARKDOWN),
        ("text/*;q=0.5, text/html;q=0.1", Form.MARKDOWN),
        ("*/*, application/json;q=0", Form.MARKDOWN),
        ("application/*;q=0, text/html;q=0.001", Form.HTML),
        ("text/html;level=1;q=0.4, text/markdown;q=0.5", Form.MARKDOWN),
        ("image/png", None),
        ("*/*;q=0", None),
        ("text/html;q=nonsense", None),
        ("text/html;q=7, application/json", Form.JSON),
        ("text/html;q=-1", None),
        ("text/html;q=nan", None),
        ("application/json;q=nan, text/html", Form.HTML),
        ("text/html, application/json;q=-nan", Form.HTML),
    ],
)
def test_the_form_that_the_header_likes_best(accept: str | None, form: Form | None) -> None:
    assert preferred(accept) is form


@given(st.text(max_size=60))
def test_no_header_is_too_odd_for_an_answer(accept: str) -> None:
    assert preferred(accept) in {*Form, None}


@given(st.permutations(list(Form)), st.floats(0.1, 0.9))
def test_the_order_in_the_header_does_not_matter(order: list[Form], quality: float) -> None:
    wanted = order[0]
    ranges = [
        f"{RENDERINGS[form].media_type};q={1 if form is wanted else quality:.3f}"
        for form in sorted(order)
    ]
    assert preferred(", ".join(ranges)) is wanted


def test_every_form_has_a_rendering_of_a_media_type_of_its_own() -> None:
    assert set(RENDERINGS) == set(Form)
    assert len({one.media_type for one in RENDERINGS.values()}) == len(Form)


def test_the_digest_of_a_skeleton_is_that_of_its_json() -> None:
    report = build(events())
    made = hashlib.sha256(RENDERINGS[Form.JSON].render(report)).hexdigest()
    assert digest_of(report) == ReportDigest(format=FORMAT, skeleton_sha256=made)
