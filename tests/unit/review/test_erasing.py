"""Having texts forgotten, and having them kept: whose word it takes, and what stands in the way."""

from itertools import permutations
from typing import Final
from uuid import UUID

import pytest

from services.review import domain
from services.review.domain.commands import (
    ConfirmErasure,
    PlaceHold,
    RefuseErasure,
    ReleaseHold,
    RequestErasure,
)
from services.review.domain.tables import MOST_TEXTS, WHO_SPEAKS_FOR
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import (
    ContentErased,
    ErasedText,
    ErasureGround,
    ErasureRefused,
    ErasureRequested,
    ErasureScope,
    HoldPlaced,
    HoldReleased,
    Side,
)
from shared.contract.decision import Actor, Context, Missing
from shared.contract.envelope import MAX_ENVELOPE, Link, Said, write
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import ServiceName
from tests.unit.given import INCIDENT, START, By, Given, actor, given
from tests.unit.review.world import (
    DISMISSED,
    LEAD,
    PUBLISHED,
    REPORTED,
    REVIEWER,
    UNDER_REVIEW,
    Past,
)

PRIVACY: Final = actor("privacy-pia", Role.PRIVACY)
LEGAL: Final = actor("legal-lou", Role.LEGAL)
BOTH: Final = actor("both-bea", Role.PRIVACY, Role.LEGAL)
ERASURE, HOLD = UUID(int=0xE7), UUID(int=0xB7)
GROUND: Final = ErasureGround.OBJECTION


def text(number: int, name: str = "text") -> ErasedText:
    return ErasedText(event_id=UUID(int=number), name=name, digest=f"{number:043}")


def request(*texts: ErasedText, side: Side | None = None, **more: ErasureGround) -> RequestErasure:
    ground = more.get("ground", GROUND)
    return RequestErasure(ERASURE, ErasureScope.EVENT, ground, texts, "They asked.", side)


def requested(*texts: ErasedText, side: Side = Side.PRIVACY) -> ErasureRequested:
    return ErasureRequested(
        erasure_id=ERASURE,
        scope=ErasureScope.EVENT,
        ground=GROUND,
        texts=texts,
        asked_as=side,
        reason="They asked.",
    )


def erased(*texts: ErasedText, by: Actor = PRIVACY, confirmed: Actor = LEGAL) -> ContentErased:
    return ContentErased(
        erasure_id=ERASURE,
        ground=GROUND,
        texts=texts,
        requested_by=by.subject,
        confirmed_by=confirmed.subject,
    )


def placed(side: Side = Side.LEGAL, by: Actor = LEGAL) -> By:
    return By(by.subject, HoldPlaced(hold_id=HOLD, placed_as=side, reason="A court."))


def asked(*texts: ErasedText) -> Given:
    return given(domain, REPORTED, By(PRIVACY.subject, requested(*texts)))


class TestARequest:
    @pytest.mark.parametrize("past", [(REPORTED,), UNDER_REVIEW, PUBLISHED, (REPORTED, DISMISSED)])
    def test_is_taken_however_far_the_review_is(self, past: Past) -> None:
        given(domain, *past).when(request(text(1)), by=PRIVACY).then(requested(text(1)))

    def test_of_an_incident_that_nobody_knows_is_none(self) -> None:
        with pytest.raises(Missing):
            domain.decide(request(text(1)), domain.INITIAL, Context(START, PRIVACY))

    @pytest.mark.parametrize(
        ("by", "side", "said"),
        [
            (PRIVACY, None, Side.PRIVACY),
            (LEGAL, None, Side.LEGAL),
            (BOTH, Side.PRIVACY, Side.PRIVACY),
            (BOTH, Side.LEGAL, Side.LEGAL),
        ],
    )
    def test_is_said_for_a_side(self, by: Actor, side: Side | None, said: Side) -> None:
        given(domain, REPORTED).when(request(text(1), side=side), by=by).then(
            requested(text(1), side=said)
        )

    def test_of_a_person_with_both_roles_names_the_side(self) -> None:
        given(domain, REPORTED).when(request(text(1)), by=BOTH).then_rejected(
            "side", missing=("side",)
        )

    def test_for_a_side_that_is_not_ones_own_is_refused(self) -> None:
        refused = given(domain, REPORTED).when(request(text(1), side=Side.LEGAL), by=PRIVACY)
        assert refused.then_rejected("role").who == (Role.LEGAL,)

    @pytest.mark.parametrize("by", [LEAD, REVIEWER, actor("nobody-nan")])
    def test_is_for_privacy_and_legal_alone(self, by: Actor) -> None:
        refusal = given(domain, REPORTED).when(request(text(1)), by=by).then_rejected("role")
        assert set(refusal.who) == {Role.LEGAL, Role.PRIVACY}

    def test_gives_no_ground_of_retentions(self) -> None:
        command = request(text(1), ground=ErasureGround.RETENTION_ENDED)
        given(domain, REPORTED).when(command, by=PRIVACY).then_rejected("ground")

    def test_asks_for_each_text_once_and_for_none_that_is_erased(self) -> None:
        known = asked(text(1)).and_given(erased(text(1)))
        command = request(text(1), text(2), text(2))
        known.when(command, by=PRIVACY).then(requested(text(2)))

    @pytest.mark.parametrize("texts", [(), (text(1),)])
    def test_for_nothing_that_is_left_is_refused(self, texts: tuple[ErasedText, ...]) -> None:
        known = asked(text(1)).and_given(erased(text(1)))
        known.when(request(*texts), by=PRIVACY).then_rejected("nothing_to_erase")

    def test_while_a_hold_stands_is_taken_and_waits(self) -> None:
        given(domain, REPORTED, placed()).when(request(text(1)), by=PRIVACY).then(
            requested(text(1))
        )

    def test_of_more_than_an_event_holds_becomes_several(self) -> None:
        texts = tuple(map(text, range(2 * MOST_TEXTS + 1)))
        state = given(domain, REPORTED).state
        said = domain.decide(request(*texts), state, Context(START, PRIVACY))
        parts = [one for one in said if isinstance(one, ErasureRequested)]
        assert [len(one.texts) for one in parts] == [MOST_TEXTS, MOST_TEXTS, 1]
        assert tuple(one for part in parts for one in part.texts) == texts
        ids = [one.erasure_id for one in parts]
        assert len(set(ids)) == 3
        assert ids[0] == ERASURE
        again = domain.decide(request(*texts), state, Context(START, PRIVACY))
        assert list(again) == list(said), "the same request has the same ids"

    def test_as_large_as_it_gets_fits_an_envelope(self) -> None:
        texts = tuple(text(number, "n" * 100) for number in range(MOST_TEXTS))
        for data in (requested(*texts), erased(*texts)):
            assert len(enveloped(data)) <= MAX_ENVELOPE


def enveloped(data: EventData) -> bytes:
    link = Link(ServiceName.REVIEW, 0, 1, ZERO_HASH, ZERO_HASH)
    said = Said(UUID(int=1), INCIDENT, START, "p" * 100, data, "c" * 36, UUID(int=2))
    return write(said, link, "00000000")


class TestAConfirmation:
    def test_of_another_person_for_the_other_side_erases(self) -> None:
        asked(text(1), text(2)).when(ConfirmErasure(ERASURE), by=LEGAL).then(
            erased(text(1), text(2))
        )

    def test_may_come_from_privacy_where_legal_has_asked(self) -> None:
        known = given(domain, REPORTED, By(LEGAL.subject, requested(text(1), side=Side.LEGAL)))
        known.when(ConfirmErasure(ERASURE), by=PRIVACY).then(
            erased(text(1), by=LEGAL, confirmed=PRIVACY)
        )

    @pytest.mark.parametrize(
        "by",
        [
            PRIVACY,
            actor("privacy-pat", Role.PRIVACY),
            actor(PRIVACY.subject, Role.LEGAL, Role.PRIVACY),
            actor(PRIVACY.subject, Role.LEGAL),
        ],
    )
    def test_takes_another_person_and_the_other_side(self, by: Actor) -> None:
        refusal = (
            asked(text(1))
            .when(ConfirmErasure(ERASURE), by=by)
            .then_rejected("four_eyes", missing=("word_of_legal",))
        )
        assert refusal.who == WHO_SPEAKS_FOR[Side.LEGAL]

    def test_waits_for_every_hold_to_be_released(self) -> None:
        known = asked(text(1)).and_given(placed())
        known.when(ConfirmErasure(ERASURE), by=LEGAL).then_rejected(
            "legal_hold", missing=(f"release_of_hold_{HOLD}",)
        )
        released = known.and_given(HoldReleased(hold_id=HOLD, reason="Over."))
        released.when(ConfirmErasure(ERASURE), by=LEGAL).then(erased(text(1)))

    def test_erases_what_another_erasure_has_left(self) -> None:
        known = asked(text(1), text(2)).and_given(
            erased(text(1)).model_copy(update={"erasure_id": UUID(int=9)})
        )
        known.when(ConfirmErasure(ERASURE), by=LEGAL).then(erased(text(2)))

    @pytest.mark.parametrize(
        "end", [erased(text(1)), ErasureRefused(erasure_id=ERASURE, reason="No.")]
    )
    def test_comes_once(self, end: EventData) -> None:
        state = asked(text(1)).and_given(end).state
        for command in (ConfirmErasure(ERASURE), RefuseErasure(ERASURE, "No.")):
            with pytest.raises(Missing, match=str(ERASURE)):
                domain.decide(command, state, Context(START, LEGAL))


class TestARefusal:
    @pytest.mark.parametrize("by", [LEGAL, PRIVACY])
    def test_closes_the_request_whoever_of_the_two_sides_gives_it(self, by: Actor) -> None:
        asked(text(1)).when(RefuseErasure(ERASURE, "No."), by=by).then(
            ErasureRefused(erasure_id=ERASURE, reason="No.")
        )


class TestAHold:
    @pytest.mark.parametrize(("by", "side"), [(LEGAL, Side.LEGAL), (PRIVACY, Side.PRIVACY)])
    def test_is_placed_by_one_person(self, by: Actor, side: Side) -> None:
        given(domain, *PUBLISHED).when(PlaceHold(HOLD, "A court."), by=by).then(
            HoldPlaced(hold_id=HOLD, placed_as=side, reason="A court.")
        )

    @pytest.mark.parametrize(("first", "second"), [*permutations((LEGAL, PRIVACY))])
    def test_is_released_by_the_other_side(self, first: Actor, second: Actor) -> None:
        side = Side.LEGAL if first is LEGAL else Side.PRIVACY
        known = given(domain, REPORTED, placed(side, first))
        known.when(ReleaseHold(HOLD, "Over."), by=first).then_rejected("four_eyes")
        known.when(ReleaseHold(HOLD, "Over."), by=second).then(
            HoldReleased(hold_id=HOLD, reason="Over.")
        )

    def test_that_does_not_stand_is_not_released(self) -> None:
        with pytest.raises(Missing, match=str(HOLD)):
            domain.decide(
                ReleaseHold(HOLD, "Over."), given(domain, REPORTED).state, Context(START, LEGAL)
            )


class TestAnOffer:
    def test_names_what_each_side_may_do(self) -> None:
        state = asked(text(1)).and_given(placed()).state
        first = {"request_erasure", "place_hold", "refuse_erasure", "release_hold"}
        assert set(domain.next_commands(state, PRIVACY)) == first
        offered = set(domain.next_commands(state, LEGAL))
        assert "confirm_erasure" not in offered, "a hold stands"
        assert "release_hold" not in offered, "of the same side"

    def test_names_a_confirmation_to_the_other_side_alone(self) -> None:
        state = asked(text(1)).state
        assert "confirm_erasure" in domain.next_commands(state, LEGAL)
        assert "confirm_erasure" not in domain.next_commands(state, PRIVACY)
