"""What review remembers of an incident, event by event."""

from uuid import UUID

from services.review import domain
from services.review.domain.state import Published
from shared.contract.catalogue import review, triage
from shared.contract.vocabulary import GateName, ServiceName
from tests.unit.given import given
from tests.unit.review.world import ACTION, BROKEN, LATER

OTHER = UUID(int=0xB2)
DIGEST = review.ReportDigest(format=1, skeleton_sha256="1" * 64)
COVERS = (review.Covered(service=ServiceName.TRIAGE, sequence=4, hash="4" * 64),)
REVIEWED = review.Reviewed(
    report=DIGEST, covers=COVERS, findings=1, action_items=0, lessons=0, next_review_on=LATER
)


def used(broken: UUID) -> triage.BreakGlassUsed:
    return triage.BreakGlassUsed(
        break_glass_id=broken, gate=GateName.LEGAL, action_id=ACTION, reason="It spreads."
    )


def confirmed(broken: UUID, upheld: bool = True) -> triage.BreakGlassConfirmed:
    return triage.BreakGlassConfirmed(break_glass_id=broken, upheld=upheld, note="Seen.")


def test_a_second_word_is_owed_from_the_use_of_break_glass_until_it_is_given() -> None:
    owed = given(domain, used(BROKEN), used(OTHER))
    assert owed.state.words_owed == {BROKEN, OTHER}
    for upheld in (True, False):
        assert owed.and_given(confirmed(BROKEN, upheld)).state.words_owed == {OTHER}
    settled = owed.and_given(confirmed(OTHER), confirmed(BROKEN))
    assert settled.state.words_owed == frozenset()


def test_a_word_that_nobody_owes_changes_nothing() -> None:
    assert given(domain, confirmed(BROKEN)).state.words_owed == frozenset()


def test_a_published_review_keeps_its_digests_and_what_it_rests_on() -> None:
    opened = review.ReviewOpened(trigger=review.ReviewTrigger.CONFIRMED)
    assert given(domain, opened, REVIEWED).state.review == Published(DIGEST, COVERS)


def test_a_review_that_nobody_opened_is_not_published() -> None:
    assert not isinstance(given(domain, REVIEWED).state.review, Published)
