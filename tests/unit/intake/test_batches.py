"""Many reports in one request: in order, so many at a time, each with an answer of its own."""

import asyncio
import json

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from services.intake import bounds
from services.intake.batches import IN_PLACE, MOST, answered, counted, in_order
from services.intake.bodies import RECEIPT_EXAMPLE, ReportReceipt
from services.intake.cloudevents import NotACloudEvent
from services.intake.sources import NotRegistered
from shared.contract.decision import Missing, Rejected
from shared.contract.envelope import MalformedEnvelope
from shared.runtime.say.conflicts import IdempotencyMismatch, Malformed


class TestCounted:
    @pytest.mark.parametrize("filler", [b"", b" " * IN_PLACE], ids=["in place", "in a thread"])
    async def test_finds_the_same_wherever_it_is_counted(self, filler: bytes) -> None:
        body = filler + b"{}\n{}\n"
        assert len(await counted(bounds.lines, body)) == 2

    @pytest.mark.parametrize("filler", [b"", b" " * IN_PLACE], ids=["in place", "in a thread"])
    async def test_refuses_too_many_with_the_number_that_may_come(self, filler: bytes) -> None:
        with pytest.raises(HTTPException, match=str(MOST)) as refused:
            await counted(bounds.lines, filler + b"7\n" * (MOST + 1))
        assert refused.value.status_code == 413


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


class TestAnsweredOneByOne:
    """One report's failure is its own answer, in a batch as it would be alone."""

    @pytest.mark.parametrize(
        ("error", "status", "kind"),
        [
            (Missing("incident 7"), 404, "missing"),
            (Rejected("dismissed", "It was dismissed."), 409, "rejected"),
            (IdempotencyMismatch("k"), 409, "idempotency-mismatch"),
            (Malformed("not JSON"), 400, "malformed"),
            (NotACloudEvent("id is missing"), 400, "malformed"),
            (NotRegistered("not registered"), 403, "forbidden"),
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

    @pytest.mark.parametrize(
        ("wrong", "named", "more"), [(1, 1, None), (20, 20, None), (50, 20, 30)]
    )
    async def test_by_twenty_errors_at_most(self, wrong: int, named: int, more: int | None) -> None:
        """Else a batch of nothing but errors would be answered with many times its size."""

        async def fails() -> ReportReceipt:
            error = {"type": "extra_forbidden", "msg": ""}
            raise RequestValidationError([{**error, "loc": ("body", at)} for at in range(wrong)])

        problem = json.loads(await answered("line", 7, fails()))["problem"]
        assert (len(problem["errors"]), problem.get("more_errors")) == (named, more)

    async def test_by_its_receipt(self) -> None:
        async def succeeds() -> ReportReceipt:
            return ReportReceipt.model_validate(RECEIPT_EXAMPLE)

        answer = json.loads(await answered("index", 0, succeeds()))
        assert answer == {"index": 0, "status": 201, "receipt": RECEIPT_EXAMPLE}
