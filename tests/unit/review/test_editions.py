"""Which report there is of an incident: a draft with what it waits for, or the published one."""

import hashlib

import pytest

from services.review import domain
from services.review.domain import INITIAL, gates
from services.review.domain.commands import Publish
from services.review.domain.state import UnderReview
from services.review.editions import (
    edition,
    left_something_out,
    publication,
    rendered,
    state_of,
)
from services.review.report import (
    RENDERINGS,
    Form,
    build,
    covers_of,
    digest_of,
    published,
)
from shared.contract.catalogue import review
from shared.contract.decision import Context, Rejected
from tests.unit.given import START, given
from tests.unit.review.story import STORY, events
from tests.unit.review.world import PUBLISHABLE, REVIEWER, UNDER_REVIEW, Past

KNOWN = events()
UNREVIEWED = events([one for one in STORY if not isinstance(one[2], review.ReviewEvent)])


def test_of_nothing_there_is_nothing_known() -> None:
    assert state_of([]) == INITIAL
    assert not state_of([]).known


def test_before_a_review_the_draft_says_that_none_is_open_and_waits_for_nothing() -> None:
    report, digest = edition(UNREVIEWED)
    assert digest is None
    assert report.draft is not None
    assert (report.draft.review_opened, report.draft.missing) == (False, ())


def test_a_draft_under_review_names_each_closed_gate_and_who_can_open_it() -> None:
    state = state_of(KNOWN)
    assert isinstance(state.review, UnderReview)
    closed = [gate for gate in gates(state) if not gate.open]
    report, digest = edition(KNOWN)
    assert digest is None
    assert report.draft is not None
    assert report.draft.review_opened
    assert [(gap.item, gap.missing, gap.who_can_supply) for gap in report.draft.missing] == [
        (gate.subject, gate.missing, gate.who) for gate in closed
    ]


def test_a_publication_names_the_bytes_and_all_events_of_the_final_report() -> None:
    command = publication(KNOWN)
    assert command.covers == covers_of(KNOWN) == state_of(KNOWN).covers
    assert command.report == digest_of(build(KNOWN))
    again = published(KNOWN, command.report, command.covers)
    assert again.draft is None
    assert digest_of(again) == command.report


def test_the_edition_of_a_published_report_is_the_published_one_with_its_digest() -> None:
    command = publication(KNOWN)
    reviewed = review.Reviewed(
        report=command.report, covers=command.covers, findings=2, action_items=1, lessons=1
    )
    after = events((*STORY, (9000, "reviewer-ria", reviewed)))
    report, digest = edition(after)
    assert digest == command.report
    assert report.draft is None
    assert digest_of(report) == digest


@pytest.mark.parametrize("form", Form)
def test_a_draft_is_rendered_without_a_digest_and_a_published_report_with_its_own(
    form: Form,
) -> None:
    content, digest = rendered(KNOWN, RENDERINGS[form])
    assert content == RENDERINGS[form].render(edition(KNOWN)[0])
    assert digest is None

    command = publication(KNOWN)
    reviewed = review.Reviewed(
        report=command.report, covers=command.covers, findings=2, action_items=1, lessons=1
    )
    content, digest = rendered(events((*STORY, (9000, "reviewer-ria", reviewed))), RENDERINGS[form])
    assert digest == hashlib.sha256(content).hexdigest()


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
