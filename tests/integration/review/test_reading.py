"""What review shows: reviews, the report in three forms, action items, lessons."""

import base64
import hashlib
import json
from typing import Any

import pytest

from services.review.audit import audit
from services.review.domain.commands import Publish
from shared.contract.authority import Role, who_may
from shared.contract.catalogue.review import ReportDigest
from shared.contract.decision import Actor, Context
from shared.contract.vocabulary import Severity
from shared.runtime.process import clock
from shared.runtime.web.auth import READERS
from tests.integration.review.conftest import SOON, Review, assessed, finding
from tests.integration.serving import NOBODY

HTML, MARKDOWN, JSON = (
    "text/html; charset=utf-8",
    "text/markdown; charset=utf-8",
    "application/json",
)


async def ids(review: Review, path: str = "/incidents", **filters: Any) -> list[str]:
    return [item["incident_id"] for item in await review.served.listed(path, **filters)]


class TestTheReviews:
    async def test_come_in_pages_newest_first_and_can_be_filtered(self, review: Review) -> None:
        known = str(await review.known())
        opened = str(await review.opened(severity=Severity.CRITICAL))
        drill = str(await review.published(exercise=True))
        for limit in (1, 2, 200):
            assert await ids(review, limit=limit) == [drill, opened, known]
        for filters, expected in [
            ({"status": "not_opened"}, [known]),
            ({"status": "open"}, [opened]),
            ({"status": "published"}, [drill]),
            ({"exercise": "true"}, [drill]),
            ({"exercise": "false"}, [opened, known]),
            ({"severity": "critical"}, [opened]),
            ({"severity": "high", "status": "open"}, []),
        ]:  # fmt: skip
            assert await ids(review, **filters) == expected, filters

    async def test_refuse_what_they_do_not_understand(self, review: Review) -> None:
        for query in (
            "/incidents?cursor=x",
            "/incidents?status=lost",
            "/incidents?limit=0",
            "/action-items?due_before=soon",
            "/action-items?owner=",
            "/action-items?owner=%00",
            "/action-items?cursor=x",
            "/lessons?exercise=perhaps",
            "/lessons?cursor=x",
        ):
            answer = await review.served.get(query)
            assert answer.status_code in {400, 422}, query
            assert answer.headers["content-type"] == "application/problem+json", query

    async def test_of_what_nobody_knows_are_none(self, review: Review) -> None:
        for path in (
            f"/incidents/{NOBODY}",
            f"/incidents/{NOBODY}/report",
            f"/incidents/{NOBODY}/events",
        ):
            assert (await review.served.get(path)).status_code == 404


class TestActionItems:
    async def test_come_by_their_day_in_pages_and_can_be_filtered(self, review: Review) -> None:
        days = [SOON, "2999-01-01", "2999-12-31"]
        items = [
            {"description": f"{owner} {due}", "owner": owner, "due": due}
            for owner in ("ann", "ben")
            for due in days
        ]
        first, second = await review.opened(), await review.published(exercise=True)
        await review.gives(first, "/findings", finding(action_items=items))
        everything = [item["description"] for item in await review.served.listed("/action-items")]
        assert sorted(everything) == sorted(
            [*(item["description"] for item in items), "Label slides"]
        )
        due = [item["due"] for item in await review.served.listed("/action-items")]
        assert due == sorted(due)
        for limit in (1, 2, 3):
            assert [
                item["description"]
                for item in await review.served.listed("/action-items", limit=limit)
            ] == everything
        for filters, count in [
            ({"owner": "ann"}, 3),
            ({"owner": "ann", "due_before": "2999-12-31"}, 2),
            ({"due_before": "2999-01-01"}, 3),
            ({"exercise": "true"}, 1),
            ({"exercise": "false"}, 6),
            ({"status": "published"}, 1),
            ({"status": "open"}, 6),
            ({"incident_id": str(second)}, 1),
            ({"incident_id": str(NOBODY)}, 0),
        ]:  # fmt: skip
            assert len(await review.served.listed("/action-items", **filters)) == count, filters


class TestLessons:
    async def test_are_for_everybody_once_they_are_published(self, review: Review) -> None:
        hidden = await review.opened()
        await review.gives(hidden, "/lessons", {"text": "Not yet"})
        await review.published(lesson="One")
        await review.published(lesson="Two", exercise=True)
        for role in (*Role, None):
            answer = await review.served.http.get(
                "/lessons", headers=review.served.token(role, "somebody")
            )
            assert [item["text"] for item in answer.json()["items"]] == ["Two", "One"], role
        assert (await review.served.get("/lessons", role=None)).status_code == 401
        assert [item["text"] for item in await review.served.listed("/lessons", limit=1)] == [
            "Two",
            "One",
        ]
        assert [
            item["text"] for item in await review.served.listed("/lessons", exercise="true")
        ] == ["Two"]
        assert [
            item["text"] for item in await review.served.listed("/lessons", exercise="false")
        ] == ["One"]


class TestTheReport:
    async def test_is_a_draft_that_says_what_is_missing_until_it_is_published(
        self, review: Review
    ) -> None:
        incident = await review.opened()
        await review.reads_texts(incident, "<b>a board</b>")
        draft = (await review.report(incident)).json()
        assert draft["draft"]["review_opened"] is True
        assert [name for gap in draft["draft"]["missing"] for name in gap["missing"]] == [
            "contained_or_decision_not_to_act",
            "finding",
        ]
        page = (await review.report(incident, "?format=html")).text
        assert "DRAFT" in page
        assert "<b>a board" not in page, "what people wrote is escaped"
        assert "<script" not in page
        assert "DRAFT" in (await review.report(incident, "?format=markdown")).text

    async def test_names_its_skeleton_whose_digest_is_on_the_log_in_every_form(
        self, review: Review
    ) -> None:
        incident = await review.published()
        said = (await review.said(incident, "reviewed"))["data"]["report"]["skeleton_sha256"]
        skeleton = await review.report(incident, "/skeleton")
        assert hashlib.sha256(skeleton.content).hexdigest() == said
        assert skeleton.headers["content-type"] == JSON
        for form, media_type in (("json", JSON), ("markdown", MARKDOWN), ("html", HTML)):
            answer = await review.report(incident, f"?format={form}")
            digest = hashlib.sha256(answer.content)
            assert answer.headers["content-type"] == media_type
            assert said in answer.text
            assert answer.headers["ETag"] == f'"{digest.hexdigest()}"'
            assert (
                answer.headers["Repr-Digest"]
                == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
            )
            assert "DRAFT" not in answer.text

    async def test_stays_as_it_was_whatever_is_said_later(self, review: Review) -> None:
        incident = await review.published()
        await review.reads_texts(incident, "<b>a board</b>")
        before = await review.report(incident)
        await review.hears(incident, assessed(severity=Severity.LOW))
        assert (await review.report(incident)).content == before.content

    @pytest.mark.parametrize(
        ("published", "status", "kind"),
        [({"format": 99}, 501, "report-format"), ({"format": 1}, 500, "report-differs")],
    )
    async def test_that_this_build_cannot_make_is_refused_with_what_to_do(
        self, review: Review, published: dict[str, Any], status: int, kind: str
    ) -> None:
        incident = await review.publishable()
        ledger = review.served.running.ledger
        digest = ReportDigest(skeleton_sha256="1" * 64, **published)
        covers = (await ledger.load(incident)).state.covers
        reviewer = Actor("a-reviewer", frozenset({Role.REVIEWER}))
        await ledger.carry_out(incident, Publish(digest, covers), Context(clock.now(), reviewer))
        for path in ("", "/skeleton"):
            answer = await review.report(incident, path)
            assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (status, kind)
            assert "build that published it" in answer.json()["detail"]

    async def test_comes_in_the_form_that_is_liked_best(self, review: Review) -> None:
        incident = await review.known()
        for accept, media_type in (
            ("*/*", JSON),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
            ("text/markdown", MARKDOWN),
            ("text/*;q=0.5, application/json;q=0.4, text/html;q=0.1", MARKDOWN),
            ("application/json;q=0, text/html;q=0.2", HTML),
        ):
            answer = await review.report(incident, Accept=accept)
            assert (answer.headers["content-type"], answer.headers["Vary"]) == (
                media_type,
                "Accept",
            ), accept

    async def test_lines_of_liking_count_as_one(self, review: Review) -> None:
        """RFC 9110 §5.3: what is sent in lines of one name is one list."""
        incident = await review.known()
        token = review.served.token(Role.AUDITOR)
        for lines, media_type in (
            (["image/png", "text/html"], HTML),
            (["text/html;q=0.1", "text/markdown;q=0.2, application/json;q=0.1"], MARKDOWN),
            (["application/json;q=0", "*/*;q=0.1", "text/html;q=0.05"], MARKDOWN),
            (["image/png", "application/pdf"], "application/problem+json"),
            (["", "text/html"], HTML),
        ):
            headers = [*token.items(), *(("Accept", line) for line in lines)]
            answer = await review.served.http.get(f"/incidents/{incident}/report", headers=headers)
            assert answer.headers["content-type"] == media_type, lines

    async def test_goes_by_name_before_it_goes_by_liking(self, review: Review) -> None:
        incident = await review.known()
        answer = await review.report(incident, "?format=markdown", Accept="text/html")
        assert answer.headers["content-type"] == MARKDOWN
        assert (await review.report(incident, "?format=pdf")).status_code == 422

    async def test_in_no_form_that_there_is_is_refused(self, review: Review) -> None:
        answer = await review.report(await review.known(), Accept="application/pdf")
        assert (answer.status_code, answer.headers["content-type"]) == (
            406,
            "application/problem+json",
        )
        assert "text/markdown" in answer.json()["detail"]

    async def test_is_not_sent_again_to_who_has_it(self, review: Review) -> None:
        incident = await review.known()
        await review.reads_texts(incident, "<b>a board</b>")
        tag = (await review.report(incident)).headers["ETag"]
        for seen in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            answer = await review.report(incident, **{"If-None-Match": seen})
            assert (answer.status_code, answer.content) == (304, b""), seen
        assert (await review.report(incident, **{"If-None-Match": '"x"'})).status_code == 200

    async def test_of_a_draft_names_the_skeleton_that_would_be_published(
        self, review: Review
    ) -> None:
        incident = await review.publishable()
        skeleton = await review.report(incident, "/skeleton")
        named = (await review.report(incident)).json()["edition"]["skeleton_sha256"]
        assert hashlib.sha256(skeleton.content).hexdigest() == named
        await review.gives(incident, "/publication", None)
        assert (await review.report(incident, "/skeleton")).content == skeleton.content

    async def test_shows_persons_by_name_to_those_who_may_read_them(self, review: Review) -> None:
        incident = await review.opened()
        answer = await review.asks(incident, "/lessons", {"text": "So."}, name="ruth")
        assert answer.status_code == 201
        pseudonym = (await review.said(incident, "lesson_recorded"))["actor"]
        assert pseudonym != "ruth"
        for role in READERS:
            shown = await review.served.get(f"/incidents/{incident}/report", role)
            (lesson,) = shown.json()["lessons"]
            expected = "ruth" if role in who_may("read_people") else pseudonym
            assert lesson["source"]["by"] == expected, role
        bones = (await review.report(incident, "/skeleton")).json()
        assert bones["lessons"][0]["source"]["by"] == pseudonym

    async def test_runs_nothing_and_loads_nothing(self, review: Review) -> None:
        answer = await review.report(await review.known(), "?format=html")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "script" not in answer.headers["Content-Security-Policy"]


class TestWhatIsErased:
    async def test_is_gone_from_lists_which_say_when_and_why(self, review: Review) -> None:
        incident = await review.published(lesson="Ask Bernd first.")
        recorded = await review.said(incident, "lesson_recorded")
        found = await review.said(incident, "finding_recorded")
        for path in ("/lessons", "/action-items"):
            assert [item["erased"] for item in await review.served.listed(path)] == [None]
        await review.erases(incident, recorded["event_id"])
        await review.erases(incident, found["event_id"], ground="objection")
        (lesson,) = await review.served.listed("/lessons")
        (item,) = await review.served.listed("/action-items")
        assert (lesson["text"], item["description"]) == (None, None)
        assert lesson["erased"]["ground"] == "consent_withdrawn"
        assert item["erased"]["ground"] == "objection"
        erasure = await review.said(incident, "content_erased")
        assert item["erased"]["erased_at"] == erasure["time"]

    @pytest.mark.parametrize("published", [True, False])
    async def test_leaves_a_hole_in_the_report_and_the_skeleton_as_it_was(
        self, review: Review, published: bool
    ) -> None:
        incident = await review.publishable()
        await review.gives(incident, "/lessons", {"text": "Ask Bernd first."})
        if published:
            await review.gives(incident, "/publication", None)
        await review.reads_texts(incident, "<b>a board</b>", "Ask Bernd first.")
        before = await review.report(incident, "/skeleton")
        lesson = await review.said(incident, "lesson_recorded")
        await review.erases(incident, lesson["event_id"])
        report = (await review.report(incident)).json()
        assert report["lessons"][0]["text"].startswith("[erased on ")
        assert [
            (one["event"]["event_id"], one["field"], one["ground"])
            for one in report["edition"]["erased"]
        ] == [(lesson["event_id"], "text", "consent_withdrawn")]
        for form in ("json", "markdown", "html"):
            page = (await review.report(incident, f"?format={form}")).text
            assert "Bernd" not in page
            assert "consent" in page
        after = await review.report(incident, "/skeleton")
        assert (after.content == before.content) is published, "a draft tells of the erasure too"

    async def test_of_another_service_does_not_come_back(self, review: Review) -> None:
        incident = await review.published()
        await review.reads_texts(incident, "<b>a board</b>")
        opened = await review.said(incident, "reported")
        await review.erases(incident, opened["event_id"], fields=["description"])
        report = (await review.report(incident)).json()
        assert "a board" not in json.dumps(report)
        assert report["reports"][0]["description"].startswith("[erased on ")
        assert report["edition"]["withheld"] == []

    async def test_is_no_violation_for_an_auditor(self, review: Review) -> None:
        incident = await review.published()
        lesson = await review.said(incident, "lesson_recorded")
        await review.erases(incident, lesson["event_id"])
        history = await review.served.running.ledger.history(incident)
        assert [one.rule for one in audit([recorded.event for recorded in history])] == []
