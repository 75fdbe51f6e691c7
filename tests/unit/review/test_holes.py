"""What an edition shows where a text is erased or withheld, and that the skeleton never minds."""

import itertools
import json
from collections.abc import Callable
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.review.editions import edition, skeleton
from services.review.report import RENDERINGS, Form, Report
from services.review.report.texts import UNNAMED, WITHHELD, bare, readable
from shared.contract.catalogue import intake, review, triage
from shared.contract.disclosure import Disclosure, digests, reveal
from shared.contract.envelope import Event
from shared.contract.vocabulary import FactKey, ServiceName
from tests.examples import examples
from tests.unit.given import START
from tests.unit.review.story import (
    STORY,
    concealed,
    erasure_of,
    events,
    fact,
    not_understood,
)
from tests.unit.review.test_report import HOSTILE, structure

TOLD, FOUND = concealed(events())
DIGESTS: Final = sorted(FOUND)
REPORT: Final = TOLD[0]
PROPOSED: Final = next(
    one for one in TOLD if isinstance(one.data, triage.ActionProposed) and len(one.data.sd) == 2
)
ON_LEGAL_OBLIGATION: Final = "[erased on 2026-03-05, ground: legal obligation]"


def without(*names: str, event: Event) -> dict[str, Disclosure]:
    """All texts but these of this event."""
    gone = {one for one in digests(event.data) if FOUND[one].named()[0] in names}
    return {digest: one for digest, one in FOUND.items() if digest not in gone}


def made(report: Report, form: Form) -> str:
    return RENDERINGS[form].render(report).decode()


class TestTheSkeleton:
    @given(st.sets(st.sampled_from(DIGESTS)))
    @settings(max_examples=examples(40), deadline=None)
    def test_does_not_depend_on_the_texts_that_are_at_hand(self, kept: set[str]) -> None:
        some = {digest: FOUND[digest] for digest in kept}
        shown = [event._replace(data=reveal(event.data, some)) for event in TOLD]
        assert bare(shown) == bare(TOLD)
        assert skeleton(shown) == skeleton(TOLD)

    @given(st.sets(st.sampled_from(DIGESTS)), st.sets(st.sampled_from(DIGESTS), min_size=1))
    @settings(max_examples=examples(20), deadline=None)
    def test_is_named_by_every_edition_alike(self, kept: set[str], erased: set[str]) -> None:
        some = {digest: FOUND[digest] for digest in kept - erased}
        whole, holes = edition(TOLD, FOUND).edition, edition(TOLD, some).edition
        assert whole is not None
        assert holes is not None
        assert whole.skeleton_sha256 == holes.skeleton_sha256

    def test_holds_every_digest_that_its_sentences_rest_on_and_no_text(self) -> None:
        bones = skeleton(TOLD).decode()
        for one in (PROPOSED, REPORT):
            assert all(digest in bones for digest in one.data.sd)
        texts = {one.named()[1] for one in FOUND.values()}
        assert not [text for text in texts if json.dumps(text) in bones and len(text) > 10]

    def test_is_another_for_another_text_of_the_same_length(self) -> None:
        first, *rest = STORY
        other = first[2].model_copy(update={"description": "B" * len(first[2].description)})
        assert skeleton(concealed(events(((*first[:2], other), *rest)))[0]) != skeleton(TOLD)

    def test_names_no_edition(self) -> None:
        assert json.loads(skeleton(TOLD))["edition"] is None


class TestAMark:
    @pytest.mark.parametrize("form", Form)
    def test_stands_in_every_form_in_place_of_the_erased_text(self, form: Form) -> None:
        erasure = erasure_of((REPORT, "description"), found=FOUND)
        text = FOUND[REPORT.data.sd[0]].named()[1].splitlines()[0]
        assert text in made(edition(TOLD, FOUND), form)
        page = made(edition([*TOLD, erasure], without("description", event=REPORT)), form)
        assert text not in page
        assert ON_LEGAL_OBLIGATION in page.replace("\\", "")

    @pytest.mark.parametrize("form", Form)
    def test_says_of_a_text_that_is_not_at_hand_that_it_is_withheld(self, form: Form) -> None:
        page = made(edition(TOLD, without("description", event=REPORT)), form)
        assert WITHHELD in page.replace("\\", "")
        assert "erased on" not in page

    def test_stands_although_somebody_still_has_the_erased_text(self) -> None:
        """A disclosure that comes back is no way around an erasure."""
        erasure = erasure_of((REPORT, "description"), found=FOUND)
        report = edition([*TOLD, erasure], FOUND)
        assert report.reports[0].description == ON_LEGAL_OBLIGATION

    @pytest.mark.parametrize(
        ("erased", "kept", "target", "reason"),
        [
            ((), ("target", "reason"), "https://photos.example/p/19", "It shows the roadmap."),
            (("target",), ("reason",), ON_LEGAL_OBLIGATION, "It shows the roadmap."),
            (("reason",), ("target",), "https://photos.example/p/19", ON_LEGAL_OBLIGATION),
            (("target", "reason"), (), ON_LEGAL_OBLIGATION, ON_LEGAL_OBLIGATION),
            (("target",), (), ON_LEGAL_OBLIGATION, WITHHELD),
            ((), ("target",), "https://photos.example/p/19", WITHHELD),
            ((), (), WITHHELD, WITHHELD),
        ],
    )
    def test_of_one_field_leaves_the_other(
        self, erased: tuple[str, ...], kept: tuple[str, ...], target: str, reason: str
    ) -> None:
        said = [erasure_of(*((PROPOSED, name) for name in erased), found=FOUND)] if erased else []
        gone = {"target", "reason"} - set(kept)
        report = edition([*TOLD, *said], without(*gone, event=PROPOSED))
        (action,) = [
            one
            for one in report.actions
            if one.proposed and one.proposed.event.event_id == PROPOSED.id
        ]
        assert (action.target, action.reason) == (target, reason)

    def test_is_not_set_where_no_text_was_given(self) -> None:
        """The other proposal has one digest, and a target must be given: there never was a
        reason."""
        (other,) = [
            one
            for one in TOLD
            if isinstance(one.data, triage.ActionProposed) and len(one.data.sd) == 1
        ]
        some = without("target", event=other)
        erased = edition([*TOLD, erasure_of((other, "target"), found=FOUND)], some).actions[0]
        assert (erased.target, erased.reason) == (ON_LEGAL_OBLIGATION, None)
        unknown = edition(TOLD, some).actions[0]
        assert (unknown.target, unknown.reason) == (WITHHELD, None)

    def test_is_set_where_nobody_can_tell_which_of_two_texts_was_given(self) -> None:
        """The first exposure has one digest, of the platform's name or of an address; the erasure
        of the one says that there never was the other."""
        some = without("platform_name", event=REPORT)

        def address(said: list[Event]) -> str:
            (line,) = [one for one in edition(said, some).exposure if one.aspect == "address"]
            return line.reported

        assert address(TOLD) == WITHHELD
        erasure = erasure_of((REPORT, "platform_name"), found=FOUND)
        assert address([*TOLD, erasure]) == "unknown"

    def test_of_a_text_that_was_not_at_hand_when_it_was_erased_stands_in_each_field(self) -> None:
        erasure = erasure_of((PROPOSED, "target"), (PROPOSED, "reason"), found=FOUND)
        assert isinstance(erasure.data, review.ContentErased)
        unnamed = tuple(one.model_copy(update={"name": UNNAMED}) for one in erasure.data.texts)
        said = erasure._replace(data=erasure.data.model_copy(update={"texts": unnamed}))
        report = edition([*TOLD, said], without("target", "reason", event=PROPOSED))
        assert (report.actions[1].target, report.actions[1].reason) == (
            ON_LEGAL_OBLIGATION,
            ON_LEGAL_OBLIGATION,
        )

    def test_of_the_first_erasure_holds(self) -> None:
        first = erasure_of((REPORT, "description"), found=FOUND, minutes=5000, sequence=100)
        later = erasure_of(
            (REPORT, "description"),
            found=FOUND,
            minutes=9000,
            sequence=101,
            ground=review.ErasureGround.COURT_ORDER,
        )
        for order in itertools.permutations((first, later)):
            assert edition([*TOLD, *order], {}).reports[0].description == ON_LEGAL_OBLIGATION

    @pytest.mark.parametrize("ground", review.ErasureGround)
    def test_names_its_ground_in_words(self, ground: review.ErasureGround) -> None:
        erasure = erasure_of((REPORT, "description"), found=FOUND, ground=ground)
        text = edition([*TOLD, erasure], {}).reports[0].description
        assert text is not None
        assert text.endswith(f", ground: {ground.value.replace('_', ' ')}]")


class TestTheList:
    def test_of_a_whole_edition_is_empty_and_says_so(self) -> None:
        report = edition(TOLD, FOUND)
        assert report.edition is not None
        assert (report.edition.erased, report.edition.withheld) == ((), ())
        for form in (Form.HTML, Form.MARKDOWN):
            page = made(report, form)
            assert "NOT WHOLE" not in page
            assert "Nothing that this report rests on is erased." in page
            assert "Nothing that this report rests on is withheld." in page

    def test_names_each_erased_text_with_its_event_its_time_and_its_ground(self) -> None:
        gone = (PROPOSED, "target"), (REPORT, "description"), (PROPOSED, "reason")
        erasure = erasure_of(*gone, found=FOUND)
        listed = edition([*TOLD, erasure], FOUND).edition
        assert listed is not None
        assert [
            (one.event.event_id, one.type, one.field, one.erased_at, one.ground, one.by.event_id)
            for one in listed.erased
        ] == [
            (event.id, event.type, name, erasure.time, erasure.data.ground, erasure.id)
            for event, name in ((REPORT, "description"), (PROPOSED, "reason"), (PROPOSED, "target"))
        ]

    def test_counts_the_withheld_texts_of_each_event_and_no_erased_ones(self) -> None:
        some = without("target", "reason", event=PROPOSED)
        listed = edition([*TOLD, erasure_of((PROPOSED, "target"), found=FOUND)], some).edition
        assert listed is not None
        assert [(one.event.event_id, one.texts) for one in listed.withheld] == [(PROPOSED.id, 1)]

    @given(st.sets(st.sampled_from(DIGESTS)))
    @settings(max_examples=examples(40), deadline=None)
    def test_accounts_for_every_text(self, kept: set[str]) -> None:
        listed = edition(TOLD, {digest: FOUND[digest] for digest in kept}).edition
        assert listed is not None
        assert len(kept) + sum(one.texts for one in listed.withheld) == len(FOUND)

    @pytest.mark.parametrize("form", [Form.HTML, Form.MARKDOWN])
    def test_is_announced_at_the_top_and_shown_in_a_section(self, form: Form) -> None:
        erasure = erasure_of((PROPOSED, "target"), (REPORT, "description"), found=FOUND)
        page = made(edition([*TOLD, erasure], without("reason", event=PROPOSED)), form)
        assert "NOT WHOLE" in page.split("Summary")[0]
        assert "2 texts erased, 1 text withheld" in page.replace("</strong>", "")
        section = page.split("Erased and withheld")[-1].split("Proof")[0]
        assert section.count("legal obligation") == 2
        assert section.count("2026-03-05 20:20:00 UTC") == 2

    def test_leaves_out_what_the_report_does_not_cover(self) -> None:
        """An erasure of a text that was recorded after publication is none of its holes."""
        covers = edition(TOLD, FOUND).covers
        reviewed = review.Reviewed(
            report=review.ReportDigest(
                format=1, skeleton_sha256=edition(TOLD, FOUND).edition.skeleton_sha256
            ),
            covers=covers,
            findings=2,
            action_items=1,
            lessons=1,
        )
        later = fact(UUID(int=0xDD), FactKey.WHERE, "seen elsewhere")
        told, found = concealed(
            events((*STORY, (9000, "reviewer-ria", reviewed), (9100, "responder-rob", later)))
        )
        erasure = erasure_of((told[-1], "value"), (told[0], "description"), found=found)
        listed = edition([*told, erasure], {}).edition
        assert listed is not None
        assert [one.field for one in listed.erased] == ["description"]
        assert told[-1].id not in {one.event.event_id for one in listed.withheld}

    def test_is_made_of_events_that_cannot_be_read_too(self) -> None:
        report = edition([not_understood(TOLD[0]), *TOLD[1:]], FOUND)
        assert report.edition is not None
        assert report.edition.withheld == ()


class TestThePageWithHoles:
    PAGE = made(
        edition(
            [*TOLD, erasure_of((REPORT, "description"), found=FOUND)],
            without("reason", event=PROPOSED),
        ),
        Form.HTML,
    )

    def test_links_to_places_on_the_page_alone(self) -> None:
        """The erasure came after what the report covers, and has no place on it."""
        ids = {piece.split('"')[0] for piece in self.PAGE.split(' id="')[1:]}
        targets = {piece.split('"')[0] for piece in self.PAGE.split('href="')[1:]}
        assert {target.removeprefix("#") for target in targets} <= ids
        assert "#holes" in targets

    def test_steps_down_its_headings_one_at_a_time_and_scopes_the_heads_of_its_tables(self) -> None:
        tags = structure(self.PAGE.encode()).tags
        levels = [int(tag[1]) for tag, _ in tags if tag in {"h1", "h2", "h3", "h4"}]
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        assert all("scope" in attributes for tag, attributes in tags if tag == "th")


class TestAForgedMark:
    def test_is_not_in_the_list(self) -> None:
        """Somebody who writes a mark as a text makes no hole of it."""
        first, *rest = STORY
        lie = first[2].model_copy(update={"description": ON_LEGAL_OBLIGATION})
        report = edition(*concealed(events(((*first[:2], lie), *rest))))
        assert report.reports[0].description == ON_LEGAL_OBLIGATION
        assert report.edition is not None
        assert report.edition.erased == ()


class TestHoles:
    @given(st.sets(st.sampled_from(DIGESTS)))
    @settings(max_examples=examples(20), deadline=None)
    def test_change_nothing_but_texts(self, kept: set[str]) -> None:
        """Whatever is missing, a reader finds every statement in its place."""
        whole = readable(TOLD, FOUND, {})
        holes = readable(TOLD, {digest: FOUND[digest] for digest in kept}, {})
        assert [(one.id, one.type, one.hash) for one in whole] == [
            (one.id, one.type, one.hash) for one in holes
        ]
        report = edition(TOLD, {digest: FOUND[digest] for digest in kept})
        assert len(report.timeline) == len(report.proof) == len(TOLD)
        assert report.measures == edition(TOLD, FOUND).measures

    @pytest.mark.parametrize("service", ServiceName)
    def test_may_be_all_of_one_service(self, service: ServiceName) -> None:
        of_it = {one for event in TOLD if event.service is service for one in digests(event.data)}
        report = edition(TOLD, {one: FOUND[one] for one in FOUND.keys() - of_it})
        for form in Form:
            assert made(report, form)

    def test_may_be_everything(self) -> None:
        report = edition(TOLD, {})
        assert report.edition is not None
        assert sum(one.texts for one in report.edition.withheld) == len(FOUND)
        for form in Form:
            page = made(report, form)
            assert not [
                text
                for text in (str(one.named()[1]) for one in FOUND.values())
                if len(text) > 12 and text in page
            ]


OTHER: Final = fact(UUID(int=0xDF), FactKey.OTHER, "It rained.").model_copy(
    update={"label": "weather in the picture"}
)


class TestALabel:
    @pytest.mark.parametrize(
        ("change", "key"),
        [
            (lambda found: found, "weather in the picture"),
            (lambda _: {}, WITHHELD),
        ],
    )
    def test_of_a_fact_that_no_gate_asks_for_is_a_text(
        self, change: Callable[[dict[str, Disclosure]], dict[str, Disclosure]], key: str
    ) -> None:
        told, found = concealed(events((*STORY, (17, "responder-rob", OTHER))))
        report = edition(told, change(found))
        (line,) = [one for one in report.facts if one.fact_id == OTHER.fact_id]
        assert line.key == key
        assert any(f": {key}." in row.says for row in report.timeline)

    def test_of_a_known_key_is_never_missed(self) -> None:
        report = edition(TOLD, {})
        assert WITHHELD not in {line.key for line in report.facts}

    def test_of_a_platform_that_lists_know_stays(self) -> None:
        known = intake.Reported(
            opens=True,
            channel=intake.ReportChannel.API,
            exposure={"platform": "linkedin", "platform_name": "Linked In"},
        )
        told, found = concealed(events([(0, "monitor", known)]))
        for texts in (found, {}):
            assert "on linkedin" in edition(told, texts).timeline[0].says


class TestHostileNamesAndTexts:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_a_name_from_the_directory_adds_no_element(self, text: str) -> None:
        benign, evil = (
            made(edition(TOLD, FOUND, {"lead-lea": name, "it-ivo": name}), Form.HTML)
            for name in ("Lea", text)
        )
        assert structure(evil.encode()).tags == structure(benign.encode()).tags


def test_the_story_has_texts_in_the_events_of_every_service() -> None:
    for service in ServiceName:
        assert [one for one in TOLD if one.service is service and list(digests(one.data))]
    assert REPORT.time == START
