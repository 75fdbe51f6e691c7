"""The report, by its properties: the same bytes for the same events, nothing left out, nothing made
up, no free text let loose."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from services.review.report import Gap, Report, Unpublished, build, covered, covers_of, digest_of
from services.review.report.as_html import render_html
from services.review.report.as_markdown import render_markdown
from services.review.report.forms import render_json
from services.review.report.timeline import NOT_UNDERSTOOD, line_of
from shared.contract.authority import Role
from shared.contract.catalogue import EVENTS, intake, notify, review, triage
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.system import SystemRecord
from shared.contract.envelope import Event
from shared.contract.vocabulary import (
    Answer,
    Audience,
    Determination,
    DismissalReason,
    ServiceName,
    Severity,
)
from tests.examples import examples
from tests.unit.given import START
from tests.unit.review.story import (
    EXPOSURE,
    FINDING,
    GLASS,
    MESSAGE,
    STORY,
    TAKEDOWN,
    Spoken,
    events,
    fact,
    not_understood,
)

FORMS: tuple[Callable[[Report], bytes], ...] = (render_json, render_markdown, render_html)
KNOWN = events()

THE_REST: Sequence[Spoken] = (
    (2000, "lead-lea", triage.InactionDecided(reason="It was public before.")),
    (
        2001,
        "lead-lea",
        triage.IncidentDismissed(reason=DismissalReason.DUPLICATE, note="See the other one."),
    ),
    (2002, "legal-liv", notify.CommunicationRejected(communication_id=MESSAGE, reason="Too long.")),
    (2003, "service:notify", notify.SendOutcomeUnknown(communication_id=MESSAGE, attempt=2)),
    (
        2004,
        "lead-lea",
        notify.SendOutcomeDecided(
            communication_id=MESSAGE, attempt=2, delivered=False, reason="Asked."
        ),
    ),
    (
        2005,
        "reviewer-ria",
        review.Reviewed(
            report=review.ReportDigest(format=1, skeleton_sha256="1" * 64),
            covers=(),
            findings=2,
            action_items=1,
            lessons=1,
        ),
    ),
)
GONE = review.ErasedText(event_id=MESSAGE, name="text", digest="0" * 43)
FORGETTING: Sequence[Spoken] = (
    (
        3000,
        "privacy-pia",
        review.ErasureRequested(
            erasure_id=FINDING,
            scope=review.ErasureScope.FIELDS,
            ground=review.ErasureGround.CONSENT_WITHDRAWN,
            texts=(GONE,),
            asked_as=review.Side.PRIVACY,
            reason="She asks for it.",
        ),
    ),
    (3001, "legal-liv", review.ErasureRefused(erasure_id=FINDING, reason="It is still needed.")),
    (
        3002,
        "legal-liv",
        review.ContentErased(
            erasure_id=FINDING,
            ground=review.ErasureGround.CONSENT_WITHDRAWN,
            texts=(GONE, GONE),
            requested_by="privacy-pia",
            confirmed_by="legal-liv",
        ),
    ),
    (
        3003,
        "legal-liv",
        review.HoldPlaced(hold_id=GLASS, placed_as=review.Side.LEGAL, reason="A suit."),
    ),
    (3004, "legal-liv", review.HoldReleased(hold_id=GLASS, reason="It is settled.")),
    (
        3005,
        "service:review",
        review.RetentionWarned(
            kinds=(review.TextKind.MESSAGE,), days=14, ends_at=START + timedelta(days=100)
        ),
    ),
)
EVERYTHING = events((*STORY, *THE_REST, *FORGETTING))


class TestTheSameEventsGiveTheSameBytes:
    @given(st.permutations(KNOWN), st.lists(st.sampled_from(KNOWN), max_size=5))
    @settings(max_examples=examples(20), deadline=None)
    def test_in_whatever_order_and_however_often_they_came(
        self, order: list[Event], again: list[Event]
    ) -> None:
        assert digest_of(build([*order, *again])) == digest_of(build(KNOWN))

    @pytest.mark.slow
    def test_in_whatever_environment(self) -> None:
        program = (
            "from tests.unit.review.story import events\n"
            "from services.review.report import build, digest_of\n"
            "print(digest_of(build(events())).model_dump_json())"
        )
        seen = {
            subprocess.run(
                [sys.executable, "-c", program],
                env={**os.environ, **environment},
                capture_output=True,
                check=True,
                text=True,
            ).stdout.strip()
            for environment in (
                {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1", "LC_ALL": "C"},
                {"TZ": "America/Los_Angeles", "PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8"},
            )
        }
        assert seen == {digest_of(build(KNOWN)).model_dump_json()}

    def test_another_event_gives_others(self) -> None:
        assert digest_of(build(KNOWN[:-1])) != digest_of(build(KNOWN))
        for render in FORMS:
            assert render(build(KNOWN[:-1])) != render(build(KNOWN))

    def test_what_came_after_the_covered_events_changes_nothing(self) -> None:
        covers = covers_of(KNOWN)
        assert covered(EVERYTHING, covers) == KNOWN
        assert digest_of(build(covered(EVERYTHING, covers))) == digest_of(build(KNOWN))

    def test_covers_name_the_last_event_of_each_service(self) -> None:
        assert [(head.service, head.sequence) for head in covers_of(KNOWN)] == [
            (ServiceName.INTAKE, 2),
            (ServiceName.NOTIFY, 10),
            (ServiceName.REVIEW, 9),
            (ServiceName.TRIAGE, 19),
        ]
        last = {event.service: event.hash.hex() for event in KNOWN}
        assert all(head.hash == last[head.service] for head in covers_of(KNOWN))


class TestNothingIsLeftOut:
    def test_every_event_stands_in_the_timeline_in_the_order_of_time(self) -> None:
        rows = build(KNOWN).timeline
        assert {row.source.event.event_id for row in rows} == {event.id for event in KNOWN}
        assert [row.source.at for row in rows] == sorted(event.time for event in KNOWN)

    def test_every_event_stands_in_the_proof_with_its_place_hash_and_type(self) -> None:
        proof = build(KNOWN).proof
        assert {
            (line.event.service, line.event.partition, line.event.sequence, line.hash, line.type)
            for line in proof
        } == {
            (event.service, event.link.partition, event.link.sequence, event.hash.hex(), event.type)
            for event in KNOWN
        }

    @pytest.mark.parametrize("render", FORMS)
    def test_every_form_names_every_event_and_hash(self, render: Callable[[Report], bytes]) -> None:
        text = render(build(KNOWN)).decode()
        for event in KNOWN:
            assert str(event.id) in text
            assert event.hash.hex() in text

    def test_every_row_of_markdown_and_html_names_its_event(self) -> None:
        markdown, html = render_markdown(build(KNOWN)).decode(), render_html(build(KNOWN)).decode()
        timeline = markdown.split("## Timeline")[1].split("\n## ")[0]
        for event in KNOWN:
            place = f"{event.service}/{event.link.partition}/{event.link.sequence}"
            assert f"`…{str(event.id)[-8:]}` `{place}`" in timeline
            assert f'id="t-{event.id}"' in html
            assert f'id="e-{event.id}"' in html

    def test_every_type_of_the_catalogue_has_a_line_of_its_own(self) -> None:
        lines = {type(event.data): line_of(event)[0] for event in EVERYTHING}
        assert set(lines) == {event for event in EVENTS if not issubclass(event, SystemRecord)}
        assert NOT_UNDERSTOOD not in lines.values()
        assert len(set(lines.values())) == len(lines)

    def test_what_people_wrote_is_in_every_form(self) -> None:
        for render in FORMS:
            text = render(build(KNOWN)).decode()
            for said in (
                "Two product names can be read.",
                "It spreads, and legal does not answer.",
                "Nobody talks about it.",
            ):
                assert said in text


class TestWhatIsNotKnown:
    def test_an_event_of_an_unknown_version_is_shown_and_proven(self) -> None:
        strange = not_understood(KNOWN[0])
        report = build([strange, *KNOWN[1:]])
        row = next(row for row in report.timeline if row.source.event.event_id == strange.id)
        assert row.says == NOT_UNDERSTOOD
        assert strange.hash.hex() in {line.hash for line in report.proof}

    @given(
        st.lists(
            st.sampled_from(("keep", "drop", "strange")),
            min_size=len(EVERYTHING),
            max_size=len(EVERYTHING),
        )
    )
    @settings(max_examples=examples(60), deadline=None)
    def test_whatever_is_missing_or_strange_the_report_is_made(self, fates: list[str]) -> None:
        kept = [
            not_understood(event) if fate == "strange" else event
            for event, fate in zip(EVERYTHING, fates, strict=True)
            if fate != "drop"
        ]
        report = build(kept)
        assert len(report.timeline) == len(report.proof) == len(kept)
        for render in FORMS:
            assert render(report)

    def test_unknown_is_never_no(self) -> None:
        alone = build(
            events([(0, "somebody", intake.Reported(opens=True, channel=intake.ReportChannel.API))])
        )
        assert {line.reported for line in alone.exposure} == {"unknown"}
        assert {line.assessed for line in alone.exposure} == {"unknown"}
        assert {measure.text for measure in alone.measures} == {"not on record"}
        text = render_markdown(alone).decode()
        assert "Determination** | unknown" in text
        assert "Severity** | unknown" in text
        assert "noticed unknown" in text

    def test_whether_it_is_an_exercise_is_unknown_without_the_first_report(self) -> None:
        assert build(KNOWN).exercise is Answer.NO
        report = build(KNOWN[1:])
        assert report.exercise is Answer.UNKNOWN
        assert "Whether this is a drill is unknown" in render_html(report).decode()
        assert "Whether this is an exercise is unknown" in render_markdown(report).decode()


class TestBanners:
    def test_an_exercise_is_shown_as_one(self) -> None:
        first = STORY[0][2]
        drill = build(
            events([(0, "monitor", first.model_copy(update={"exercise": True})), *STORY[1:]])
        )
        assert drill.exercise is Answer.YES
        assert "**EXERCISE" in render_markdown(drill).decode()
        assert "<strong>EXERCISE</strong>" in render_html(drill).decode()
        assert json.loads(render_json(drill))["exercise"] == "yes"

    def test_the_real_thing_is_not(self) -> None:
        assert "EXERCISE" not in render_markdown(build(KNOWN)).decode()
        assert "EXERCISE" not in render_html(build(KNOWN)).decode()

    def test_a_draft_says_what_is_missing_and_who_can_supply_it(self) -> None:
        draft = Unpublished(True, (Gap("finding", ("finding",), (Role.REVIEWER, Role.LEAD)),))
        report = build(KNOWN, draft)
        markdown, html = render_markdown(report).decode(), render_html(report).decode()
        assert "DRAFT" in markdown
        assert "- finding (from: reviewer, lead)" in markdown
        assert "<strong>DRAFT</strong>" in html
        assert "(from reviewer, lead)" in html
        assert json.loads(render_json(report))["draft"]["missing"][0]["item"] == "finding"

    def test_a_published_one_is_no_draft(self) -> None:
        assert "DRAFT" not in render_markdown(build(KNOWN)).decode()
        assert "DRAFT" not in render_html(build(KNOWN)).decode()


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "[click](javascript:alert(1))",
    "![pixel](https://evil.example/p.png)",
    "<https://evil.example>",
    "https://evil.example/a and www.evil.example",
    "a | b | c |\n| d | e |",
    "# Not a heading\n## Nor this",
    "> not a quotation of ours\n\n- not an item\n1. nor this\n2) nor this\n+ nor this",
    "```\nnot code\n```",
    "    not code either",
    "`code` **bold** _it_ ~~gone~~ &amp; &#60;b&#62;",
    "title\n===\nother\n---",
    "[ref]: https://evil.example\n\n[ref]",
    "line one\u2028line two\u0085line three\x0bline four\r\nline five",
    "turned \u202egnp.exe around\u200b, \x07 rung",
    "\\",
    "trailing \\|",
    "left\u061c to \u180eright\u3164, \u2800blank\U000e0061 and \ue000 private",
)


def hostile(text: str) -> list[Event]:
    """The story with this text in every field that people fill in."""
    return events(
        [(at, "x" if len(text) > 200 else text, _hostile(data, text)) for at, _, data in STORY]
    )


def _hostile(data: EventData, text: str) -> EventData:
    return type(data).model_validate(_fill(data.model_dump(mode="json"), _schema(type(data)), text))


@cache
def _schema(kind: type[EventData]) -> dict[str, Any]:
    return kind.model_json_schema()


def _fill(value: Any, schema: dict[str, Any], text: str) -> Any:
    definitions = schema.get("$defs", {})

    def fill(value: Any, schema: dict[str, Any]) -> Any:
        schema = definitions.get(schema.get("$ref", "").rpartition("/")[2], schema)
        if "anyOf" in schema and value is not None:
            schema = {
                **schema,
                **next(option for option in schema["anyOf"] if option.get("type") != "null"),
            }
            schema = definitions.get(schema.get("$ref", "").rpartition("/")[2], schema)
        if isinstance(value, dict):
            return {name: fill(item, schema["properties"][name]) for name, item in value.items()}
        if isinstance(value, list):
            return [fill(item, schema.get("items", {})) for item in value]
        free = schema.get("type") == "string" and not schema.keys() & {
            "format",
            "enum",
            "const",
            "pattern",
        }
        return text if free and isinstance(value, str) else value

    return fill(value, schema)


class Structure(HTMLParser):
    """Tags with their attributes' names, but for ids, which are ours: what a browser would make of
    a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def structure(html: bytes) -> Structure:
    parser = Structure()
    parser.feed(html.decode())
    return parser


@cache
def structure_of_hostile(text: str) -> Structure:
    return structure(render_html(build(hostile(text))))


@cache
def markdown_of_hostile(text: str) -> bytes:
    return render_markdown(build(hostile(text)))


class TestHostileText:
    def test_the_hostile_story_reaches_the_free_text(self) -> None:
        text = "<b>everywhere</b>"
        reached = json.dumps(json.loads(render_json(build(hostile(text)))))
        assert reached.count(text) > 60

    @pytest.mark.parametrize("text", HOSTILE)
    def test_html_has_the_same_elements_whatever_people_write(self, text: str) -> None:
        benign, evil = structure_of_hostile("words"), structure_of_hostile(text)
        assert evil.tags == benign.tags
        assert "script" not in {tag for tag, _ in evil.tags}

    @pytest.mark.parametrize("text", HOSTILE)
    def test_html_shows_the_text_itself(self, text: str) -> None:
        shown = "".join(structure_of_hostile(text).text)
        for line in text.splitlines():
            if line.isprintable():
                assert line in shown

    @pytest.mark.parametrize("text", HOSTILE)
    def test_markdown_has_the_same_blocks_whatever_people_write(self, text: str) -> None:
        benign = "\n".join("words" if line.strip() else "" for line in text.splitlines())
        assert blocks(markdown_of_hostile(text)) == blocks(markdown_of_hostile(benign))

    @pytest.mark.parametrize("text", HOSTILE)
    def test_markdown_lets_no_link_image_or_html_through(self, text: str) -> None:
        for token in inline(markdown_of_hostile(text)):
            assert token.type not in {"link_open", "image", "html_block"}
            if token.type == "html_inline":
                assert token.content == "<br>"

    @given(st.text(min_size=1, max_size=60))
    @settings(max_examples=examples(60), deadline=None)
    def test_nor_anything_else(self, text: str) -> None:
        filled = text.replace("\x00", "").strip() or "words"
        report = build(events([(0, "x", fact(MESSAGE, "where", filled))]))
        benign = structure(render_html(build(events([(0, "x", fact(MESSAGE, "where", "words"))]))))
        assert structure(render_html(report)).tags == benign.tags
        for token in inline(render_markdown(report)):
            assert token.type not in {"link_open", "image", "html_block"}
            assert token.type != "html_inline" or token.content == "<br>"

    def test_json_keeps_every_character(self) -> None:
        text = "turned \u202egnp.exe\u2028 around"
        assert json.loads(render_json(build(hostile(text))))["facts"][0]["value"] == text


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def blocks(markdown: bytes) -> list[tuple[str, str]]:
    """The block structure, with how many cells every row has; not the text."""
    return [(token.type, token.tag) for token in _parser().parse(markdown.decode())]


def inline(markdown: bytes) -> list[Any]:
    parsed = _parser().parse(markdown.decode())
    return [token for block in parsed for token in (block, *(block.children or ()))]


class TestThePage:
    def test_it_needs_nothing_from_elsewhere_and_runs_nothing(self) -> None:
        html = render_html(build(KNOWN)).decode()
        tags = {tag for tag, _ in structure(html.encode()).tags}
        assert not tags & {"script", "link", "img", "iframe", "form", "object", "base"}
        assert "url(" not in html
        assert "@import" not in html

    def test_every_link_leads_to_a_place_on_the_page(self) -> None:
        html = render_html(build(KNOWN)).decode()
        ids = {piece.split('"')[0] for piece in html.split(' id="')[1:]}
        targets = {piece.split('"')[0] for piece in html.split('href="')[1:]}
        assert all(target.startswith("#") for target in targets)
        assert {target[1:] for target in targets} <= ids

    def test_headings_step_down_one_at_a_time_and_table_heads_have_a_scope(self) -> None:
        tags = structure(render_html(build(KNOWN))).tags
        levels = [int(tag[1]) for tag, _ in tags if tag in {"h1", "h2", "h3", "h4"}]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        assert all("scope" in attributes for tag, attributes in tags if tag == "th")

    def test_it_begins_with_its_doctype_and_names_its_language(self) -> None:
        html = render_html(build(KNOWN)).decode()
        assert html.startswith('<!doctype html>\n<html lang="en">')


class TestSummary:
    def test_it_tells_the_story(self) -> None:
        told = "\n".join(build(KNOWN).summary)
        for part in (
            "reported on 2026-03-02 09:00:00 UTC: a post on a photo network; noticed by monitoring",
            "assessed as confirmed, severity high",
            "platform report on 2026-03-02 09:45:00 UTC",
            "Break-glass was used once: 1 upheld",
            "Told: executives",
            "waived for: employees",
            "2 findings, 1 action item, 1 lesson",
        ):
            assert part in told

    def test_it_owns_up_to_what_did_not_happen(self) -> None:
        told = "\n".join(build(KNOWN[:1]).summary)
        for part in (
            "not assessed",
            "No action was carried out with success",
            "No gate was passed",
            "Nobody was told",
        ):
            assert part in told

    def test_a_decision_not_to_act_and_a_debt_are_named(self) -> None:
        owed = notify.CommunicationRequired(audience=Audience.REGULATOR, rule="a_row")
        told = "\n".join(
            build(events([*STORY[:1], *THE_REST[:1], (3000, "service:notify", owed)])).summary
        )
        assert "by lead-lea: not to act" in told
        assert "Still owed a message: regulator" in told

    def test_the_last_assessment_holds(self) -> None:
        later = triage.Assessed(
            revision=2,
            determination=Determination.NEAR_MISS,
            information_types=(),
            exposure=EXPOSURE,
            severity=Severity.LOW,
            severity_rule="a_row",
        )
        report = build(events([*STORY, (1600, "responder-rob", later)]))
        assert report.determination is Determination.NEAR_MISS
        assert [line.revision for line in report.assessments] == [1, 2]


def test_an_authority_that_went_past_a_gate_says_so() -> None:
    takedown = next(action for action in build(events()).actions if action.action_id == TAKEDOWN)
    assert [attempt.authority for attempt in takedown.attempts] == [
        "lead-lea, past a gate by break-glass"
    ]
