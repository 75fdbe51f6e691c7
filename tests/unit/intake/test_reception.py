"""The pure parts of taking reports: numbering lines, keeping order, what makes a report the same
report."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.bodies import RECEIPT_EXAMPLE, BatchLine, ReportBody, ReportReceipt
from services.intake.reception import Key, answered, asked_for, in_order, numbered
from shared.contract.catalogue.intake import ForeignEvent
from shared.contract.decision import Missing, Rejected
from shared.contract.envelope import MalformedEnvelope
from shared.runtime.say.conflicts import IdempotencyMismatch, Malformed

FOREIGN = ForeignEvent(source="//dlp", id="17", type="com.example.dlp.finding")


class TestNumbered:
    @pytest.mark.parametrize(
        ("body", "lines"),
        [
            (b"", []),
            (b"{}", [(1, b"{}")]),
            (b"{}\n", [(1, b"{}")]),
            (b"{}\r\n\r\n  \n{}\r\n", [(1, b"{}"), (4, b"{}")]),
            (b"\n\nx", [(3, b"x")]),
        ],
    )
    def test_passes_over_empty_lines_and_keeps_count(
        self, body: bytes, lines: list[tuple[int, bytes]]
    ) -> None:
        assert list(numbered(body)) == lines


class TestInOrder:
    @given(st.lists(st.integers(0, 5), max_size=20), st.integers(1, 8))
    async def test_gives_results_in_the_order_of_the_jobs(
        self, turns: list[int], at_once: int
    ) -> None:
        async def job(number: int, turns: int) -> int:
            for _ in range(turns):
                await asyncio.sleep(0)
            return number

        jobs = (job(number, count) for number, count in enumerate(turns))
        places = asyncio.Semaphore(3)
        results = [number async for ready in in_order(jobs, at_once, places) for number in ready]
        assert results == list(range(len(turns)))

    async def test_runs_so_many_side_by_side_and_no_more(self) -> None:
        running = most = 0

        async def job() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

        async for _ in in_order((job() for _ in range(50)), 7, asyncio.Semaphore(100)):
            pass
        assert most == 7

    async def test_stops_what_is_under_way_when_nobody_listens_any_more(self) -> None:
        stopped = 0

        async def job(number: int) -> int:
            nonlocal stopped
            try:
                await asyncio.sleep(3600 if number else 0)
            except asyncio.CancelledError:
                stopped += 1
                raise
            return number

        places = asyncio.Semaphore(3)
        answers = in_order((job(number) for number in range(3)), 3, places)
        assert await anext(answers) == [0]
        await answers.aclose()
        await asyncio.sleep(0)
        assert stopped == 2
        assert not places.locked()

    async def test_all_who_run_many_share_the_places_and_all_get_on(self) -> None:
        running = most = 0

        async def job(number: int) -> int:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            return number

        async def batch() -> list[int]:
            jobs = (job(number) for number in range(50))
            return [number async for ready in in_order(jobs, 10, places) for number in ready]

        places = asyncio.Semaphore(12)
        async with asyncio.timeout(10):
            assert await asyncio.gather(*(batch() for _ in range(4))) == [list(range(50))] * 4
        assert most == 12


fields = st.fixed_dictionaries(
    {},
    optional={
        "exercise": st.booleans(),
        "description": st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
            min_size=1,
            max_size=20,
        ),
        "discovery": st.sampled_from(["dlp", "unknown"]),
        "exposure": st.fixed_dictionaries(
            {}, optional={"platform": st.just("x"), "copies": st.integers(0, 3)}
        ),
        "reporter": st.fixed_dictionaries({"name": st.sampled_from(["Robin", "Kim"])}),
    },
)


class TestTheSameReport:
    @given(fields)
    def test_is_the_same_however_it_is_written(self, body: dict[str, Any]) -> None:
        spelt = json.dumps(dict(reversed(body.items())), indent=2, ensure_ascii=False)
        spelt_out = ReportBody.model_validate_json(json.dumps(body)).model_dump_json()
        first = asked_for(ReportBody.model_validate(body), None)
        assert asked_for(ReportBody.model_validate_json(spelt), None) == first
        assert asked_for(ReportBody.model_validate_json(spelt_out), None) == first
        assert asked_for(BatchLine.model_validate({**body, "idempotency_key": "a"}), None) == first

    @given(fields, fields)
    def test_is_another_when_it_says_something_else(
        self, one: dict[str, Any], other: dict[str, Any]
    ) -> None:
        first, second = ReportBody.model_validate(one), ReportBody.model_validate(other)
        assert (asked_for(first, None) == asked_for(second, None)) == (first == second)

    def test_is_another_when_the_event_has_another_type(self) -> None:
        other = FOREIGN.model_copy(update={"type": "com.example.dlp.retraction"})
        assert asked_for(ReportBody(), FOREIGN) != asked_for(ReportBody(), other)


class TestKey:
    def test_does_not_tell_whose_it_is(self) -> None:
        kept = Key("caller maria", "my-key").on(b"").key
        assert "maria" not in kept
        assert "my-key" not in kept

    @given(st.text(), st.text(), st.text(), st.text())
    def test_is_the_same_only_for_the_same_owner_and_name(
        self, a: str, b: str, c: str, d: str
    ) -> None:
        assert (Key(a, b).on(b"").key == Key(c, d).on(b"").key) == ((a, b) == (c, d))


class TestAnsweredOneByOne:
    """One report's failure is its own answer, in a batch as it would be alone."""

    @pytest.mark.parametrize(
        ("error", "status", "kind"),
        [
            (Missing("incident 7"), 404, "missing"),
            (Rejected("dismissed", "It was dismissed."), 409, "rejected"),
            (IdempotencyMismatch("k"), 409, "idempotency-mismatch"),
            (Malformed("not JSON"), 400, "malformed"),
            (MalformedEnvelope("70000 bytes"), 413, "too-large"),
            (ConnectionRefusedError(), 503, "unavailable"),
            (ZeroDivisionError("secret"), 500, "bug"),
        ],
    )
    async def test_by_its_problem(self, error: Exception, status: int, kind: str) -> None:
        async def fails() -> ReportReceipt:
            raise error

        answer = json.loads(await answered("line", 7, fails()))
        assert (answer["line"], answer["status"], answer["problem"]["status"]) == (
            7,
            status,
            status,
        )
        assert answer["problem"]["type"].rpartition("/")[2] == kind
        assert "secret" not in json.dumps(answer)

    async def test_by_its_receipt(self) -> None:
        async def succeeds() -> ReportReceipt:
            return ReportReceipt.model_validate(RECEIPT_EXAMPLE)

        answer = json.loads(await answered("index", 0, succeeds()))
        assert answer == {"index": 0, "status": 201, "receipt": RECEIPT_EXAMPLE}
