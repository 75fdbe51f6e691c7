"""Which report there is of an incident: a draft with what it waits for, or the published one."""

import hashlib
from collections.abc import Callable

import pytest

from services.review import domain
from services.review.domain import INITIAL, gates
from services.review.domain.commands import Publish
from services.review.domain.state import UnderReview
from services.review.editions import (
    SkeletonDiffers,
    edition,
    left_something_out,
    publication,
    skeleton,
    state_of,
)
from services.review.report import covers_of, digest_of, published
from services.review.report.texts import bare
from shared.contract.catalogue import review
from shared.contract.decision import Context, Rejected
from shared.contract.envelope import Event
from tests.unit.given import START, given
from tests.unit.review.story import STORY, concealed, events
from tests.unit.review.world import PUBLISHABLE, REVIEWER, UNDER_REVIEW, Past

KNOWN = events()
UNREVIEWED = events([one for one in STORY if not isinstance(one[2], review.ReviewEvent)])


def test_of_nothing_there_is_nothing_known() -> None:
    assert state_of([]) == INITIAL
    assert not state_of([]).known


def after_publication(told: list[Event]) -> list[Event]:
    """These events, and that the report on them is published."""
    command = publication(told)
    reviewed = review.Reviewed(
        report=command.report, covers=command.covers, findings=2, action_items=1, lessons=1
    )
    *_, last = events((*STORY, (9000, "reviewer-ria", reviewed)))
    return [*told, last]


def test_before_a_review_the_draft_says_that_none_is_open_and_waits_for_nothing() -> None:
    report = edition(*concealed(UNREVIEWED))
    assert report.draft is not None
    assert (report.draft.review_opened, report.draft.missing) == (False, ())


def test_a_draft_under_review_names_each_closed_gate_and_who_can_open_it() -> None:
    state = state_of(KNOWN)
    assert isinstance(state.review, UnderReview)
    closed = [gate for gate in gates(state) if not gate.open]
    report = edition(*concealed(KNOWN))
    assert report.draft is not None
    assert report.draft.review_opened
    assert [(gap.item, gap.missing, gap.who_can_supply) for gap in report.draft.missing] == [
        (gate.subject, gate.missing, gate.who) for gate in closed
    ]


def test_a_publication_names_the_skeleton_and_all_events_of_the_final_report() -> None:
    told, _ = concealed(KNOWN)
    command = publication(told)
    assert command.covers == covers_of(told) == state_of(told).covers
    again = published(bare(told), command.report, command.covers)
    assert again.draft is None
    assert digest_of(again) == command.report


def test_a_draft_names_the_skeleton_that_would_be_published_now() -> None:
    told, found = concealed(KNOWN)
    report = edition(told, found)
    assert report.draft is not None
    assert report.edition is not None
    assert report.edition.skeleton_sha256 == publication(told).report.skeleton_sha256
    assert hashlib.sha256(skeleton(told)).hexdigest() == report.edition.skeleton_sha256


def test_a_published_report_is_no_draft_and_names_the_digest_on_the_log() -> None:
    told, found = concealed(KNOWN)
    after = after_publication(told)
    report = edition(after, found)
    assert report.draft is None
    assert report.edition is not None
    assert report.edition.skeleton_sha256 == publication(told).report.skeleton_sha256
    assert hashlib.sha256(skeleton(after)).hexdigest() == report.edition.skeleton_sha256


@pytest.mark.parametrize("show", [lambda known: edition(known, {}), skeleton])
def test_another_skeleton_than_the_published_one_is_not_shown(
    show: Callable[[list[Event]], object],
) -> None:
    *told, last = after_publication(concealed(KNOWN)[0])
    assert isinstance(last.data, review.Reviewed)
    other = last.data.report.model_copy(update={"skeleton_sha256": "a" * 64})
    changed = last._replace(data=last.data.model_copy(update={"report": other}))
    with pytest.raises(SkeletonDiffers, match="a" * 64):
        show([*told, changed])


def refusal_of(command: Publish, past: Past) -> Rejected:
    with pytest.raises(Rejected) as refused:
        domain.decide(command, given(domain, *past).state, Context(START, REVIEWER))
    return refused.value


def test_a_report_is_made_again_only_when_it_left_something_out() -> None:
    digest = publication(KNOWN).report
    stale = refusal_of(Publish(digest, ()), PUBLISHABLE)
    assert left_something_out(stale)
    closed = refusal_of(Publish(digest, ()), UNDER_REVIEW)
    assert closed.rule == "closure"
    assert not left_something_out(closed)
    assert not left_something_out(ValueError("leaves_nothing_out"))
